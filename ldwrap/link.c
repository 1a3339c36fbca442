/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The augmented link, step by step. Whatever goes wrong or is in doubt on the way ends in
 * LINK_PLAIN, where the real linker runs as if we weren't there and all it says and does is the
 * user's. The one point of no return is the end of a successful child: its output stands, its
 * messages are shown, and the rest (stamp, record) can only be left out.
 */
#include "link.h"

#include "decide.h"
#include "depfile.h"
#include "report.h"

#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define RECORD_SECONDS 5 /* for the record, from the stamp on */

struct augmented {
	struct decision decision;
	char **argv; /* of the child */
	struct report report;
	bool has_report;
	bool lists_inputs; /* the linker knows --dependency-file */
	bool has_object;   /* our object is among the inputs */
	uint64_t linker_ns;
};

void link_explain(const char *format, ...)
{
	const char *wanted = getenv("RUNMARK_LD_DEBUG");
	char text[512];
	va_list arguments;

	if (!wanted || strcmp(wanted, "1") || getauxval(AT_SECURE))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_info("%s", text);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The user's line with our option first (the last one of a kind counts, and it shall be the
 * user's) and our object last, unless an input brought its note along. */
static void fill_in_argv(const struct link *link, struct augmented *augmented)
{
	size_t count = 0;

	augmented->argv[count++] = link->argv[0];
	if (augmented->lists_inputs)
		augmented->argv[count++] = (char *)link->child.inputs_option;
	for (int i = 1; i < link->argc; i++)
		augmented->argv[count++] = link->argv[i];
	if (augmented->has_object)
		augmented->argv[count++] = augmented->decision.placeholder;
	augmented->argv[count] = NULL;
}

/* The child's end; -errno if it didn't even start. Builds the record meanwhile. */
static int run_child(struct link *link, struct augmented *augmented, enum child_end *ret,
		     int *ret_status)
{
	uint64_t began_ns = now_ns();
	int r;

	fill_in_argv(link, augmented);
	r = child_start(&link->child, link->found.path, augmented->argv, environ);
	if (r < 0)
		return r;
	if (!augmented->has_report) {
		augmented->has_report = true;
		report_begin(&link->found, link->argc, link->argv, &augmented->report);
	}
	r = child_wait(&link->child, ret, ret_status);
	augmented->linker_ns += now_ns() - began_ns;
	return r;
}

/* NULL, or why the child's success isn't good enough to show. */
static const char *judge_messages(const struct link *link, const struct augmented *augmented)
{
	const size_t *lens = link->child.captured_len;
	bool has_terminal = isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);

	for (int i = 0; i < 2; i++) {
		if (lens[i] >= CHILD_CAPTURE_MAX)
			return "too many messages";
		if (child_captured_has(&link->child, i, augmented->decision.placeholder) ||
		    child_captured_has(&link->child, i, NOTE_SECTION))
			return "a message is about our object";
		if (!lens[i] || !isatty(i ? STDERR_FILENO : STDOUT_FILENO))
			continue;
		/* a compiler's, in link-time optimisation, end in the option they belong to */
		if (link->found.has_colours || child_captured_has(&link->child, i, "[-W"))
			return "messages have colours on a terminal";
	}
	/* where both go to one file, they were taken as one (child.c); to two, each has its own
	 * order; but a terminal's come line by line */
	return lens[0] && lens[1] && has_terminal ? "the order of messages isn't known" : NULL;
}

/* The inputs that the linker listed: in the user's own file, or in ours in memory. NULL if there
 * are none. */
static char *read_inputs(const struct link *link, const struct augmented *augmented,
			 size_t *ret_len)
{
	const char *path = augmented->decision.args.dependency_file;
	int fd = link->child.inputs;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t len;

	if (path)
		return fs_read_file(AT_FDCWD, path, DEPFILE_MAX, &text, ret_len) < 0
			       ? NULL
			       : TAKE_PTR(text);
	if (fstat(fd, &st) < 0 || !st.st_size || st.st_size > DEPFILE_MAX)
		return NULL;
	text = malloc((size_t)st.st_size);
	len = text ? fs_pread_all(fd, text, (size_t)st.st_size, 0) : -1;
	if (len <= 0)
		return NULL;
	*ret_len = (size_t)len;
	return TAKE_PTR(text);
}

static void send_record(struct link *link, struct augmented *augmented, int fd,
			const struct stamp *stamp)
{
	size_t inputs_len = 0;
	_cleanup_free_ char *inputs = read_inputs(link, augmented, &inputs_len);
	const struct json *record = &augmented->report.record;
	struct report_result result = {
		.output = augmented->decision.args.output,
		.fd = fd,
		.stamp = stamp,
		.args = &augmented->decision.args,
		.dependencies = {inputs, inputs_len},
		.tokens = augmented->decision.line.tokens,
		.token_count = augmented->decision.line.count,
		.placeholder = augmented->decision.placeholder,
		.symbols = link->config.link_symbols,
		.began_ns = link->began_ns,
		.linker_ns = augmented->linker_ns,
	};
	int r;

	r = report_finish(&augmented->report, &result);
	if (!r)
		r = report_deliver(&link->config, (struct bytes){record->data, record->len});
	if (r < 0)
		link_explain("link record lost: %s", strerror(-r));
}

bool link_is_reproducible(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	return epoch && epoch[0];
}

static void finish(struct link *link, struct augmented *augmented)
{
	_cleanup_close_ int fd = -1;
	struct stamp stamp;

	link->is_linked = true;
	child_replay(&link->child);
	rescue_extras();
	fd = stamp_output(augmented->decision.args.output, &augmented->decision.output_before,
			  link_is_reproducible(), &stamp);
	if (fd < 0) {
		link_explain("no output to stamp: %s", strerror(-fd));
		return;
	}
	link_explain("%s", stamp_state_texts[stamp.state] ?: "stamped");
	rescue_within(RECORD_SECONDS);
	send_record(link, augmented, fd, &stamp);
}

/* Runs the linker; once more without what it doesn't know, or where an input has brought a note
 * along: one is enough. 0 or negative errno. */
static int run_augmented(struct link *link, struct augmented *augmented, enum child_end *ret,
			 int *ret_status)
{
	int r;

	augmented->lists_inputs = true;
	augmented->has_object = true;
	r = run_child(link, augmented, ret, ret_status);
	if (r >= 0 && *ret == CHILD_FAILED &&
	    child_captured_has(&link->child, link->child.is_one_file ? 0 : 1, "dependency-file")) {
		/* older than that option: it has done nothing yet */
		augmented->lists_inputs = false;
		r = run_child(link, augmented, ret, ret_status);
	}
	if (r >= 0 && *ret == CHILD_OK && stamp_count_notes(augmented->decision.args.output) > 1) {
		link_explain("an input has a note already: it takes the watermark");
		augmented->has_object = false;
		r = run_child(link, augmented, ret, ret_status);
	}
	return r;
}

/* LINK_PLAIN with a phrase, or LINK_DONE. */
static enum link_outcome try_augmented(struct link *link, struct augmented *augmented,
				       const char **ret_why, int *ret_status)
{
	enum child_end end;
	int status;

	*ret_why = "the child can't be run";
	if (run_augmented(link, augmented, &end, &status) < 0)
		return LINK_PLAIN;
	if (end == CHILD_SIGNALLED) {
		child_replay(&link->child);
		if (WIFSIGNALED(status))
			child_die_by(WTERMSIG(status));
		*ret_status = WEXITSTATUS(status);
		return LINK_DONE;
	}
	*ret_why =
		end == CHILD_FAILED ? "it failed with our object" : judge_messages(link, augmented);
	if (*ret_why)
		return LINK_PLAIN;
	finish(link, augmented);
	*ret_status = 0;
	return LINK_DONE;
}

enum link_outcome link_augmented(struct link *link, int *ret_status)
{
	struct augmented augmented = {};
	enum link_outcome outcome = LINK_PLAIN;
	const char *why = decide(link, &augmented.decision);

	if (!why && child_init(&link->child) < 0)
		why = "no files in memory";
	augmented.argv = calloc((size_t)link->argc + 3, sizeof(augmented.argv[0]));
	if (!why && !augmented.argv)
		why = "no memory";
	if (!why)
		outcome = try_augmented(link, &augmented, &why, ret_status);
	if (outcome == LINK_PLAIN)
		link_explain("plain link: %s", why);
	if (augmented.has_report)
		report_done(&augmented.report);
	free(augmented.argv);
	decision_done(&augmented.decision);
	return outcome;
}

int link_plainly(const struct link *link)
{
	execve(link->found.path, link->argv, environ);
	return -errno;
}
