/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person wants to read of a run, where it isn't simply one member of its record. */
#include "cli/columns.h"
#include "common/record.h"
#include "common/text.h"
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

char *run_make_exit(const cJSON *record)
{
	_cleanup_free_ char *name = NULL;
	char kind[16], *text;
	bool core = false, oom = false;
	double number;
	size_t len;

	if (!record_kind(record, kind, sizeof(kind)))
		return NULL;
	if (!strcmp(kind, "start"))
		return strdup("running");
	if (!strcmp(kind, "link"))
		return strdup("linked");
	if (!strcmp(kind, "node"))
		return strdup("node");
	if (!strcmp(kind, "group"))
		return record_get_number(record, "count", &number) < 0 ||
				       asprintf(&text, "%.0f runs", number) < 0
			       ? NULL
			       : text;
	if (!record_get_number(record, "exit.code", &number))
		return asprintf(&text, "%.0f", number) < 0 ? NULL : text;
	if (record_get(record, "next_run_id"))
		return strdup("exec");
	if (record_get_number(record, "exit.signal", &number) < 0)
		return strdup("unknown");
	record_get_bool(record, "exit.core", &core);
	record_get_bool(record, "exit.oom", &oom);
	if (record_get_text(record, "exit.name", &name, &len) < 0 &&
	    asprintf(&name, "signal %.0f", number) < 0)
		return name = NULL;
	return asprintf(&text, "%s%s%s", name, core ? ",core" : "", oom ? ",oom" : "") < 0 ? NULL
											   : text;
}

static bool needs_quotes(const char *word)
{
	return !*word || strpbrk(word, " \t\n\r'\"\\$`&|;<>()*?[]{}~#!") != NULL;
}

static void put_word(FILE *out, const char *word)
{
	if (!needs_quotes(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
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
		put_word(out, word ? word : "");
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
