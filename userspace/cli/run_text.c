/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person wants to read of a run, where it isn't simply one member of its record. */
#include "cli/columns.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <string.h>

char *run_make_job(const cJSON *record)
{
	_cleanup_free_ char *id = NULL, *step = NULL;
	char *text;
	size_t len;

	if (record_get_text(record, "job.id", &id, &len) < 0)
		return NULL;
	if (record_get_text(record, "job.step", &step, &len) < 0)
		return TAKE_PTR(id);
	return asprintf(&text, "%s.%s", id, step) < 0 ? NULL : text;
}

/* "0", "SIGKILL,core", "unknown": of an exit object, which may be null. */
static char *make_exit(const cJSON *exit)
{
	_cleanup_free_ char *name = NULL;
	bool core = false, oom = false;
	double number;
	char *text;
	size_t len;

	if (!record_get_number(exit, "code", &number))
		return asprintf(&text, "%.0f", number) < 0 ? NULL : text;
	if (record_get_number(exit, "signal", &number) < 0)
		return strdup("unknown");
	record_get_bool(exit, "core", &core);
	record_get_bool(exit, "oom", &oom);
	if (record_get_text(exit, "name", &name, &len) < 0 &&
	    asprintf(&name, "signal %.0f", number) < 0)
		return name = NULL;
	return asprintf(&text, "%s%s%s", name, core ? ",core" : "", oom ? ",oom" : "") < 0 ? NULL
											   : text;
}

/* "0 x12, 1 x3": how often each exit of a group. */
static char *make_exits(const cJSON *exits)
{
	char *joined = NULL;
	size_t size = 0;
	const cJSON *item;
	FILE *out = open_memstream(&joined, &size);

	if (!out)
		return NULL;
	cJSON_ArrayForEach (item, exits) {
		const cJSON *exit = record_get(item, "exit");
		/* a member without one ended by exec: whose end is unknown is in no group */
		const char *word = cJSON_GetStringValue(record_get(item, "word")); /* of ranks */
		_cleanup_free_ char *text = word		   ? strdup(word)
					    : cJSON_IsObject(exit) ? make_exit(exit)
								   : strdup("exec");
		double count = 0;

		record_get_number(item, "count", &count);
		fprintf(out, "%s%s x%.0f", item == exits->child ? "" : ", ", text ? text : "?",
			count);
	}
	if (fclose(out) != 0) {
		free(joined);
		return NULL;
	}
	return joined;
}

char *run_make_exit(const cJSON *record)
{
	const char *state = cJSON_GetStringValue(record_get(record, "state"));
	char kind[16];

	if (!record_kind(record, kind, sizeof(kind)))
		return NULL;
	if (!strcmp(kind, "start"))
		return strdup(state ? state : "running");
	if (!strcmp(kind, "link"))
		return strdup("linked");
	if (!strcmp(kind, "node"))
		return strdup("node");
	if (!strcmp(kind, "group") || !strcmp(kind, "ranks"))
		return make_exits(record_get(record, "exits"));
	if (!cJSON_IsObject(record_get(record, "exit")) && record_get(record, "next_run_id"))
		return strdup("exec");
	return make_exit(record_get(record, "exit"));
}

double run_count_of(const cJSON *record)
{
	double count;

	return record_get_number(record, "count", &count) < 0 ? 1 : count;
}

/* "64 ranks", or "60 of 64 ranks" where the others aren't among what was asked for. */
static char *make_ranks(const cJSON *record)
{
	double count = run_count_of(record), size;
	char *text;

	if (record_get_number(record, "mpi.size", &size) < 0 || size <= count)
		return asprintf(&text, "%.0f ranks", count) < 0 ? NULL : text;
	return asprintf(&text, "%.0f of %.0f ranks", count, size) < 0 ? NULL : text;
}

char *run_make_runs(const cJSON *record)
{
	char kind[16], *text;

	if (record_kind(record, kind, sizeof(kind)) && !strcmp(kind, "ranks"))
		return make_ranks(record);
	if (!record_kind(record, kind, sizeof(kind)) ||
	    (strcmp(kind, "run") != 0 && strcmp(kind, "start") != 0 && strcmp(kind, "group") != 0))
		return NULL;
	return asprintf(&text, "%.0f", run_count_of(record)) < 0 ? NULL : text;
}

int run_open_seconds(const cJSON *record, double *ret)
{
	uint64_t start_ns, seen_ns;

	if (record_get_time(record, "start", &start_ns) < 0 ||
	    record_get_time(record, "seen_until", &seen_ns) < 0 || seen_ns <= start_ns)
		return -ENOENT;
	*ret = (double)(seen_ns - start_ns) / 1e9;
	return 0;
}

static bool needs_quotes(const char *word)
{
	return !*word || strpbrk(word, " \t\n\r'\"\\$`&|;<>()*?[]{}~#!") != NULL;
}

/* Without backslashes, which a table shows doubled. */
void word_put(FILE *out, const char *word)
{
	if (!needs_quotes(word)) {
		fputs(word, out);
		return;
	}
	if (strchr(word, '\'') && !strpbrk(word, "\"$`\\!")) {
		fprintf(out, "\"%s\"", word);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\"'\"'", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

char *words_join(const cJSON *texts, const cJSON *b64)
{
	const cJSON *item, *exact = b64 ? b64->child : NULL;
	char *joined = NULL;
	size_t size = 0, count = 0;
	FILE *out;

	if (!cJSON_IsArray(texts))
		return NULL;
	out = open_memstream(&joined, &size);
	if (!out)
		return NULL;
	cJSON_ArrayForEach (item, texts) {
		_cleanup_free_ char *bytes = NULL;
		const char *word = cJSON_GetStringValue(item);
		size_t len;

		if (exact && cJSON_IsString(exact) &&
		    !text_from_base64(exact->valuestring, &bytes, &len))
			word = bytes;
		exact = exact ? exact->next : NULL;
		if (count++)
			fputc(' ', out);
		word_put(out, word ? word : "");
	}
	if (fclose(out) != 0) {
		free(joined);
		return NULL;
	}
	return joined;
}

char *run_make_arguments(const cJSON *record)
{
	return words_join(record_get(record, "argv"), record_get(record, "argv_b64"));
}
