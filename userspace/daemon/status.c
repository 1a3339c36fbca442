// SPDX-License-Identifier: BSD-2-Clause
/* Node records and status answers. */
#include "daemon/status.h"
#include "common/log.h"
#include "common/record.h"
#include "common/version.h"

#include <errno.h>

static void add_who(cJSON *json, const struct status *s)
{
	cJSON_AddStringToObject(json, "host", s->node->host);
	cJSON_AddStringToObject(json, "cluster", s->node->cluster);
	cJSON_AddStringToObject(json, "boot_id", s->node->boot_id);
	cJSON_AddStringToObject(json, "instance", s->node->instance);
	cJSON_AddStringToObject(json, "version", RUNMARK_VERSION);
	cJSON_AddStringToObject(json, "kernel", s->node->kernel);
	cJSON_AddStringToObject(json, "source", source_name(s->source));
}

static void add_counts(cJSON *json, const struct status *s, bool only_grown)
{
	cJSON *events = cJSON_AddObjectToObject(json, "events");
	cJSON *records = cJSON_AddObjectToObject(json, "records");
	cJSON *cut, *unrecorded;

	for (uint32_t kind = EVENT_EXEC; kind < EVENT_KINDS; kind++)
		record_add_number(events, event_kind_name(kind), s->totals.sum.seen[kind]);
	record_add_number(records, "run", s->writer.runs);
	record_add_number(records, "start", s->writer.starts);
	record_add_number(records, "group", s->writer.groups);
	record_add_number(records, "link", s->writer.links);
	record_add_number(records, "node", s->writer.nodes);
	cJSON_AddItemToObject(json, "lost", losses_json(&s->losses, NULL, only_grown));
	unrecorded = cJSON_AddObjectToObject(json, "unrecorded");
	record_add_number(unrecorded, "opted_out", s->tracker.opted_out);
	record_add_number(unrecorded, "ignored", s->tracker.ignored);
	record_add_number(unrecorded, "out_of_scope", s->tracker.out_of_scope);
	record_add_number(json, "groups", s->tracker.groups);
	record_add_number(json, "grouped", s->tracker.grouped);
	cut = cJSON_AddObjectToObject(json, "cut");
	for (unsigned int bit = 0; bit < EVENT_FLAG_BITS; bit++)
		if (s->totals.sum.flagged[bit] || !only_grown)
			record_add_number(cut, event_flag_name(bit), s->totals.sum.flagged[bit]);
	record_add_number(json, "live", s->tracker.live.images);
	record_add_number(json, "uptime_s", (node_boot_ns() - s->node->started_boot_ns) / 1e9);
}

/* What programs told of themselves. */
static void add_messages(cJSON *json, const struct status *s)
{
	const struct preload_counts *c = &s->messages;
	cJSON *messages = cJSON_AddObjectToObject(json, "messages");
	const struct {
		const char *name;
		uint64_t value;
	} each[] = {
		{"begins", c->begins},	     {"ends", c->ends},	      {"ends_told", c->end_memory},
		{"joined", c->joined},	     {"doubled", c->doubled}, {"opted_out", c->opted_out},
		{"refused", c->refused},     {"full", c->full},	      {"unwatched", c->unwatched},
		{"processes", c->processes},
	};

	for (size_t i = 0; i < ARRAY_SIZE(each); i++)
		record_add_number(messages, each[i].name, each[i].value);
}

cJSON *status_node_record(const struct status *s, const char *event, uint64_t since_unix_ns)
{
	uint64_t unix_minus_boot = node_unix_ns() - node_boot_ns();
	uint64_t began = capture_began(s->source->capture);
	cJSON *record = cJSON_CreateObject(), *hooks;

	if (!record)
		return NULL;
	cJSON_AddStringToObject(record, "schema", RECORD_SCHEMA("node"));
	add_who(record, s);
	cJSON_AddStringToObject(record, "event", event);
	record_add_time(record, "time", node_unix_ns());
	record_add_time(record, "since", since_unix_ns);
	record_add_time(record, "booted", unix_minus_boot);
	record_add_time(record, "capture_began",
			(began ? began : s->node->started_boot_ns) + unix_minus_boot);
	hooks = cJSON_AddObjectToObject(record, "hooks");
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		cJSON_AddStringToObject(hooks, hook_fact_name(fact),
					source_rung(s->source, fact).rung);
	if (s->source->exec_counter)
		cJSON_AddStringToObject(hooks, RECORD_HOOK_UNTOLD, s->source->exec_counter);
	else if (s->source->is_preload)
		record_add_null(hooks, RECORD_HOOK_UNTOLD);
	if (s->source->reason)
		cJSON_AddStringToObject(record, "source_reason", s->source->reason);
	add_messages(record, s);
	add_counts(record, s, true);
	return record;
}

/* How ends can be known, best first: nothing of it where the kernel side tells. */
static void add_ends(cJSON *json, const struct status *s)
{
	cJSON *rungs = cJSON_AddArrayToObject(json, "ends");

	for (enum ends_rung rung = 0; s->ends && rung < ENDS_RUNGS; rung++) {
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, "rung", ends_rungs[rung].name);
		cJSON_AddBoolToObject(one, "works", ends_works(s->ends, rung));
		cJSON_AddStringToObject(one, "needs", ends_rungs[rung].needs);
		cJSON_AddItemToArray(rungs, one);
	}
}

static void add_hooks(cJSON *json, const struct status *s)
{
	cJSON *hooks = cJSON_AddArrayToObject(json, "hooks");

	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		struct source_rung hook = source_rung(s->source, fact);
		cJSON *one = cJSON_CreateObject();

		cJSON_AddStringToObject(one, "fact", hook_fact_name(fact));
		cJSON_AddStringToObject(one, "rung", hook.rung);
		if (hook.lost)
			cJSON_AddStringToObject(one, "lost", hook.lost);
		else
			cJSON_AddNullToObject(one, "lost");
		cJSON_AddItemToArray(hooks, one);
	}
}

#define ERROR_MAX 1024

static bool say_source(const struct status *s, char text[ERROR_MAX])
{
	if (!s->source->reason)
		return false;
	snprintf(text, ERROR_MAX,
		 "BPF cannot be used, so that only programs that load librunmark.so are seen: %s",
		 s->source->reason);
	return true;
}

static bool say_pins(const struct status *s, char text[ERROR_MAX])
{
	if (!s->source->has_pins)
		return false;
	snprintf(text, ERROR_MAX,
		 "the kernel side of an earlier daemon is still attached below %s, and nobody "
		 "takes what it tells: stop runmarkd, run runmarkd --unload as root, and start it "
		 "again",
		 s->config->pin);
	return true;
}

static bool say_state(const struct status *s, char text[ERROR_MAX])
{
	if (!s->tracker.journal_grow_error)
		return false;
	snprintf(text, ERROR_MAX,
		 "state folder %s has no room for the journal: %s; what happens waits in the ring "
		 "and is lost when that is full: free room on its file system, or start with a "
		 "smaller journal_mib",
		 s->config->state, strerror(-s->tracker.journal_grow_error));
	return true;
}

static bool say_spool(const struct status *s, char text[ERROR_MAX])
{
	if (!s->writer.error)
		return false;
	snprintf(text, ERROR_MAX,
		 "spool %s cannot be written: %s; records wait in %s/journal until it can%s",
		 s->config->spool, strerror(-s->writer.error), s->config->state,
		 s->writer.error == -ENOENT  ? ": make the folder again, root's, mode 0750"
		 : s->writer.error == -EPERM ? ": others may write there: chmod o-w"
					     : "");
	return true;
}

static bool say_stuck(const struct status *s, char text[ERROR_MAX])
{
	if (!s->tracker.stuck)
		return false;
	snprintf(text, ERROR_MAX,
		 "%u lookups hang: a file system or the name service does not answer; "
		 "records go without what is there",
		 s->tracker.stuck);
	return true;
}

static bool say_quota(const struct status *s, char text[ERROR_MAX])
{
	if (!s->writer.over_quota)
		return false;
	snprintf(text, ERROR_MAX,
		 "%llu records dropped since the spool has its quota of %u MiB: load it, "
		 "or raise spool_quota_mib",
		 (unsigned long long)s->writer.dropped, s->config->spool_quota_mib);
	return true;
}

static const struct {
	bool (*say)(const struct status *s, char text[ERROR_MAX]);
	const char *over; /* what is logged when it ends; NULL: neither is */
} errors[] = {
	{say_source, NULL},
	{say_pins, NULL},
	{say_state, "the state folder has room for the journal again"},
	{say_spool, "the spool can be written again"},
	{say_stuck, NULL},
	{say_quota, NULL},
};

static void add_errors(cJSON *json, const struct status *s)
{
	cJSON *list = cJSON_AddArrayToObject(json, "errors");
	char text[ERROR_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].say(s, text))
			cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

void status_log_errors(const struct status *s, unsigned int *logged)
{
	char text[ERROR_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		bool is_there = errors[i].over && errors[i].say(s, text);

		if (is_there == !!(*logged & 1u << i))
			continue;
		if (is_there)
			log_warn(0, "%s", text);
		else
			log_info("%s", errors[i].over);
		*logged ^= 1u << i;
	}
}

cJSON *status_answer(const struct status *s)
{
	cJSON *json = cJSON_CreateObject(), *part;

	if (!json)
		return NULL;
	cJSON_AddStringToObject(json, "schema", RECORD_SCHEMA("status"));
	add_who(json, s);
	record_add_number(json, "pid", getpid());
	record_add_number(json, "generation", capture_generation(s->source->capture));
	add_hooks(json, s);
	add_ends(json, s);
	add_messages(json, s);
	part = cJSON_AddObjectToObject(json, "socket");
	cJSON_AddStringToObject(part, "path", s->config->socket);
	record_add_number(part, "queue", s->queue);
	cJSON_AddBoolToObject(part, "pidfds", s->has_pidfds);
	add_counts(json, s, false);
	record_add_number(json, "processes", s->tracker.live.processes);
	record_add_number(json, "queue", s->tracker.waiting + s->writer.waiting);
	record_add_number(json, "stuck", s->tracker.stuck);
	record_add_number(json, "doubled", s->tracker.doubled);
	record_add_number(json, "replayed", s->tracker.replayed);
	part = cJSON_AddObjectToObject(json, "ring");
	record_add_number(part, "size", s->ring_size);
	record_add_number(part, "used", s->ring_used);
	part = cJSON_AddObjectToObject(json, "journal");
	record_add_number(part, "size", s->tracker.journal_max);
	record_add_number(part, "used", s->tracker.journal_used);
	part = cJSON_AddObjectToObject(json, "spool");
	cJSON_AddStringToObject(part, "path", s->config->spool);
	record_add_number(part, "files", s->writer.spool_files);
	record_add_number(part, "bytes", s->writer.spool_bytes);
	cJSON_AddStringToObject(part, "open", s->writer.open);
	record_add_u64(part, "last_seq", s->writer.last_seq);
	add_errors(json, s);
	return json;
}
