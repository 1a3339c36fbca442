// SPDX-License-Identifier: BSD-2-Clause
/* "explain" on the control socket: which rule takes a process or a path, and why. */
#include "common/fs.h"
#include "common/record.h"
#include "daemon/event.h"
#include "daemon/run_record.h"
#include "daemon/tracker_state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>

static const char *const verdicts[VERDICTS] = {
	[RULE_FULL] = "full",
	[RULE_GROUP] = "group",
	[RULE_IGNORE] = "ignore",
	[VERDICT_OUT_OF_SCOPE] = "out of scope",
	[VERDICT_OPTED_OUT] = "opted out",
};
static const char *const answers[] = {
	[HOLDS_NO] = "no", [HOLDS_YES] = "yes", [HOLDS_UNKNOWN] = "unknown"};

/* What a condition is asked of. */
static bool add_value(cJSON *json, const struct subject *s, enum rule_about about)
{
	const char *text = NULL;

	if (!(s->known & 1u << about))
		return record_add_null(json, "value");
	switch (about) {
	case RULE_USER:
		return record_add_number(json, "value", s->uid);
	case RULE_GID:
		return record_add_number(json, "value", s->gid);
	case RULE_PATH:
		text = s->path;
		break;
	case RULE_CGROUP:
		text = s->cgroup;
		break;
	case RULE_COMM:
		text = s->comm;
		break;
	case RULE_JOB:
		text = *s->job.id ? s->job.id : "none";
		break;
	default:
		text = *s->job.container_id ? s->job.container_id : "none";
	}
	return record_add_text(json, "value", bytes_of(text));
}

static void add_rule(cJSON *list, const struct rules *rules, size_t i, const struct subject *s)
{
	const struct rule *rule = rules_at(rules, i);
	cJSON *json = cJSON_CreateObject(), *conditions;

	record_add_number(json, "number", i + 1);
	record_add_number(json, "line", rules_line(rules, i));
	record_add_text(json, "rule", rules_text(rules, i));
	cJSON_AddStringToObject(json, "holds", answers[rules_match(rules, i, s)]);
	conditions = cJSON_AddArrayToObject(json, "conditions");
	for (size_t c = 0; c < rule->count; c++) {
		cJSON *one = cJSON_CreateObject();

		record_add_text(one, "condition", rule->conditions[c].text);
		cJSON_AddStringToObject(one, "holds",
					answers[rules_holds(rules, &rule->conditions[c], s)]);
		(void)add_value(one, s, rule->conditions[c].about);
		cJSON_AddItemToArray(conditions, one);
	}
	cJSON_AddItemToArray(list, json);
}

/* Rules as they are asked, down to the first that surely holds. Its number; *ret_sure: none before
 * it may. */
static size_t add_rules(cJSON *json, const struct rules *rules, const struct subject *s,
			bool *ret_sure)
{
	cJSON *list = cJSON_AddArrayToObject(json, "rules");
	size_t i = 0;

	*ret_sure = true;
	for (;; i++) {
		enum holds holds = rules_match(rules, i, s);

		add_rule(list, rules, i, s);
		if (holds == HOLDS_YES || i + 1 == rules_count(rules))
			return i;
		*ret_sure &= holds == HOLDS_NO;
	}
}

/* The kernel side left it out: of it there is its being, and who runs it. */
static bool is_kernels(const struct image *image)
{
	const struct event_exec *e = image->exec;

	return e && exec_verdict(e) == RULE_IGNORE && (e->head.traits & TRAIT_IGNORED) &&
	       !e->exe.len;
}

/* What is still known of a process, of which more may have been known when it was judged. */
static void subject_of_process(struct subject *s, const struct image *image, uint32_t pid)
{
	_cleanup_free_ char *comm = NULL;
	char path[32];
	size_t len;

	memset(s, 0, sizeof(*s));
	if (image->exec)
		subject_of_exec(image->exec, s);
	(void)image_job(image, &s->job);
	if (image_verdict(image) == VERDICT_OPTED_OUT)
		s->known = 1u << RULE_USER | (*s->job.id ? 1u << RULE_JOB : 0);
	if (!is_kernels(image))
		return;
	s->known = 1u << RULE_USER | 1u << RULE_GID;
	/* as the kernel side was asked; procfs alone, which doesn't hang */
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	if (fs_read_file(AT_FDCWD, path, 64, &comm, &len))
		return;
	comm[strcspn(comm, "\n")] = '\0';
	snprintf(s->comm, sizeof(s->comm), "%s", comm);
	s->known |= 1u << RULE_COMM;
}

/* True if the rule that surely holds may be that by which the kernel side left a process out: then
 * all in front of it ignore too (rules_for_kernel()). */
static bool may_be_kernels(const struct rules *rules, size_t rule)
{
	for (size_t i = 0; i <= rule; i++)
		if (rules_at(rules, i)->action != RULE_IGNORE)
			return false;
	return true;
}

/* Where the rules alone don't say it. */
static const char *note_of(const struct image *image, unsigned int verdict, unsigned int by_rules)
{
	if (!image->exec)
		return "its exec was not seen, so no rule was asked";
	if (is_kernels(image))
		return "by a rule of user and command that the kernel side applies itself, so "
		       "nothing else is kept of it";
	if (verdict == VERDICT_OPTED_OUT)
		return "its environment opts out, before any rule is asked";
	if (verdict == RULE_FULL && by_rules == RULE_GROUP && exec_ranks(image->exec))
		return "a launcher started it as a task, so it is not grouped";
	if (verdict != by_rules)
		return "decided at its exec, when other rules were in force or a name was not "
		       "known yet";
	if (verdict == RULE_GROUP)
		return "recorded alone if it takes long or no equal run is there in time";
	return NULL;
}

static cJSON *answer_error(const char *text)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", text);
	return json;
}

static cJSON *explain_process(struct tracker *t, uint32_t pid)
{
	const struct image *image = live_image_of(t->live, pid, 0);
	unsigned int verdict, by_rules;
	const char *note;
	cJSON *json;
	size_t rule;
	bool is_sure;

	if (!image)
		return answer_error(
			"no such process is tracked: it is gone, a kernel thread or runmarkd "
			"itself");
	subject_of_process(&t->subject, image, pid);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "schema", RECORD_SCHEMA("explain"));
	record_add_number(json, "pid", pid);
	record_add_text(json, "path", bytes_of(*t->subject.path ? t->subject.path : NULL));
	(void)rules_decide(t->rules, &t->subject, &by_rules);
	verdict = image_verdict(image);
	cJSON_AddStringToObject(json, "action", verdicts[verdict]);
	note = note_of(image, verdict, by_rules);
	rule = add_rules(json, t->rules, &t->subject, &is_sure);
	if (image->exec && verdict != VERDICT_OPTED_OUT &&
	    (!is_kernels(image) || may_be_kernels(t->rules, rule)))
		record_add_number(json, "decided_by", rule + 1);
	else
		record_add_null(json, "decided_by");
	record_add_text(json, "note", bytes_of(note));
	return json;
}

static cJSON *explain_path(struct tracker *t, const char *path)
{
	cJSON *json = cJSON_CreateObject();
	unsigned int verdict;
	bool is_sure;
	size_t rule;

	subject_of_path(bytes_of(path), &t->subject);
	cJSON_AddStringToObject(json, "schema", RECORD_SCHEMA("explain"));
	record_add_null(json, "pid");
	record_add_text(json, "path", bytes_of(path));
	rule = add_rules(json, t->rules, &t->subject, &is_sure);
	if (is_sure) {
		(void)rules_decide(t->rules, &t->subject, &verdict);
		cJSON_AddStringToObject(json, "action", verdicts[verdict]);
		record_add_number(json, "decided_by", rule + 1);
		record_add_null(json, "note");
		return json;
	}
	record_add_null(json, "action");
	record_add_null(json, "decided_by");
	cJSON_AddStringToObject(
		json, "note", "depends on who runs it, and where: the first rule that holds then");
	return json;
}

cJSON *tracker_explain(struct tracker *t, const char *what)
{
	char *end;
	unsigned long pid;

	if (*what == '/')
		return strlen(what) > PATH_MAX_BYTES ? answer_error("the path is too long")
						     : explain_path(t, what);
	errno = 0;
	pid = strtoul(what, &end, 10);
	if (!isdigit((unsigned char)*what) || *end || errno || pid > INT32_MAX)
		return answer_error("explain takes a pid or an absolute path");
	return explain_process(t, pid);
}
