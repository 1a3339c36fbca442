/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interval algebra of coverage: cases of node records and spool files with the gaps and the
 * complete time that must follow. One unit of time is a second; the window is 1000 to 2000.
 */
#include "tests/unit/unit.h"

#include "cli/coverage.h"
#include "daemon/losses.h"

#define SINCE 1000
#define UNTIL 2000
#define S(n)  ((int64_t)(n)*1000000)

/* boot, instance, seq, time, since, booted, capture_began, is_stop, then "cause N" or nothing */
struct record {
	int boot, instance, seq, time, since, booted, capture;
	bool is_stop;
	struct {
		const char *cause;
		int count;
	} losses[2];
	bool is_blind;
};

struct file {
	int boot, instance, number, opened, closed, first, last;
	int missing, quarantined;
	bool is_cut;
	enum coverage_previous previous;
};

struct wanted {
	int from, to;
	const char *cause;
	int count;
};

struct sample {
	const char *name;
	struct record records[8]; /* up to one with boot 0 */
	struct file files[5];
	struct wanted gaps[6]; /* up to one without cause */
	int expected, complete;
	int now; /* 0: long after */
};

#define NO	COVERAGE_UNCOUNTED
#define LOADED	PREVIOUS_LOADED
#define MISSING PREVIOUS_MISSING
/* A daemon that was there all the time. */
#define STEADY                                                                                     \
	{1, 1, 1, 900, 900, 100, 900}, {1, 1, 9, 1500, 900, 100, 900},                             \
	{                                                                                          \
		1, 1, 20, 2100, 1500, 100, 900                                                     \
	}

static const struct sample samples[] = {
	{.name = "no data at all", .expected = 0, .complete = 0},
	{.name = "steady", .records = {STEADY}, .expected = 1000, .complete = 1000},
	{.name = "an older runmarkd tells neither boot nor capture",
	 .records = {{1, 1, 1, 900, 900}, {1, 1, 9, 2100, 900}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "the node's first record lies in the window",
	 .records = {{1, 1, 1, 1300, 1290, 100, 1291}, {1, 1, 9, 2100, 1300, 100, 1291}},
	 .expected = 710,
	 .complete = 710},
	{.name = "records in disorder",
	 .records = {{1, 1, 20, 2100, 1500, 100, 900}, {1, 1, 1, 900, 900, 100, 900}},
	 .expected = 1000,
	 .complete = 1000},
	/* losses */
	{.name = "ring full in one interval",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1200, 900, 100, 900},
		     {1, 1, 3, 1500, 1200, 100, 900, false, {{"ring_full_exec", 17}}},
		     {1, 1, 4, 2100, 1500, 100, 900, false, {{"ring_full_exec", 17}}}},
	 .gaps = {{1200, 1500, "ring_full_exec", 17}},
	 .expected = 1000,
	 .complete = 700},
	{.name = "what is counted late may be of a little before",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1200, 900, 100, 900},
		     {1, 1, 3, 1500, 1200, 100, 900, false, {{"exec_untold", 17}}},
		     {1, 1, 4, 2100, 1500, 100, 900, false, {{"exec_untold", 17}}}},
	 .gaps = {{1197, 1500, "exec_untold", 17}},
	 .expected = 1000,
	 .complete = 697},
	{.name = "nobody counts what tells nothing: one gap, until somebody does",
	 .records = {{1, 1, 1, 1100, 1099, 100, 1099, false, {}, true},
		     {1, 1, 2, 1200, 1100, 100, 1099, false, {}, true},
		     {1, 1, 3, 1500, 1200, 100, 1099, true, {}, true},
		     {1, 2, 1, 1502, 1501, 100, 1501},
		     {1, 2, 2, 1700, 1502, 100, 1501},
		     {1, 2, 3, 1800, 1700, 100, 1501, true},
		     {1, 3, 1, 1803, 1803, 100, 1803, false, {}, true},
		     {1, 3, 2, 2100, 1803, 100, 1803, false, {}, true}},
	 .gaps = {{1099, 1500, "not_seen", NO},
		  {1500, 1501, "daemon_off", NO},
		  {1800, 1803, "daemon_off", NO},
		  {1803, 2000, "not_seen", NO}},
	 .expected = 901,
	 .complete = 299},
	{.name = "it grows again, and a quota with it",
	 .records = {{1, 1, 1, 900, 900, 100, 900, false, {{"ring_full_exec", 3}}},
		     {1, 1, 2, 1200, 900, 100, 900, false, {{"ring_full_exec", 5}}},
		     {1, 1, 3, 1500, 1200, 100, 900, false, {{"ring_full_exec", 5}}},
		     {1,
		      1,
		      4,
		      2100,
		      1500,
		      100,
		      900,
		      false,
		      {{"ring_full_exec", 6}, {"spool_quota", 7}}}},
	 .gaps = {{1000, 1200, "ring_full_exec", 2},
		  {1500, 2000, "ring_full_exec", 1},
		  {1500, 2000, "spool_quota", 7}},
	 .expected = 1000,
	 .complete = 300},
	{.name = "details do not hide runs",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1,
		      1,
		      2,
		      2100,
		      900,
		      100,
		      900,
		      false,
		      {{"ring_full_mmap", 5}, {"lookup_late", 1}}}},
	 .gaps = {{1000, 2000, "lookup_late", 1}, {1000, 2000, "ring_full_mmap", 5}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "what a rule leaves out is no gap",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 2100, 900, 100, 900, false, {{"ignored", 5}}}},
	 .gaps = {{1000, 2000, "ignored", 5}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "of an unknown cause the worst is assumed",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1500, 900, 100, 900, false, {{"of_next_year", 5}}},
		     {1, 1, 3, 2100, 1500, 100, 900, false, {{"of_next_year", 5}}}},
	 .gaps = {{1000, 1500, "of_next_year", 5}},
	 .expected = 1000,
	 .complete = 500},
	{.name = "losses before the window are none of it",
	 .records = {{1, 1, 1, 900, 800, 100, 800, false, {{"live_full", 5}}},
		     {1, 1, 2, 2100, 900, 100, 800, false, {{"live_full", 5}}}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "a node record in between is missing: the loss is somewhere in both intervals",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1200, 900, 100, 900},
		     {1, 1, 8, 1800, 1500, 100, 900, false, {{"live_full", 2}}},
		     {1, 1, 9, 2100, 1800, 100, 900, false, {{"live_full", 2}}}},
	 .gaps = {{1200, 1800, "live_full", 2}},
	 .expected = 1000,
	 .complete = 400},
	{.name = "the clock was set back a day within an instance",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 87900, 900, 100, 900},
		     {1, 1, 3, 1700, 1500, 100, 900, false, {{"live_full", 2}}},
		     {1, 1, 4, 2100, 1700, 100, 900, false, {{"live_full", 2}}}},
	 .gaps = {{1700, 2000, "live_full", 2}},
	 .expected = 1000,
	 .complete = 700},
	/* restarts */
	{.name = "stopped and started, capture went on",
	 .records = {{1, 1, 1, 900, 900, 100, 899},
		     {1, 1, 2, 1300, 900, 100, 899, true},
		     {1, 2, 1, 1400, 1400, 100, 899},
		     {1, 2, 2, 2100, 1400, 100, 899}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "killed and started, capture went on, with losses of the next one",
	 .records = {{1, 1, 1, 900, 900, 100, 899, false, {{"live_full", 7}}},
		     {1, 1, 2, 1300, 900, 100, 899, false, {{"live_full", 7}}},
		     {1, 2, 1, 1600, 1600, 100, 899, false, {{"not_watched", 11}}},
		     {1, 2, 2, 2100, 1600, 100, 899, false, {{"not_watched", 11}}}},
	 .gaps = {{1300, 1600, "not_watched", 11}},
	 .expected = 1000,
	 .complete = 700},
	{.name = "unloaded and started",
	 .records = {{1, 1, 1, 900, 900, 100, 899},
		     {1, 1, 2, 1300, 900, 100, 899, true},
		     {1, 2, 1, 1401, 1400, 100, 1400},
		     {1, 2, 2, 2100, 1401, 100, 1400}},
	 .gaps = {{1300, 1400, "daemon_off", NO}},
	 .expected = 1000,
	 .complete = 900},
	{.name = "an older runmarkd started again: nobody knows that capture went on",
	 .records = {{1, 1, 1, 900, 900},
		     {1, 1, 2, 1300, 900},
		     {1, 2, 1, 1405, 1400},
		     {1, 2, 2, 2100, 1405}},
	 .gaps = {{1300, 1400, "daemon_off", NO}},
	 .expected = 1000,
	 .complete = 900},
	{.name = "a later instance has the lower row number",
	 .records = {{1, 7, 1, 900, 900, 100, 899},
		     {1, 7, 2, 1300, 900, 100, 899},
		     {1, 3, 1, 1401, 1400, 100, 1400},
		     {1, 3, 2, 2100, 1401, 100, 1400}},
	 .gaps = {{1300, 1400, "daemon_off", NO}},
	 .expected = 1000,
	 .complete = 900},
	/* boots */
	{.name = "node lost",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1200, 900, 100, 900},
		     {2, 2, 1, 1510, 1510, 1500, 1509},
		     {2, 2, 2, 2100, 1510, 1500, 1509}},
	 .gaps = {{1200, 1500, "node_lost", NO}, {1500, 1509, "daemon_off", NO}},
	 .expected = 1000,
	 .complete = 691},
	{.name = "node lost, told in the wrong order, by an older runmarkd",
	 .records = {{2, 2, 1, 1510, 1500},
		     {2, 2, 2, 2100, 1510},
		     {1, 1, 2, 1200, 900},
		     {1, 1, 1, 900, 900}},
	 .gaps = {{1200, 1500, "node_lost", NO}},
	 .expected = 1000,
	 .complete = 700},
	{.name = "shut down in order: the time that it was off does not count",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {1, 1, 2, 1200, 900, 100, 900, true},
		     {2, 2, 1, 1510, 1510, 1500, 1509},
		     {2, 2, 2, 2100, 1510, 1500, 1509}},
	 .gaps = {{1500, 1509, "daemon_off", NO}},
	 .expected = 700,
	 .complete = 691},
	{.name = "two boots lost in a row",
	 .records = {{1, 1, 1, 900, 900, 100, 900},
		     {2, 2, 1, 1300, 1300, 1299, 1299},
		     {3, 3, 1, 1700, 1700, 1699, 1699},
		     {3, 3, 2, 2100, 1700, 1699, 1699}},
	 .gaps = {{1000, 1299, "node_lost", NO}, {1300, 1699, "node_lost", NO}},
	 .expected = 1000,
	 .complete = 302},
	/* the end */
	{.name = "silent since",
	 .records = {{1, 1, 1, 900, 900, 100, 900}, {1, 1, 2, 1300, 900, 100, 900}},
	 .gaps = {{1300, 2000, "not_reported", NO}},
	 .expected = 1000,
	 .complete = 300},
	{.name = "silent since before the window",
	 .records = {{1, 1, 2, 900, 800, 100, 800}},
	 .gaps = {{1000, 2000, "not_reported", NO}},
	 .expected = 1000,
	 .complete = 0},
	{.name = "stopped before the window: the node has gone",
	 .records = {{1, 1, 2, 900, 800, 100, 800, true}},
	 .expected = 0,
	 .complete = 0},
	{.name = "stopped within it, and nothing since",
	 .records = {{1, 1, 2, 1400, 800, 100, 800, true}},
	 .gaps = {{1400, 2000, "not_reported", NO}},
	 .expected = 1000,
	 .complete = 400},
	{.name = "what is young is still on its way",
	 .records = {{1, 1, 1, 900, 900, 100, 900}, {1, 1, 2, 1800, 900, 100, 900}},
	 .expected = 800,
	 .complete = 800,
	 .now = 2000},
	{.name = "but not for ever",
	 .records = {{1, 1, 1, 900, 900, 100, 900}, {1, 1, 2, 1800, 900, 100, 900}},
	 .gaps = {{1800, 2000, "not_reported", NO}},
	 .expected = 1000,
	 .complete = 800,
	 .now = 1800 + 15 * 60 + 1},
	/* files */
	{.name = "all files are there",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7}, {1, 1, 2, 1201, 2100, 8, 20, .previous = LOADED}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "a file in the middle is missing",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7}, {1, 1, 3, 1300, 2100, 10, 20, .previous = MISSING}},
	 .gaps = {{1200, 1300, "file_missing", 2}},
	 .expected = 1000,
	 .complete = 900},
	{.name = "it came late: healed",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7},
		   {1, 1, 3, 1300, 2100, 10, 20, .previous = LOADED},
		   {1, 1, 2, 1201, 1299, 8, 9, .previous = LOADED}},
	 .expected = 1000,
	 .complete = 1000},
	{.name = "the last file of an instance is missing, and the next instance names it",
	 .records = {{1, 1, 1, 900, 900, 100, 899},
		     {1, 2, 1, 1400, 1400, 100, 899},
		     {1, 2, 2, 2100, 1400, 100, 899}},
	 .files = {{1, 1, 1, 900, 1200, 1, 7}, {1, 2, 1, 1400, 2100, 1, 2, .previous = MISSING}},
	 .gaps = {{1200, 1400, "file_missing", NO}},
	 .expected = 1000,
	 .complete = 800},
	{.name = "the first file of a boot is missing",
	 .records = {{1, 1, 1, 900, 900, 100, 899},
		     {1, 1, 2, 1300, 900, 100, 899, true},
		     {2, 2, 5, 1600, 1500, 1400, 1410},
		     {2, 2, 6, 2100, 1600, 1400, 1410}},
	 .files = {{1, 1, 1, 900, 1300, 1, 2}, {2, 2, 2, 1550, 2100, 5, 6, .previous = MISSING}},
	 .gaps = {{1400, 1410, "daemon_off", NO}, {1410, 1550, "file_missing", NO}},
	 .expected = 900,
	 .complete = 750},
	{.name = "records are missing between files",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7}, {1, 1, 2, 1201, 2100, 9, 20, .previous = LOADED}},
	 .gaps = {{1200, 1201, "records_missing", 1}},
	 .expected = 1000,
	 .complete = 999},
	{.name = "lines are quarantined, and more is missing",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7, .missing = 5, .quarantined = 3},
		   {1, 1, 2, 1201, 2100, 8, 20, .previous = LOADED}},
	 .gaps = {{1000, 1200, "quarantined", 3}, {1000, 1200, "records_missing", 2}},
	 .expected = 1000,
	 .complete = 800},
	{.name = "a file is cut: its end, and what it held, is not known",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 1100, 0, 1, 7, .is_cut = true},
		   {1, 1, 2, 1201, 2100, 9, 20, .previous = LOADED}},
	 .gaps = {{1100, 1201, "records_missing", NO}, {1100, 1201, "records_missing", 1}},
	 .expected = 1000,
	 .complete = 899},
	{.name = "a file without header is placed by the one before",
	 .records = {STEADY},
	 .files = {{1, 1, 1, 900, 1200, 1, 7},
		   {1, 1, 2, 0, 1300, 9, 20, .missing = 1, .previous = PREVIOUS_NONE}},
	 .gaps = {{1200, 1300, "records_missing", 1}, {1200, 1300, "records_missing", 1}},
	 .expected = 1000,
	 .complete = 900},
	{.name = "gaps overlap: time is counted once",
	 .records =
		 {{1, 1, 1, 900, 900, 100, 900},
		  {1, 1, 2, 1200, 900, 100, 900},
		  {1, 1, 9, 1500, 1200, 100, 900, false, {{"live_full", 1}, {"spool_quota", 2}}},
		  {1, 1, 20, 2100, 1500, 100, 900, false, {{"live_full", 1}, {"spool_quota", 2}}}},
	 .files = {{1, 1, 1, 900, 1400, 1, 7}, {1, 1, 3, 1600, 2100, 10, 20, .previous = MISSING}},
	 .gaps = {{1200, 1500, "live_full", 1},
		  {1200, 1500, "spool_quota", 2},
		  {1400, 1600, "file_missing", 2}},
	 .expected = 1000,
	 .complete = 600},
};

static size_t put_records(const struct sample *sample, struct coverage_record *records,
			  struct coverage_loss losses[][2])
{
	size_t n = 0;

	for (const struct record *from = sample->records; n < 8 && from->boot; from++, n++) {
		records[n] = (struct coverage_record){.boot = from->boot,
						      .instance = from->instance,
						      .seq = from->seq,
						      .time_us = S(from->time),
						      .since_us = S(from->since),
						      .booted_us = S(from->booted),
						      .capture_began_us = S(from->capture),
						      .is_stop = from->is_stop,
						      .is_blind = from->is_blind,
						      .losses = losses[n]};
		for (size_t i = 0; i < 2 && from->losses[i].cause; i++) {
			losses[n][i].cause = from->losses[i].cause;
			losses[n][i].count = from->losses[i].count;
			records[n].loss_count++;
		}
	}
	return n;
}

static size_t put_files(const struct sample *sample, struct coverage_file *files)
{
	size_t n = 0;

	for (const struct file *from = sample->files; n < 5 && from->boot; from++, n++)
		files[n] = (struct coverage_file){.boot = from->boot,
						  .instance = from->instance,
						  .number = from->number,
						  .opened_us = S(from->opened),
						  .closed_us = S(from->closed),
						  .first_seq = from->first,
						  .last_seq = from->last,
						  .missing = from->missing,
						  .quarantined = from->quarantined,
						  .is_cut = from->is_cut,
						  .previous = from->previous};
	return n;
}

static bool is_wanted(const struct coverage_gap *gap, const struct wanted *wanted)
{
	return wanted->cause && gap->from_us == S(wanted->from) && gap->to_us == S(wanted->to) &&
	       !strcmp(gap->cause, wanted->cause) && gap->count == wanted->count;
}

static void print_gaps(const struct sample *sample, const struct coverage *coverage)
{
	print_error("%s: expected %g, complete %g\n", sample->name,
		    (double)coverage->expected_us / 1e6, (double)coverage->complete_us / 1e6);
	for (size_t i = 0; i < coverage->gap_count; i++)
		print_error("  %g to %g %s %lld\n", (double)coverage->gaps[i].from_us / 1e6,
			    (double)coverage->gaps[i].to_us / 1e6, coverage->gaps[i].cause,
			    (long long)coverage->gaps[i].count);
}

/* Gaps of equal time and cause may stand in any order. */
static void computed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];
		struct coverage_record records[8];
		struct coverage_loss losses[8][2];
		struct coverage_file files[5];
		struct coverage_input input = {.since_us = S(SINCE),
					       .until_us = S(UNTIL),
					       .now_us = sample->now ? S(sample->now) : S(1000000),
					       .records = records,
					       .record_count = put_records(sample, records, losses),
					       .files = files,
					       .file_count = put_files(sample, files)};
		struct coverage coverage;
		size_t wanted = 0, found = 0;

		assert_int_equal(coverage_compute(&input, &coverage), 0);
		while (wanted < ARRAY_SIZE(sample->gaps) && sample->gaps[wanted].cause)
			wanted++;
		for (size_t k = 0; k < wanted; k++)
			for (size_t m = 0; m < coverage.gap_count; m++)
				if (is_wanted(&coverage.gaps[m], &sample->gaps[k])) {
					found++;
					break;
				}
		if (found != wanted || coverage.gap_count != wanted ||
		    coverage.expected_us != S(sample->expected) ||
		    coverage.complete_us != S(sample->complete)) {
			print_gaps(sample, &coverage);
			fail_msg("%s", sample->name);
		}
		assert_int_equal(coverage.is_known, sample->expected > 0);
		coverage_done(&coverage);
	}
}

static void spans_algebra(void **state)
{
	static const struct {
		int a[7], b[7]; /* pairs, up to 0 */
		int length, common, rest;
	} cases[] = {
		{{0}, {0}, 0, 0, 0},
		{{1, 5}, {0}, 4, 0, 4},
		{{1, 5, 3, 9, 11, 12}, {0}, 9, 0, 9},
		{{3, 9, 1, 5}, {2, 4}, 8, 2, 6},
		{{1, 5, 5, 7}, {5, 7}, 6, 2, 4},
		{{1, 9}, {1, 9}, 8, 8, 0},
		{{1, 9}, {1, 3, 5, 7, 8, 20}, 8, 5, 3},
		{{1, 3, 5, 7}, {2, 6}, 4, 2, 2},
		{{7, 3}, {1, 9}, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spans a = {0}, b = {0};

		for (size_t k = 0; k < 6 && cases[i].a[k]; k += 2)
			assert_int_equal(spans_add(&a, cases[i].a[k], cases[i].a[k + 1]), 0);
		for (size_t k = 0; k < 6 && cases[i].b[k]; k += 2)
			assert_int_equal(spans_add(&b, cases[i].b[k], cases[i].b[k + 1]), 0);
		spans_settle(&a);
		spans_settle(&b);
		assert_int_equal(spans_length(&a), cases[i].length);
		assert_int_equal(spans_common(&a, &b), cases[i].common);
		assert_int_equal(spans_common(&b, &a), cases[i].common);
		assert_int_equal(spans_subtract(&a, &b), 0);
		assert_int_equal(spans_length(&a), cases[i].rest);
		assert_int_equal(spans_common(&a, &b), 0);
		spans_done(&a);
		spans_done(&b);
	}
}

/* Whoever adds a cause to the daemon says here what it hides. */
static void every_loss_has_a_meaning(void **state)
{
	(void)state;
	for (enum loss cause = 0; cause < LOSSES; cause++)
		if (!*coverage_cause_find(loss_name(cause))->name)
			fail_msg("userspace/cli/coverage_causes.c does not say what %s hides",
				 loss_name(cause));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(computed),
		cmocka_unit_test(spans_algebra),
		cmocka_unit_test(every_loss_has_a_meaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
