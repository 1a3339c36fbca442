/* SPDX-License-Identifier: BSD-2-Clause */
/* Which joins hold: see show.h. */
#include "cli/show.h"
#include "common/record.h"
#include <errno.h>

enum verdict { VERDICT_UNKNOWN, VERDICT_FALSE, VERDICT_TRUE };

static const char *text_of(const cJSON *object, const char *path)
{
	return cJSON_GetStringValue(record_get(object, path));
}

static bool same_text(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static int set_verdict(cJSON *record, enum verdict verdict)
{
	cJSON *item = verdict == VERDICT_UNKNOWN
			      ? cJSON_AddNullToObject(record, "verified")
			      : cJSON_AddBoolToObject(record, "verified", verdict == VERDICT_TRUE);

	return item ? 0 : -ENOMEM;
}

/* file: the program or a library of a run. Held against every link of the same watermark. */
static enum verdict judge_file(const cJSON *file, const cJSON *links)
{
	const char *watermark = text_of(file, "watermark"), *build_id = text_of(file, "build_id");
	enum verdict verdict = VERDICT_UNKNOWN;
	const cJSON *link;

	if (!watermark || !build_id)
		return verdict;
	cJSON_ArrayForEach (link, links) {
		const char *linked = text_of(link, "output.build_id");

		if (!linked || !same_text(text_of(link, "watermark"), watermark))
			continue;
		if (same_text(linked, build_id))
			return VERDICT_TRUE;
		verdict = VERDICT_FALSE;
	}
	return verdict;
}

static enum verdict judge_run(const cJSON *run, const cJSON *links)
{
	enum verdict verdict = judge_file(record_get(run, "exe"), links);
	const cJSON *object;

	cJSON_ArrayForEach (object, record_get(run, "objects")) {
		enum verdict of_object = judge_file(object, links);

		if (of_object > verdict)
			verdict = of_object;
	}
	return verdict;
}

/* Without a build-id to ask for, what the runs have is compared. */
static enum verdict judge_link(const cJSON *link, const char *wanted, const cJSON *runs)
{
	const char *build_id = text_of(link, "output.build_id");
	const cJSON *run;

	if (!build_id)
		return VERDICT_UNKNOWN;
	if (wanted)
		return same_text(build_id, wanted) ? VERDICT_TRUE : VERDICT_FALSE;
	cJSON_ArrayForEach (run, runs)
		if (same_text(text_of(run, "exe.build_id"), build_id) &&
		    same_text(text_of(run, "exe.watermark"), text_of(link, "watermark")))
			return VERDICT_TRUE;
	return VERDICT_UNKNOWN;
}

/* Two links of the same watermark with different build-ids. */
static bool has_conflict(const cJSON *links)
{
	const cJSON *link, *other;

	cJSON_ArrayForEach (link, links) {
		const char *build_id = text_of(link, "output.build_id");

		for (other = link->next; other; other = other->next) {
			const char *of_other = text_of(other, "output.build_id");

			if (build_id && of_other && strcmp(build_id, of_other) &&
			    same_text(text_of(link, "watermark"), text_of(other, "watermark")))
				return true;
		}
	}
	return false;
}

int show_verify(cJSON *answer)
{
	const char *build_id = text_of(answer, "program.build_id");
	const cJSON *links = record_get(answer, "links"), *runs = record_get(answer, "runs");
	cJSON *record;

	cJSON_ArrayForEach (record, links)
		if (set_verdict(record, judge_link(record, build_id, runs)) < 0)
			return -ENOMEM;
	cJSON_ArrayForEach (record, runs)
		if (set_verdict(record, judge_run(record, links)) < 0)
			return -ENOMEM;
	return cJSON_AddBoolToObject(answer, "conflict", has_conflict(links)) ? 0 : -ENOMEM;
}
