/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark report coverage: of what part of the time it is known which programs ran. */
#include "cli/coverage.h"
#include "cli/coverage_columns.h"
#include "cli/report.h"
#include "common/record.h"
#include <errno.h>
#include <fnmatch.h>
#include <math.h>

#define US_PER_S 1e6

/* What a cause has cost, over all nodes that are asked for. */
struct cause_sum {
	const char *name; /* ours */
	int64_t length_us, count, hosts;
	bool is_counted;
};

struct report_state {
	const struct report_asked *asked;
	report_emit emit;
	void *arg;
	struct coverage_loader *loader;
	struct cause_sum *causes;
	size_t cause_count;
	int64_t hosts, expected_us, complete_us, gaps, runs, lost, left_out;
};

/* Never 100 unless it is: cut after the third place. */
static double percent(int64_t complete_us, int64_t expected_us)
{
	return expected_us ? floor(1e5 * (double)complete_us / (double)expected_us) / 1000 : 0;
}

static const char *hides(const char *cause)
{
	const struct coverage_cause *known = coverage_cause_find(cause);

	if (known->is_by_rule)
		return COVERAGE_BY_RULE;
	return !known->hides ? "details" : known->is_of_runs ? "runs" : "perhaps runs";
}

/* A row is begun, and given out when all is in it. */
static cJSON *row_new(const char *by)
{
	cJSON *row = cJSON_CreateObject();

	if (row && (!cJSON_AddStringToObject(row, "report", "coverage") ||
		    !cJSON_AddStringToObject(row, "by", by))) {
		cJSON_Delete(row);
		return NULL;
	}
	return row;
}

static bool add_seconds(cJSON *row, const char *name, int64_t us)
{
	return record_add_number(row, name, (double)us / US_PER_S);
}

static bool add_count(cJSON *row, const char *name, bool is_counted, int64_t count)
{
	return is_counted ? record_add_number(row, name, (double)count)
			  : record_add_null(row, name);
}

static struct cause_sum *find_sum(struct report_state *state, const char *name)
{
	struct cause_sum *causes;

	for (size_t i = 0; i < state->cause_count; i++)
		if (!strcmp(state->causes[i].name, name))
			return &state->causes[i];
	causes = reallocarray(state->causes, state->cause_count + 1, sizeof(*causes));
	if (!causes)
		return NULL;
	state->causes = causes;
	causes[state->cause_count] = (struct cause_sum){.name = strdup(name)};
	return causes[state->cause_count].name ? &causes[state->cause_count++] : NULL;
}

static bool is_first_of_cause(const struct coverage *coverage, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(coverage->gaps[i].cause, coverage->gaps[index].cause))
			return false;
	return true;
}

/* One cause on one node: into the sums, and into the node's row (NULL: there is none). */
static int add_cause(struct report_state *state, const struct coverage *coverage, const char *name,
		     cJSON *list)
{
	struct cause_sum *sum = find_sum(state, name);
	int64_t length_us = 0, count = 0;
	bool is_counted = false;
	cJSON *item;
	int r = sum ? coverage_cause_length(coverage, name, &length_us) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < coverage->gap_count; i++)
		if (!strcmp(coverage->gaps[i].cause, name) && coverage->gaps[i].count >= 0) {
			count += coverage->gaps[i].count;
			is_counted = true;
		}
	sum->length_us += length_us;
	sum->count += count;
	sum->hosts++;
	sum->is_counted |= is_counted;
	if (coverage_cause_find(name)->is_by_rule)
		state->left_out += count;
	else if (coverage_cause_find(name)->is_of_runs)
		state->lost += count;
	item = cJSON_CreateObject();
	if (!item || !cJSON_AddItemToArray(list, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	return cJSON_AddStringToObject(item, "cause", name) &&
			       cJSON_AddStringToObject(item, "hides", hides(name)) &&
			       add_seconds(item, "duration_s", length_us) &&
			       add_count(item, "count", is_counted, count)
		       ? 0
		       : -ENOMEM;
}

static int add_causes(struct report_state *state, const struct coverage *coverage, cJSON *row)
{
	cJSON *list = cJSON_AddArrayToObject(row, "causes");
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < coverage->gap_count; i++)
		if (is_first_of_cause(coverage, i))
			r = add_cause(state, coverage, coverage->gaps[i].cause, list);
	return r;
}

/* Host and total alike. */
static bool add_sums(const struct report_asked *asked, cJSON *row, int64_t expected_us,
		     int64_t complete_us, int64_t gaps, int64_t runs, int64_t lost,
		     int64_t left_out)
{
	return record_add_time(row, "since", (uint64_t)asked->since_us * 1000) &&
	       record_add_time(row, "until", (uint64_t)asked->until_us * 1000) &&
	       record_add_number(row, "complete_percent", percent(complete_us, expected_us)) &&
	       add_seconds(row, "expected_s", expected_us) &&
	       add_seconds(row, "complete_s", complete_us) &&
	       add_seconds(row, "incomplete_s", expected_us - complete_us) &&
	       record_add_number(row, "gaps", (double)gaps) &&
	       record_add_number(row, "runs", (double)runs) &&
	       record_add_number(row, "runs_lost", (double)lost) &&
	       record_add_number(row, "runs_left_out", (double)left_out);
}

static int emit_gaps(struct report_state *state, const struct coverage *coverage, const char *host,
		     const char *cluster)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < coverage->gap_count; i++) {
		const struct coverage_gap *gap = &coverage->gaps[i];
		bool is_gap = !coverage_cause_find(gap->cause)->is_by_rule;
		_cleanup_json_ cJSON *row = is_gap ? row_new("gap") : NULL;

		if (!is_gap)
			continue;

		if (!row || !cJSON_AddStringToObject(row, "host", host) ||
		    !cJSON_AddStringToObject(row, "cluster", cluster) ||
		    !record_add_time(row, "from", (uint64_t)gap->from_us * 1000) ||
		    !record_add_time(row, "to", (uint64_t)gap->to_us * 1000) ||
		    !add_seconds(row, "duration_s", gap->to_us - gap->from_us) ||
		    !cJSON_AddStringToObject(row, "cause", gap->cause) ||
		    !add_count(row, "count", gap->count >= 0, gap->count) ||
		    !cJSON_AddStringToObject(row, "hides", hides(gap->cause)))
			return -ENOMEM;
		r = state->emit(state->arg, row);
	}
	return r;
}

/* Gaps in which something of the programs that ran may be hidden. */
static int64_t count_hiding(const struct coverage *coverage)
{
	int64_t count = 0;

	for (size_t i = 0; i < coverage->gap_count; i++)
		count += coverage_cause_find(coverage->gaps[i].cause)->hides;
	return count;
}

static int tell_host(struct report_state *state, const struct coverage *coverage, const char *host,
		     const char *cluster, int64_t runs)
{
	_cleanup_json_ cJSON *row = row_new("host");
	int64_t lost = state->lost, left_out = state->left_out, gaps = count_hiding(coverage);
	int r;

	if (!row || !cJSON_AddStringToObject(row, "host", host) ||
	    !cJSON_AddStringToObject(row, "cluster", cluster))
		return -ENOMEM;
	r = add_causes(state, coverage, row);
	if (r < 0)
		return r;
	lost = state->lost - lost;
	left_out = state->left_out - left_out;
	state->hosts++;
	state->expected_us += coverage->expected_us;
	state->complete_us += coverage->complete_us;
	state->gaps += gaps;
	state->runs += runs;
	if (!add_sums(state->asked, row, coverage->expected_us, coverage->complete_us, gaps, runs,
		      lost, left_out))
		return -ENOMEM;
	if (state->asked->view->word == coverage_views[COVERAGE_BY_HOST].word)
		return state->emit(state->arg, row);
	return state->asked->view->word == coverage_views[COVERAGE_BY_GAP].word
		       ? emit_gaps(state, coverage, host, cluster)
		       : 0;
}

static int take_host(struct report_state *state, int64_t id, const char *host, const char *cluster)
{
	const struct report_asked *asked = state->asked;
	struct coverage_input input = {
		.since_us = asked->since_us, .until_us = asked->until_us, .now_us = asked->now_us};
	struct coverage coverage;
	int64_t runs = 0;
	int r = coverage_load(state->loader, id, &input);

	if (r >= 0)
		r = coverage_compute(&input, &coverage);
	if (r < 0)
		return r;
	if (coverage.is_known)
		r = coverage_count_runs(state->loader, id, &input, &runs);
	if (r >= 0 && coverage.is_known)
		r = tell_host(state, &coverage, host, cluster, runs);
	coverage_done(&coverage);
	return r;
}

static int take_hosts(struct report_state *state)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(state->asked->store,
			  "SELECT id, name, cluster FROM host ORDER BY name, cluster", &query);

	while (r >= 0 && (r = query_step(query)) > 0) {
		struct bytes name = query_bytes(query, 1), cluster;
		_cleanup_free_ char *host = strndup(name.data, name.len), *site = NULL;

		cluster = query_bytes(query, 2);
		site = strndup(cluster.data, cluster.len);
		if (!host || !site)
			return -ENOMEM;
		if (!state->asked->filter.host || !strcmp(state->asked->filter.host, host) ||
		    !fnmatch(state->asked->filter.host, host, 0))
			r = take_host(state, query_int(query, 0), host, site);
	}
	return r;
}

static int tell_total(struct report_state *state)
{
	_cleanup_json_ cJSON *row = row_new("total");

	if (!row || !record_add_null(row, "host") ||
	    !add_sums(state->asked, row, state->expected_us, state->complete_us, state->gaps,
		      state->runs, state->lost, state->left_out) ||
	    !record_add_number(row, "hosts", (double)state->hosts))
		return -ENOMEM;
	return state->emit(state->arg, row);
}

static int compare_sums(const void *a, const void *b)
{
	const struct cause_sum *x = a, *y = b;

	if (x->length_us != y->length_us)
		return x->length_us > y->length_us ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int tell_causes(struct report_state *state)
{
	int r = 0;

	if (state->cause_count)
		qsort(state->causes, state->cause_count, sizeof(*state->causes), compare_sums);
	for (size_t i = 0; r >= 0 && i < state->cause_count; i++) {
		const struct cause_sum *sum = &state->causes[i];
		_cleanup_json_ cJSON *row = row_new("cause");

		if (!row || !cJSON_AddStringToObject(row, "cause", sum->name) ||
		    !cJSON_AddStringToObject(row, "hides", hides(sum->name)) ||
		    !add_seconds(row, "duration_s", sum->length_us) ||
		    !add_count(row, "count", sum->is_counted, sum->count) ||
		    !record_add_number(row, "hosts", (double)sum->hosts) ||
		    !cJSON_AddStringToObject(row, "meaning", coverage_cause_find(sum->name)->text))
			return -ENOMEM;
		r = state->emit(state->arg, row);
	}
	return r;
}

static int run(const struct report_asked *asked, report_emit emit, void *arg)
{
	struct report_state state = {.asked = asked, .emit = emit, .arg = arg};
	int r = coverage_loader_new(asked->store, &state.loader);

	if (r >= 0)
		r = take_hosts(&state);
	if (r >= 0 && asked->view->word == coverage_views[COVERAGE_BY_HOST].word && state.hosts)
		r = tell_total(&state);
	if (r >= 0 && asked->view->word == coverage_views[COVERAGE_BY_CAUSE].word)
		r = tell_causes(&state);
	for (size_t i = 0; i < state.cause_count; i++)
		free((char *)state.causes[i].name);
	free(state.causes);
	coverage_loader_free(state.loader);
	return r;
}

const struct report report_coverage = {
	.name = "coverage",
	.summary =
		"Of what part of the time it is known which programs ran, and why not of the rest.",
	.views = coverage_views,
	.n_views = COVERAGE_VIEWS,
	.run = run,
};
