/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark doctor --explain: which rule takes a process or a path, as the daemon has it. */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <limits.h>

/* A member fit for the terminal; a number too; NULL if there is none. The caller frees. */
static char *shown(const cJSON *object, const char *path)
{
	_cleanup_free_ char *text = NULL;
	const cJSON *item = record_get(object, path);
	char number[32];
	size_t len;

	if (cJSON_IsNumber(item)) {
		snprintf(number, sizeof(number), "%.0f", item->valuedouble);
		return strdup(number);
	}
	if (record_get_text(object, path, &text, &len) < 0)
		return NULL;
	return text_for_terminal((struct bytes){text, len});
}

/* is_process: what has no value was not kept; of a path it can't be known. */
static void print_rule(const cJSON *rule, bool is_process)
{
	_cleanup_free_ char *number = shown(rule, "number"), *text = shown(rule, "rule"),
			    *holds = shown(rule, "holds"), *line = shown(rule, "line");
	const cJSON *condition;

	printf("  rule %s", number ? number : "?");
	if (line && strcmp(line, "0"))
		printf(" (line %s)", line);
	printf(": %s: %s\n", text ? text : "?", holds ? holds : "?");
	cJSON_ArrayForEach (condition, record_get(rule, "conditions")) {
		_cleanup_free_ char *what = shown(condition, "condition"),
				    *is = shown(condition, "holds"),
				    *value = shown(condition, "value");

		printf("    %s: %s", what ? what : "?", is ? is : "?");
		if (value)
			printf(", it is %s", value);
		else if (is_process)
			printf(", it is not kept");
		putchar('\n');
	}
}

static void print_answer(const cJSON *answer)
{
	_cleanup_free_ char *path = shown(answer, "path"), *pid = shown(answer, "pid"),
			    *action = shown(answer, "action"), *note = shown(answer, "note"),
			    *by = shown(answer, "decided_by");
	const cJSON *rule;

	if (pid)
		printf("process %s, ", pid);
	printf("%s: %s", path ? path : "program not kept", action ? action : "not certain");
	if (by)
		printf(", by rule %s", by);
	if (note)
		printf("; %s", note);
	putchar('\n');
	cJSON_ArrayForEach (rule, record_get(answer, "rules"))
		print_rule(rule, pid);
}

/* What the daemon is asked: a pid, or a path as the kernel will show it. NULL: neither. The caller
 * frees. */
static char *request_of(const char *what)
{
	_cleanup_free_ char *path = NULL;
	char *request = NULL;

	if (what[strspn(what, "0123456789")]) {
		path = realpath(what, NULL);
		if (!path && *what == '/') /* on another node it may exist */
			path = strdup(what);
		if (!path || strchr(path, '\n') || strlen(path) >= PATH_MAX)
			return NULL;
		what = path;
	}
	return asprintf(&request, "explain %s", what) < 0 ? NULL : request;
}

int doctor_explain(const char *control, const char *what, bool as_json)
{
	_cleanup_free_ char *request = request_of(what);
	_cleanup_json_ cJSON *answer = NULL;
	int r;

	if (!request) {
		log_err(0, "--explain %s: neither a pid nor the path of a file", what);
		return EXIT_USAGE;
	}
	r = control_ask(control, request, &answer);
	if (r < 0) {
		log_err(0, "cannot ask the daemon: %s", control_explain(r));
		return EXIT_TROUBLE;
	}
	if (control_refused(answer))
		return EXIT_NOTHING;
	if (as_json) {
		if (output_json(answer, stdout))
			return EXIT_TROUBLE;
	} else {
		print_answer(answer);
	}
	return output_leave(EXIT_FOUND);
}
