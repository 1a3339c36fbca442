/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark-ld, the watermark linker: stands in front of the real linker under its name (ld, ld.bfd,
 * ld.gold, ld.lld, ld.mold), adds one object to the link, and writes a UUID over its zeros in the
 * output. See runmark-ld(1) for what a user may notice, which is nothing.
 */
#include "decide.h"

#include "common/fs.h"
#include "common/log.h"
#include "common/version.h"

#include <errno.h>
#include <time.h>

static const char usage[] =
	"Usage: ld [OPTION]... FILE...\n"
	"Runs the real linker of the name it is called by (ld, ld.bfd, ld.gold, ld.lld,\n"
	"ld.mold), and gives what is linked a watermark. All options are the linker's.\n"
	"\n"
	"Only as runmark-ld:\n"
	"  --explain [LINKER] OPTION...  what would be done with this line, and why\n"
	"  --help                        this text\n"
	"  --version                     name and version\n";

/* By its own name it answers for itself; by a linker's, the linker does. */
static bool answer_for_itself(int argc, char **argv)
{
	if (argc != 2 || strcmp(fs_base_name(argv[0]), "runmark-ld"))
		return false;
	if (!strcmp(argv[1], "--help"))
		fputs(usage, stdout);
	else if (!strcmp(argv[1], "--version"))
		puts("runmark-ld " RUNMARK_VERSION);
	else
		return false;
	return true;
}

/* "runmark-ld --explain [LINKER] LINE" as LINKER LINE. False: it isn't that. */
static bool take_explain(struct link *link)
{
	if (link->argc < 2 || strcmp(fs_base_name(link->argv[0]), "runmark-ld") ||
	    strcmp(link->argv[1], "--explain"))
		return false;
	link->argc--;
	link->argv++;
	if (link->argc > 1 && link->argv[1][0] != '-' &&
	    linker_by_name(link->argv[1]).can_augment) {
		link->argc--;
		link->argv++;
	} else {
		link->argv[0] = (char *)"ld";
	}
	return true;
}

/* A broken file may have said that nothing is stamped, so nothing is. It is the administrator's to
 * find, with runmarkd --check-config; not a user's, unless he asks: *ret_message (freed by the
 * caller; NULL: none) is what is wrong. */
static void load_config(struct link *link, char **ret_message)
{
	_cleanup_free_ char *message = NULL, *message_default = NULL;

	link->is_config_bad = config_load(NULL, &link->config, &message) < 0;
	if (link->is_config_bad && config_load("/dev/null", &link->config, &message_default) < 0)
		link->config = (struct config){};
	*ret_message = TAKE_PTR(message);
}

/* What a driver or a shell shows as the linker's name must not change: without a slash it is what
 * the user typed; with one, the place where a driver would have found it. */
static void set_name(struct link *link)
{
	if (strchr(link->argv[0], '/'))
		link->argv[0] = link->found.shown;
}

static void set_round(unsigned int rounds)
{
	char text[16];

	if (!rounds) {
		unsetenv(LINKER_ROUND_VARIABLE);
		return;
	}
	snprintf(text, sizeof(text), "%u", rounds);
	setenv(LINKER_ROUND_VARIABLE, text, 1);
}

int main(int argc, char **argv)
{
	static char *no_arguments[] = {"ld", NULL};
	static struct link link;
	_cleanup_free_ char *config_message = NULL;
	bool is_question;
	struct timespec now;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &now);
	link = (struct link){
		.argc = argc, .argv = argv, .child.captured = {-1, -1}, .child.inputs = -1};
	link.began_ns = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
	if (argc < 1) {
		link.argc = 1;
		link.argv = no_arguments;
	} else if (answer_for_itself(argc, argv)) {
		return 0;
	}
	log_init("runmark-ld");
	is_question = take_explain(&link);
	link.linker = linker_by_name(link.argv[0]);
	rescue_init(&link);
	load_config(&link, &config_message);
	if (linker_find(&link.linker, link.config.link_ld,
			strchr(link.argv[0], '/') ? link.argv[0] : NULL,
			linker_targets(link.argc, link.argv), &link.found) < 0) {
		/* a shell's words: there is no linker whose words could be shown */
		fprintf(stderr, "%s: not found\n", link.linker.name);
		return 127;
	}
	if (is_question)
		return explain(&link, config_message);
	set_name(&link);
	set_round(link.found.rounds);
	link_explain("the real one is %s", link.found.path);
	if (link_augmented(&link, &status) == LINK_DONE)
		return status;
	status = link_plainly(&link);
	fprintf(stderr, "%s: %s\n", link.found.path, strerror(-status));
	return status == -ENOENT ? 127 : 126;
}
