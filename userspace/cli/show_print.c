/* SPDX-License-Identifier: BSD-2-Clause */
/* An answer of runmark show for people: the program, its links, its runs; or one run in full. */
#include "cli/columns.h"
#include "cli/output.h"
#include "cli/show.h"
#include "cli/when.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <inttypes.h>

#define LABEL_WIDTH 16

static char *make_join(const cJSON *run)
{
	bool verified;

	if (record_get_bool(run, "verified", &verified) < 0)
		return NULL;
	return strdup(verified ? "verified" : "watermark only");
}

static const struct column join_column = {
	.name = "join",
	.kind = COLUMN_TEXT,
	.make = make_join,
	.table = {"JOIN", .min = 8, .drop = 2},
};

/* NULL text is left out. */
static void put(const char *label, const char *text)
{
	if (text && *text)
		printf("  %-*s %s\n", LABEL_WIDTH, label, text);
}

static char *safe_text(const cJSON *object, const char *path)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	return record_get_text(object, path, &text, &len) < 0
		       ? NULL
		       : text_for_terminal((struct bytes){text, len});
}

static void put_text(const char *label, const cJSON *object, const char *path)
{
	_cleanup_free_ char *text = safe_text(object, path);

	put(label, text);
}

static void put_words(const char *label, const cJSON *texts, const cJSON *b64)
{
	_cleanup_free_ char *joined = words_join(texts, b64);
	_cleanup_free_ char *text = joined ? text_for_terminal(bytes_of(joined)) : NULL;

	put(label, text);
}

static void put_program(const cJSON *program)
{
	_cleanup_free_ char *state = safe_text(program, "watermark_state");

	puts("program");
	put_text("path", program, "path");
	if (cJSON_IsString(record_get(program, "watermark")))
		put_text("watermark", program, "watermark");
	else if (state && !strcmp(state, "unstamped"))
		put("watermark", "none (linked through runmark's ld, but never stamped)");
	else if (state && !strcmp(state, "none"))
		put("watermark", "none (not linked through runmark's ld)");
	put_text("build-id", program, "build_id");
	put_words("compilers in it", record_get(program, "compilers"), NULL);
}

void show_print_program(const cJSON *answer)
{
	put_program(record_get(answer, "program"));
}

static void put_files(const char *label, const cJSON *files)
{
	const cJSON *file;
	int first = 1;

	cJSON_ArrayForEach (file, files) {
		_cleanup_free_ char *path = safe_text(file, "path"),
				    *build_id = safe_text(file, "build_id"),
				    *watermark = safe_text(file, "watermark");

		printf("  %-*s %s%s%s%s%s\n", LABEL_WIDTH, first ? label : "", path ? path : "?",
		       build_id ? "  build-id " : "", build_id ? build_id : "",
		       watermark ? "  watermark " : "", watermark ? watermark : "");
		first = 0;
	}
}

/* "7 object, 2 archive", and the shared libraries each on its line. */
static void put_inputs(const cJSON *inputs)
{
	static const char *const kinds[] = {"object", "archive", "shared", "script", "other"};
	size_t counts[ARRAY_SIZE(kinds)] = {0};
	cJSON *libraries = cJSON_CreateArray();
	const cJSON *input;
	bool is_first = true;

	cJSON_ArrayForEach (input, inputs) {
		const char *kind = cJSON_GetStringValue(record_get(input, "kind"));

		for (size_t i = 0; kind && i < ARRAY_SIZE(kinds); i++)
			counts[i] += !strcmp(kind, kinds[i]);
		if (kind && !strcmp(kind, "shared"))
			cJSON_AddItemReferenceToArray(libraries, (cJSON *)input);
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!counts[i])
			continue;
		if (is_first)
			printf("  %-*s ", LABEL_WIDTH, "inputs");
		printf("%s%zu %s", is_first ? "" : ", ", counts[i], kinds[i]);
		is_first = false;
	}
	if (!is_first)
		putchar('\n');
	put_files("libraries", libraries);
	cJSON_Delete(libraries);
}

static void put_link_head(const cJSON *link)
{
	_cleanup_free_ char *user = safe_text(link, "user"), *host = safe_text(link, "host"),
			    *job = run_make_job(link);
	_cleanup_free_ char *safe_job = job ? text_for_terminal(bytes_of(job)) : NULL;
	const cJSON *verified = record_get(link, "verified");
	char when[WHEN_SIZE] = "?";
	uint64_t ns;

	if (!record_get_time(link, "time", &ns))
		when_format(ns, when);
	printf("\nlinked %s by %s on %s%s%s%s\n", when, user ? user : "?", host ? host : "?",
	       safe_job ? ", job " : "", safe_job ? safe_job : "",
	       cJSON_IsTrue(verified)	 ? "; verified"
	       : cJSON_IsFalse(verified) ? "; another program: its build-id differs"
					 : "");
}

static void put_symbols(const cJSON *link)
{
	double imported, exported;
	char text[96];

	if (record_get_number(link, "symbols.imported", &imported) < 0 ||
	    record_get_number(link, "symbols.exported", &exported) < 0)
		return;
	snprintf(text, sizeof(text), "%.0f from libraries, %.0f for others", imported, exported);
	put("symbols", text);
}

static void put_link(const cJSON *link)
{
	put_link_head(link);
	put_text("output", link, "output.path");
	put_text("type", link, "output.type");
	put_text("build-id", link, "output.build_id");
	put_text("compiler", link, "compiler.text");
	if (cJSON_GetArraySize(record_get(link, "compilers")) > 1)
		put_words("all compilers", record_get(link, "compilers"),
			  record_get(link, "compilers_b64"));
	put_text("language", link, "language");
	put_symbols(link);
	put_text("linker", link, "linker.path");
	put_text("linker version", link, "linker.version");
	put_words("driver", record_get(link, "driver.argv"), record_get(link, "driver.argv_b64"));
	if (!record_get(link, "driver.argv"))
		put_words("link line", record_get(link, "link_line"),
			  record_get(link, "link_line_b64"));
	put_text("in", link, "cwd");
	put_text("modules", link, "modules");
	put_inputs(record_get(link, "inputs"));
	put_text("link id", link, "link_id");
}

static double number(const cJSON *answer, const char *name)
{
	double value = 0;

	record_get_number(answer, name, &value);
	return value;
}

static void put_links(const cJSON *answer)
{
	const cJSON *link, *links = record_get(answer, "links");
	double rest = number(answer, "links_total") - cJSON_GetArraySize(links);

	if (cJSON_IsTrue(record_get(answer, "conflict")))
		puts("\nCONFLICT: links of this watermark made different programs (their build-ids "
		     "differ):\n"
		     "a watermark was copied, or a link record forged. Trust what is verified.");
	cJSON_ArrayForEach (link, links)
		put_link(link);
	if (rest > 0)
		printf("\n%.0f more links are not shown (--format json shows them)\n", rest);
	if (!cJSON_GetArraySize(links))
		puts("\nno link of it is known");
}

static int put_run_table(const cJSON *answer)
{
	static const char usual[] = "start,user,job,host,elapsed,runs,exit,program,run_id";
	const cJSON *run, *runs = record_get(answer, "runs");
	double total = number(answer, "runs_total"), shown = 0;
	struct column_list list = {0};
	struct output output;
	const char *wrong;
	size_t len;
	int r;

	if (!cJSON_GetArraySize(runs)) {
		puts("\nno run of it is known");
		return 0;
	}
	cJSON_ArrayForEach (run, runs)
		shown += run_count_of(run);
	printf("\n%.0f run%s", total, total == 1 ? "" : "s");
	if (total > shown && shown == 1)
		fputs(", the newest:", stdout);
	else if (total > shown)
		printf(", the newest %.0f:", shown);
	fputs("\n\n", stdout);
	column_list_parse(usual, &list, &wrong, &len);
	list.items[list.count++] = &join_column;
	r = output_init(&output, OUTPUT_TABLE, &list, TABLE_SAMPLE_ROWS, stdout);
	cJSON_ArrayForEach (run, runs)
		if (r >= 0)
			r = output_run(&output, run);
	if (r >= 0)
		r = output_end(&output);
	output_done(&output);
	return r;
}

static void put_env(const cJSON *run)
{
	const cJSON *value, *exact = record_get(run, "env_b64");
	bool is_first = true;

	cJSON_ArrayForEach (value, record_get(run, "env")) {
		const cJSON *b64 = cJSON_GetObjectItemCaseSensitive(exact, value->string);
		_cleanup_free_ char *name = text_for_terminal(bytes_of(value->string)),
				    *bytes = NULL, *text = NULL;
		size_t len;

		if (cJSON_IsString(b64) && !text_from_base64(b64->valuestring, &bytes, &len))
			text = text_for_terminal((struct bytes){bytes, len});
		else
			text = text_for_terminal(bytes_of(cJSON_GetStringValue(value)));
		printf("  %-*s %s=%s\n", LABEL_WIDTH, is_first ? "environment" : "",
		       name ? name : "?", text ? text : "?");
		is_first = false;
	}
}

/* Every column that has a value, then the sets. */
static void put_run(const cJSON *run)
{
	char kind[16];

	puts(record_kind(run, kind, sizeof(kind)) && !strcmp(kind, "group") ? "group" : "run");
	for (size_t i = 0; i < columns_count; i++) {
		_cleanup_free_ char *text = column_for_table(&columns[i], run);

		put(columns[i].name, text);
	}
	put_files("objects", record_get(run, "objects"));
	put_env(run);
}

int show_print(const cJSON *answer, bool is_one_run)
{
	int r = 0;

	if (is_one_run)
		put_run(cJSON_GetArrayItem(record_get(answer, "runs"), 0));
	else
		put_program(record_get(answer, "program"));
	put_links(answer);
	if (!is_one_run)
		r = put_run_table(answer);
	return r < 0 ? r : ferror(stdout) ? -EIO : 0;
}
