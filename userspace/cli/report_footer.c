/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/report_footer.h"
#include "cli/output.h"
#include "cli/coverage.h"
#include "cli/number.h"
#include "cli/when.h"
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <time.h>

/* What a footer may take to say whether records are complete; runmark report coverage takes its
 * time. */
#define COVERAGE_BUDGET_NS (100 * NS_PER_MS)

struct completeness {
	int64_t expected_us, complete_us, hosts;
	bool is_all; /* within the time that there was */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int add_host(struct coverage_loader *loader, const struct report_asked *asked, int64_t host,
		    struct completeness *sum)
{
	struct coverage_input input = {
		.since_us = asked->since_us, .until_us = asked->until_us, .now_us = asked->now_us};
	struct coverage coverage;
	int r = coverage_load(loader, host, &input);

	if (r >= 0)
		r = coverage_compute(&input, &coverage);
	if (r < 0)
		return r;
	if (coverage.is_known) {
		sum->expected_us += coverage.expected_us;
		sum->complete_us += coverage.complete_us;
		sum->hosts++;
	}
	coverage_done(&coverage);
	return 0;
}

static bool is_asked(const struct report_asked *asked, struct bytes name)
{
	_cleanup_free_ char *text = strndup(name.data, name.len);
	const char *wanted = asked->filter.host;

	return !wanted || (text && (!strcmp(wanted, text) || !fnmatch(wanted, text, 0)));
}

static int add_hosts(const struct report_asked *asked, struct completeness *sum)
{
	uint64_t begin_ns = now_ns();
	_cleanup_query_ struct query *query = NULL;
	struct coverage_loader *loader = NULL;
	int r = query_new(asked->store, "SELECT id, name FROM host", &query);

	if (r >= 0)
		r = coverage_loader_new(asked->store, &loader);
	sum->is_all = true;
	while (r >= 0 && sum->is_all && (r = query_step(query)) > 0) {
		if (is_asked(asked, query_bytes(query, 1)))
			r = add_host(loader, asked, query_int(query, 0), sum);
		sum->is_all = now_ns() - begin_ns < COVERAGE_BUDGET_NS;
	}
	coverage_loader_free(loader);
	return r < 0 ? r : 0;
}

static void print_complete(const struct completeness *sum)
{
	double percent =
		sum->expected_us ? 100 * (double)sum->complete_us / (double)sum->expected_us : 0;

	if (!sum->is_all || !sum->hosts) {
		fputs("runmark report coverage tells how complete the records are\n", stderr);
		return;
	}
	/* never 100 unless it is */
	if (sum->complete_us < sum->expected_us && percent > 99.9)
		percent = 99.9;
	fprintf(stderr, "records are complete for %.*f%% of the time of %" PRId64 " node%s%s\n",
		sum->complete_us < sum->expected_us, percent, sum->hosts,
		sum->hosts == 1 ? "" : "s",
		sum->complete_us < sum->expected_us ? " (runmark report coverage tells why)" : "");
}

/* "1,234 runs of 7 users, 567 core hours" */
static void print_sum(const struct report_sum *sum)
{
	_cleanup_free_ char *runs = number_format_count((double)sum->runs);
	_cleanup_free_ char *users = number_format_count(sum->users);
	_cleanup_free_ char *hours = number_format_hours((double)sum->core_us / 3.6e9);

	fprintf(stderr, "%s run%s of %s user%s, %s core hours, ", runs ?: "?",
		sum->runs == 1 ? "" : "s", users ?: "?", sum->users == 1 ? "" : "s", hours ?: "?");
}

static void print_window(const struct report_asked *asked, const struct report_footing *footing)
{
	char since[WHEN_SIZE], until[WHEN_SIZE];

	fprintf(stderr, "%s to %s%s\n", when_format((uint64_t)asked->since_us * 1000, since),
		when_format((uint64_t)asked->until_us * 1000, until),
		footing->is_default_window ? " (--since looks further back)" : "");
}

static void print_left_out(const struct report_asked *asked, const struct report_footing *footing)
{
	const struct report_sum *sum = asked->sum;

	if (footing->shown < sum->lines)
		fprintf(stderr, "the first %" PRIu64 " of %" PRIu64 " lines; --limit 0 shows all\n",
			footing->shown, sum->lines);
	if (sum->endless)
		fprintf(stderr, "%" PRIu64 " of the runs have no known end, and no hours yet\n",
			sum->endless);
	if (sum->unreadable)
		fprintf(stderr,
			"%" PRIu64 " groups have ends that make no sense: none of them counts as "
			"failed\n",
			sum->unreadable);
	if (footing->dropped)
		fputs("a wider terminal shows more columns\n", stderr);
}

int report_footer(const struct report_asked *asked, const struct report_footing *footing)
{
	struct completeness complete = {0};
	int r;

	output_flush();
	if (!footing->shown) {
		fputs("nothing from ", stderr);
		print_window(asked, footing);
		return 0;
	}
	print_sum(asked->sum);
	print_window(asked, footing);
	print_left_out(asked, footing);
	r = add_hosts(asked, &complete);
	if (r >= 0)
		print_complete(&complete);
	return r;
}
