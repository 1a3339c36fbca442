/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When is it known which programs ran on a node? From two kinds of facts:
 *
 * Node records. A runmarkd (an instance) makes one at its start, every few minutes, and at its
 *stop. Each says what was lost since the instance began, by cause; so the time between two records
 *of an instance is complete if no loss grew that hides runs, and otherwise incomplete as a whole,
 *since nobody knows when within it things were lost.
 *
 * Between instances and boots something else tells (a < b are records that follow each other):
 *
 *	b of the same boot	The kernel side goes on without a daemon, so there is no gap unless
 *				b's capture_began is after a. Then: daemon_off, a to capture_began.
 *				(Not told by an old runmarkd: the instance's begin is taken for it.)
 *	b of another boot	a a stop: the node was shut down in order, and a to booted does not
 *				count. Else node_lost, a to booted: what ran then is not known.
 *				booted to capture_began is daemon_off.
 *	b the first of a node	Its time begins with that instance.
 *	a the newest of a node	not_reported, a to the end of the window, unless it is so young that
 *				more is still on its way (COVERAGE_PENDING_US: not counted). A node
 *				whose last word before the window was a stop is left out.
 *
 * Spool files. Each names the one before it, and numbers its records. Where the one before is not
 *in the database (file_missing) or numbers are missing (records_missing), the time from the closing
 *of the last file that is there to the opening of the next is incomplete; where lines are
 *quarantined or missing within a file, that file's time.
 *
 * A run is told of when it ends: the time of which something is said is that in which records were
 * made. A run that is as long as a gap, and ended in it, is missing from before the gap, too.
 *
 * What a site's rules and its users leave out is counted in node records as well, and told beside:
 * recorded, lost and left out are all that ran. Losses that cost details only (libraries, usage)
 *are listed, but leave the time complete: see coverage_causes.c. Gaps may overlap; complete is what
 *none of them hides.
 */
#include "cli/coverage.h"
#include "common/array.h"
#include <errno.h>

/* What is made while records and files are gone through. */
struct making {
	const struct coverage_input *input;
	struct coverage *coverage;
	int64_t begin_us; /* of the node: nothing before it was to be watched */
	struct spans off; /* nor then */
	size_t blind;	  /* the gap of that cause that was last added, plus 1 */
};

static int add_gap(struct making *making, int64_t from_us, int64_t to_us, const char *cause,
		   int64_t count)
{
	struct coverage *coverage = making->coverage;
	struct coverage_gap *gaps;

	from_us = MAX(MAX(from_us, making->input->since_us), making->begin_us);
	to_us = MIN(to_us, making->input->until_us);
	if (from_us > to_us || (from_us == to_us && count <= 0) ||
	    from_us >= making->input->until_us)
		return 0;
	gaps = array_grow(coverage->gaps, coverage->gap_count, &coverage->gap_size, sizeof(*gaps));
	if (!gaps)
		return -ENOMEM;
	coverage->gaps = gaps;
	gaps[coverage->gap_count++] = (struct coverage_gap){from_us, to_us, cause, count};
	return 0;
}

#define COMPARE(a, b)                                                                              \
	if ((a) != (b))                                                                            \
	return (a) < (b) ? -1 : 1

/* ---- node records */

static int64_t loss_before(const struct coverage_record *before, const char *cause)
{
	for (size_t i = 0; before && i < before->loss_count; i++)
		if (!strcmp(before->losses[i].cause, cause))
			return before->losses[i].count;
	return 0;
}

/* What was lost since the record before of the instance (NULL: since its begin). */
static int add_losses(struct making *making, int64_t from_us, const struct coverage_record *before,
		      const struct coverage_record *record)
{
	int64_t to_us = MAX(from_us, record->time_us); /* the clock may have been set back */
	int r = 0;

	from_us = MIN(from_us, record->time_us);
	if (to_us <= making->input->since_us)
		return 0;
	for (size_t i = 0; r >= 0 && i < record->loss_count; i++) {
		const struct coverage_loss *loss = &record->losses[i];
		int64_t count = loss->count - loss_before(before, loss->cause);

		if (count > 0)
			r = add_gap(making, from_us - coverage_cause_find(loss->cause)->late_us,
				    to_us, loss->cause, count);
	}
	return r;
}

/* One gap from the first record to the last, not one between any two. */
static int add_blind(struct making *making, int64_t from_us, const struct coverage_record *record)
{
	struct coverage *coverage = making->coverage;
	size_t before = coverage->gap_count;
	struct coverage_gap *last = making->blind ? &coverage->gaps[making->blind - 1] : NULL;
	int r;

	if (!record->is_blind)
		return 0;
	if (last && last->to_us >= from_us) {
		last->to_us = MAX(last->to_us, MIN(record->time_us, making->input->until_us));
		return 0;
	}
	r = add_gap(making, MIN(from_us, record->time_us), record->time_us, "not_seen",
		    COVERAGE_UNCOUNTED);
	if (coverage->gap_count > before)
		making->blind = coverage->gap_count;
	return r;
}

/* Of the time from an instance's record before (NULL: from its begin) to this one. */
static int add_interval(struct making *making, int64_t from_us,
			const struct coverage_record *before, const struct coverage_record *record)
{
	int r = add_losses(making, from_us, before, record);

	return r < 0 ? r : add_blind(making, from_us, record);
}

/* When the instance of its first record began, and since when it knows what ran. */
static int64_t instance_begin(const struct coverage_record *first)
{
	return first->since_us && first->since_us < first->time_us ? first->since_us
								   : first->time_us;
}

static int64_t capture_begin(const struct coverage_record *first)
{
	return first->capture_began_us ? MIN(first->capture_began_us, first->time_us)
				       : instance_begin(first);
}

/* The first record of another boot than before's. *ret_from: since when the instance tells. */
static int add_boot(struct making *making, const struct coverage_record *before,
		    const struct coverage_record *record, int64_t *ret_from)
{
	int64_t capture = capture_begin(record);
	int64_t booted = record->booted_us ? MIN(record->booted_us, capture) : capture;
	int r;

	booted = MAX(booted, before->time_us);
	r = before->is_stop
		    ? spans_add(&making->off, before->time_us, booted)
		    : add_gap(making, before->time_us, booted, "node_lost", COVERAGE_UNCOUNTED);
	*ret_from = MAX(capture, booted);
	return r < 0 ? r : add_gap(making, booted, *ret_from, "daemon_off", COVERAGE_UNCOUNTED);
}

static int add_record(struct making *making, const struct coverage_record *before,
		      const struct coverage_record *record)
{
	int64_t from = before ? before->time_us : making->begin_us;
	int r = 0;

	if (before && before->instance == record->instance)
		return add_interval(making, from, before, record);
	if (before && before->boot != record->boot) {
		r = add_boot(making, before, record, &from);
	} else if (before && capture_begin(record) > from) {
		from = capture_begin(record);
		r = add_gap(making, before->time_us, from, "daemon_off", COVERAGE_UNCOUNTED);
	}
	return r < 0 ? r : add_interval(making, from, NULL, record);
}

static int add_tail(struct making *making, const struct coverage_record *last)
{
	const struct coverage_input *input = making->input;

	if (input->now_us - last->time_us <= COVERAGE_PENDING_US)
		return spans_add(&making->off, last->time_us, INT64_MAX);
	return add_gap(making, last->time_us, input->until_us, "not_reported", COVERAGE_UNCOUNTED);
}

static int add_records(struct making *making)
{
	const struct coverage_input *input = making->input;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < input->record_count; i++)
		r = add_record(making, i ? &input->records[i - 1] : NULL, &input->records[i]);
	return r < 0 ? r : add_tail(making, &input->records[input->record_count - 1]);
}

/* ---- spool files */

static int compare_files(const void *a, const void *b)
{
	const struct coverage_file *x = a, *y = b;

	COMPARE(x->boot, y->boot);
	COMPARE(x->instance, y->instance);
	COMPARE(x->number, y->number);
	return 0;
}

/* The last word of the boot before that file was opened, if there is one; else the boot's begin. */
static int64_t word_before(const struct making *making, const struct coverage_file *file)
{
	const struct coverage_input *input = making->input;
	int64_t word = INT64_MIN, begin = INT64_MAX;

	for (size_t i = 0; i < input->file_count; i++) {
		const struct coverage_file *other = &input->files[i];
		int64_t closed = other->closed_us ? other->closed_us : other->opened_us;

		if (other->boot == file->boot && other != file && closed <= file->opened_us)
			word = MAX(word, closed);
	}
	if (word != INT64_MIN)
		return word;
	for (size_t i = 0; i < input->record_count; i++)
		if (input->records[i].boot == file->boot)
			begin = MIN(begin, capture_begin(&input->records[i]));
	return MIN(begin, file->opened_us);
}

/* What is missing between a file and the one before of its instance (NULL: none is there). */
static int add_between(struct making *making, const struct coverage_file *before,
		       const struct coverage_file *file)
{
	bool is_missing = file->previous == PREVIOUS_MISSING;
	int64_t opened = file->opened_us ? file->opened_us : file->closed_us, from;
	int64_t count = file->first_seq - (before ? before->last_seq : 0) - 1;

	if (!file->first_seq || (before && !before->last_seq) || (!before && file->number == 1))
		count = 0;
	if (!is_missing && count <= 0)
		return 0;
	/* the first that is looked at, of an instance that began before */
	if (!before && !is_missing)
		return 0;
	from = !before		   ? word_before(making, file)
	       : before->closed_us ? before->closed_us
				   : before->opened_us;
	if (!from || !opened)
		from = opened = MAX(from, opened);
	return add_gap(making, MIN(from, opened), opened,
		       is_missing ? "file_missing" : "records_missing",
		       before && count > 0 ? count : COVERAGE_UNCOUNTED);
}

/* What is missing within a file. next: of its instance, or NULL. */
static int add_within(struct making *making, const struct coverage_file *before,
		      const struct coverage_file *file, const struct coverage_file *next)
{
	int64_t from = file->opened_us		     ? file->opened_us
		       : before && before->closed_us ? before->closed_us
						     : file->closed_us;
	int64_t to = file->closed_us		       ? file->closed_us
		     : next && next->opened_us	       ? next->opened_us
		     : file->is_cut && file->opened_us ? making->input->until_us
						       : from;
	int64_t missing = file->missing - file->quarantined;
	int r = 0;

	if (file->quarantined)
		r = add_gap(making, from, to, "quarantined", file->quarantined);
	if (r >= 0 && (missing > 0 || file->is_cut))
		r = add_gap(making, from, to, "records_missing",
			    missing > 0 ? missing : COVERAGE_UNCOUNTED);
	return r;
}

static int add_files(struct making *making)
{
	const struct coverage_input *input = making->input;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < input->file_count; i++) {
		const struct coverage_file *file = &input->files[i], *before = NULL, *next = NULL;

		if (i && file[-1].instance == file->instance)
			before = file - 1;
		if (i + 1 < input->file_count && file[1].instance == file->instance)
			next = file + 1;
		r = add_between(making, before, file);
		if (r >= 0)
			r = add_within(making, before, file, next);
	}
	return r;
}

/* ---- the sum */

static int compare_gaps(const void *a, const void *b)
{
	const struct coverage_gap *x = a, *y = b;

	COMPARE(x->from_us, y->from_us);
	COMPARE(x->to_us, y->to_us);
	return strcmp(x->cause, y->cause);
}

static int sum_up(struct making *making)
{
	struct coverage *coverage = making->coverage;
	_cleanup_spans_ struct spans hidden = {0};
	int r = spans_add(&coverage->expected, MAX(making->begin_us, making->input->since_us),
			  making->input->until_us);

	spans_settle(&making->off);
	if (r >= 0)
		r = spans_subtract(&coverage->expected, &making->off);
	if (coverage->gap_count)
		qsort(coverage->gaps, coverage->gap_count, sizeof(*coverage->gaps), compare_gaps);
	for (size_t i = 0; r >= 0 && i < coverage->gap_count; i++)
		if (coverage_cause_find(coverage->gaps[i].cause)->hides)
			r = spans_add(&hidden, coverage->gaps[i].from_us, coverage->gaps[i].to_us);
	if (r < 0)
		return r;
	spans_settle(&hidden);
	coverage->expected_us = spans_length(&coverage->expected);
	coverage->complete_us = coverage->expected_us - spans_common(&coverage->expected, &hidden);
	coverage->is_known = coverage->expected_us > 0;
	return 0;
}

int coverage_compute(struct coverage_input *input, struct coverage *ret)
{
	struct making making = {.input = input, .coverage = ret};
	const struct coverage_record *last;
	int r;

	*ret = (struct coverage){0};
	if (!input->record_count)
		return 0;
	coverage_order(input->records, input->record_count);
	if (input->file_count)
		qsort(input->files, input->file_count, sizeof(*input->files), compare_files);
	last = &input->records[input->record_count - 1];
	if (last->is_stop && last->time_us < input->since_us)
		return 0;
	making.begin_us = instance_begin(&input->records[0]);
	r = add_records(&making);
	if (r >= 0)
		r = add_files(&making);
	if (r >= 0)
		r = sum_up(&making);
	spans_done(&making.off);
	if (r < 0)
		coverage_done(ret);
	return r;
}

void coverage_done(struct coverage *coverage)
{
	spans_done(&coverage->expected);
	free(coverage->gaps);
	*coverage = (struct coverage){0};
}

int coverage_cause_length(const struct coverage *coverage, const char *cause, int64_t *ret_us)
{
	_cleanup_spans_ struct spans spans = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < coverage->gap_count; i++)
		if (!strcmp(coverage->gaps[i].cause, cause))
			r = spans_add(&spans, coverage->gaps[i].from_us, coverage->gaps[i].to_us);
	if (r < 0)
		return r;
	spans_settle(&spans);
	*ret_us = spans_common(&coverage->expected, &spans);
	return 0;
}
