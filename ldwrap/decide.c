/* SPDX-License-Identifier: BSD-2-Clause */
/* The reasons for a plain link, cheapest first, and runmark-ld --explain, which shows them. */
#include "decide.h"

#include "driver.h"
#include "placeholder.h"

#include "common/fs.h"
#include "common/opt_out.h"

static bool has_opted_out(void)
{
	for (char **entry = environ; *entry; entry++)
		if (opt_out_is_entry(bytes_of(*entry)))
			return true;
	return false;
}

/* As an absolute path, links not followed: what a rule of the configuration sees. */
static void absolute_path(const char *path, char ret[2 * PATH_MAX])
{
	char cwd[PATH_MAX];

	if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	snprintf(ret, 2 * PATH_MAX, "%s%s%s", cwd, cwd[0] ? "/" : "", path);
}

static bool is_named(const struct config_list *skip, const char *path)
{
	char absolute[2 * PATH_MAX];

	absolute_path(path, absolute);
	return config_list_matches(skip, absolute);
}

/* configure's first probe is "gcc conftest.c", to see what the output is called. */
static bool is_made_of_named(const struct config_list *skip)
{
	struct driver driver;
	bool is_found = false;

	if (driver_find(getppid(), &driver) < 0)
		return false;
	for (size_t pos = 0; pos < driver.arguments_len && !is_found;
	     pos += strlen(driver.arguments + pos) + 1)
		is_found = driver.arguments[pos] != '-' && is_named(skip, driver.arguments + pos);
	driver_done(&driver);
	return is_found;
}

static bool is_skipped(const struct config_list *skip, const char *output)
{
	if (!skip->count)
		return false;
	return is_named(skip, output) ||
	       (!strcmp(fs_base_name(output), "a.out") && is_made_of_named(skip));
}

const char *decide(const struct link *link, struct decision *ret)
{
	const char *why;

	*ret = (struct decision){};
	if (link->config.opt_out && has_opted_out())
		return "opted out by RUNMARK_TRACKING or XALT_EXECUTABLE_TRACKING";
	if (link->is_config_bad)
		return "the configuration has a mistake, or can't be read";
	if (!link->config.link_stamp)
		return "the configuration says so";
	if (!link->linker.can_augment)
		return "a linker that isn't known well enough";
	if (link->found.rounds)
		return "the next one isn't surely a linker";
	if (getenv("GNUTARGET") || getenv("LDEMULATION"))
		return "the environment names another format";
	if (response_expand(link->argc, link->argv, response_read_file, NULL, &ret->line) < 0)
		return "the response files";
	ldargs_parse(ret->line.tokens, ret->line.count, &ret->args);
	if (ret->args.why_plain)
		return ret->args.why_plain;
	if (is_skipped(&link->config.link_skip, ret->args.output))
		return "the configuration passes over this output";
	why = inspect_link(ret->line.tokens, ret->line.count, &ret->args, &ret->output_before);
	if (why)
		return why;
	if (placeholder_find(ret->args.emulation, ret->args.first_input, ret->placeholder) < 0)
		return ret->args.first_input && access(ret->args.first_input, R_OK) < 0
			       ? "an input that can't be read"
			       : "no placeholder object for the machine";
	return NULL;
}

void decision_done(struct decision *decision)
{
	response_done(&decision->line);
}

/* What is wrong is one thing a line. */
static void explain_config(const char *message)
{
	if (!message)
		return;
	for (size_t len; *message; message += len + (message[len] == '\n')) {
		len = strcspn(message, "\n");
		printf("config  %.*s\n", (int)len, message);
	}
}

int explain(const struct link *link, const char *config_message)
{
	struct decision decision;
	const char *why = decide(link, &decision);
	char output[2 * PATH_MAX];

	explain_config(config_message);
	printf("linker  %s\n", link->found.path);
	if (strcmp(link->found.path, link->found.shown))
		printf("as      %s\n", link->found.shown);
	if (decision.args.output) {
		absolute_path(decision.args.output, output);
		printf("output  %s\n", output);
	}
	if (why) {
		printf("plain   %s\n", why);
	} else {
		printf("object  %s\n", decision.placeholder);
		printf("stamped %s\n", link_is_reproducible() ? "from the content (version 8)"
							      : "with a new UUID (version 7)");
		printf("record  %s, else %s\n", link->config.socket,
		       link->config.drop[0] ? link->config.drop : "nowhere");
	}
	decision_done(&decision);
	return why ? 1 : 0;
}
