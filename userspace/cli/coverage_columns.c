/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of runmark report coverage, by host, by cause and by gap. */
#include "cli/coverage_columns.h"
#include "common/record.h"

static char *make_host(const cJSON *row)
{
	const char *host = cJSON_GetStringValue(record_get(row, "host"));

	return strdup(host ? host : "total");
}

static char *make_causes(const cJSON *row)
{
	const cJSON *cause;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool is_first = true;

	if (!out)
		return NULL;
	cJSON_ArrayForEach (cause, record_get(row, "causes")) {
		if (!strcmp(cJSON_GetStringValue(record_get(cause, "hides")), COVERAGE_BY_RULE))
			continue;
		fprintf(out, "%s%s", is_first ? "" : ", ",
			cJSON_GetStringValue(record_get(cause, "cause")));
		is_first = false;
	}
	if (fclose(out) != 0 || is_first) {
		free(text);
		return NULL;
	}
	return text;
}

static const struct column by_host[] = {
	{.name = "host", .kind = COLUMN_TEXT, .make = make_host, .table = {"HOST", .min = 8}},
	{.name = "cluster",
	 .kind = COLUMN_TEXT,
	 .path = "cluster",
	 .table = {"CLUSTER", .min = 4, .drop = 3}},
	{.name = "complete_percent",
	 .kind = COLUMN_NUMBER,
	 .path = "complete_percent",
	 .table = {"COMPLETE%", .is_right = true}},
	{.name = "expected_s",
	 .kind = COLUMN_ELAPSED,
	 .path = "expected_s",
	 .table = {"WATCHED", .is_right = true}},
	{.name = "incomplete_s",
	 .kind = COLUMN_ELAPSED,
	 .path = "incomplete_s",
	 .table = {"INCOMPLETE", .is_right = true}},
	{.name = "gaps",
	 .kind = COLUMN_NUMBER,
	 .path = "gaps",
	 .table = {"GAPS", .is_right = true}},
	{.name = "runs",
	 .kind = COLUMN_NUMBER,
	 .path = "runs",
	 .table = {"RUNS", .is_right = true}},
	{.name = "runs_lost",
	 .kind = COLUMN_NUMBER,
	 .path = "runs_lost",
	 .table = {"LOST", .is_right = true}},
	{.name = "runs_left_out",
	 .kind = COLUMN_NUMBER,
	 .path = "runs_left_out",
	 .table = {"LEFT-OUT", .is_right = true}},
	{.name = "causes",
	 .kind = COLUMN_TEXT,
	 .make = make_causes,
	 .table = {"CAUSES", .min = 12, .drop = 2}},
};

static const struct column by_cause[] = {
	{.name = "cause", .kind = COLUMN_TEXT, .path = "cause", .table = {"CAUSE"}},
	{.name = "hides", .kind = COLUMN_TEXT, .path = "hides", .table = {"HIDES"}},
	{.name = "duration_s",
	 .kind = COLUMN_ELAPSED,
	 .path = "duration_s",
	 .table = {"DURATION", .is_right = true}},
	{.name = "count",
	 .kind = COLUMN_NUMBER,
	 .path = "count",
	 .table = {"COUNT", .is_right = true}},
	{.name = "hosts",
	 .kind = COLUMN_NUMBER,
	 .path = "hosts",
	 .table = {"HOSTS", .is_right = true}},
	{.name = "meaning",
	 .kind = COLUMN_TEXT,
	 .path = "meaning",
	 .table = {"MEANING", .min = 16, .drop = 1}},
};

static const struct column by_gap[] = {
	{.name = "host", .kind = COLUMN_TEXT, .path = "host", .table = {"HOST", .min = 8}},
	{.name = "cluster",
	 .kind = COLUMN_TEXT,
	 .path = "cluster",
	 .table = {"CLUSTER", .min = 4, .drop = 3}},
	{.name = "from", .kind = COLUMN_TIME, .path = "from", .table = {"FROM"}},
	{.name = "to", .kind = COLUMN_TIME, .path = "to", .table = {"TO"}},
	{.name = "duration_s",
	 .kind = COLUMN_ELAPSED,
	 .path = "duration_s",
	 .table = {"DURATION", .is_right = true}},
	{.name = "cause", .kind = COLUMN_TEXT, .path = "cause", .table = {"CAUSE"}},
	{.name = "count",
	 .kind = COLUMN_NUMBER,
	 .path = "count",
	 .table = {"COUNT", .is_right = true}},
	{.name = "hides", .kind = COLUMN_TEXT, .path = "hides", .table = {"HIDES", .drop = 2}},
};

const struct report_view coverage_views[COVERAGE_VIEWS] = {
	[COVERAGE_BY_HOST] = {"host", by_host, ARRAY_SIZE(by_host)},
	[COVERAGE_BY_CAUSE] = {"cause", by_cause, ARRAY_SIZE(by_cause)},
	[COVERAGE_BY_GAP] = {"gap", by_gap, ARRAY_SIZE(by_gap)},
};
