/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For what part of the time it is known which programs ran on a node, and why not for the rest. The
 * model is told at the head of coverage.c. All is computed from what the database holds, whenever
 * it is asked: a file that arrives late heals the gap that it left.
 */
#pragma once

#include "cli/spans.h"
#include "cli/store.h"

/* Younger than this, what has not come is still on its way: not counted either way. */
#define COVERAGE_PENDING_US (15 * 60 * INT64_C(1000000))

struct coverage_cause {
	const char *name, *text;
	bool hides;	 /* the time is not complete: whole runs may be missing */
	bool is_of_runs; /* what it counts are runs */
	bool is_by_rule; /* they are left out on purpose: no gap, but to be told */
	int64_t late_us; /* it may be so old when it is counted */
};

extern const struct coverage_cause coverage_causes[];
extern const size_t coverage_causes_count;
/* Of a cause that is not known here (a newer runmarkd's) the worst is assumed. */
const struct coverage_cause *coverage_cause_find(const char *name);

/* Something lost, or left out on purpose. */
struct coverage_loss {
	const char *cause; /* borrowed */
	int64_t count;	   /* cumulative over the instance */
};

/* What a node record says. Times are microseconds, 0: unknown. */
struct coverage_record {
	int64_t boot, instance, seq; /* row numbers */
	int64_t time_us, since_us, booted_us, capture_began_us;
	bool is_stop;
	bool is_blind; /* programs that tell nothing are neither seen nor counted */
	struct coverage_loss *losses;
	size_t loss_count;
	int64_t boot_order, instance_order; /* coverage_compute's own */
};

enum coverage_previous { PREVIOUS_NONE, PREVIOUS_LOADED, PREVIOUS_MISSING };

/* What is known of a spool file that was loaded. */
struct coverage_file {
	int64_t boot, instance, number;
	int64_t opened_us, closed_us; /* 0: header, trailer missing */
	int64_t first_seq, last_seq;  /* 0: not one record was found */
	int64_t missing;	      /* records that it should hold and doesn't */
	int64_t quarantined;	      /* lines */
	bool is_cut;		      /* no trailer: what else was in it is not known */
	enum coverage_previous previous;
};

struct coverage_input {
	int64_t since_us, until_us; /* asked: [since, until) */
	int64_t now_us;
	/*
	 * All in the window, and of each one before and one behind it, if there is one. In any
	 * order; they are put in order here.
	 */
	struct coverage_record *records;
	size_t record_count;
	struct coverage_file *files;
	size_t file_count;
};

#define COVERAGE_UNCOUNTED (-1)

struct coverage_gap {
	int64_t from_us, to_us; /* within the window; may be equal: no time, but a count */
	const char *cause;	/* borrowed from the input, or static */
	int64_t count;		/* of the whole gap, also where it reaches out of the window */
};

struct coverage {
	bool is_known;		   /* the node was to be watched at some time of the window */
	struct spans expected;	   /* when */
	struct coverage_gap *gaps; /* by time */
	size_t gap_count, gap_size;
	int64_t expected_us, complete_us;
};

/* 0 or -ENOMEM. *ret is to be freed by coverage_done. */
int coverage_compute(struct coverage_input *input, struct coverage *ret);
void coverage_done(struct coverage *coverage);

/* coverage_order.c: as coverage_compute wants them. */
void coverage_order(struct coverage_record *records, size_t count);

/* How long a cause's gaps last within the time that was to be watched. 0 or -ENOMEM. */
int coverage_cause_length(const struct coverage *coverage, const char *cause, int64_t *ret_us);

/* coverage_load.c: a host's input out of the database; since, until and now are set by the caller.
 */
struct coverage_loader;
int coverage_loader_new(struct store *store, struct coverage_loader **ret);
void coverage_loader_free(struct coverage_loader *loader);
/* The input is the loader's until the next call. 0 or negative errno. */
int coverage_load(struct coverage_loader *loader, int64_t host, struct coverage_input *input);
/* Runs that began in the window, members of groups included. */
int coverage_count_runs(struct coverage_loader *loader, int64_t host,
			const struct coverage_input *input, int64_t *ret);
