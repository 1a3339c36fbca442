/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs are kept by id, cluster and time of submission, so that the same job read again is the same
 * row. A job goes from waiting to running to its end: what is read never takes it back, so files
 * may come in any order. What one reading doesn't tell (memory, without the steps) stays as another
 * told.
 */
#include "ingest/accounting.h"
#include "ingest/sacct.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <time.h>

#define BATCH	997 /* jobs of a transaction */
#define BAD_MAX 7   /* lines that are named; the others are counted */

struct import {
	struct backend *db;
	const char *name;
	struct accounting_totals *totals;
	struct sacct sacct;
	struct sacct_job job, line; /* job: its steps may follow */
	bool has_job, has_begun;
	uint64_t line_number, pending;
	int64_t now_us;
	char buffer[SACCT_LINE_MAX];
};

static struct value number_value(int64_t number)
{
	return number == SACCT_UNKNOWN ? value_null() : value_integer(number);
}

static struct value text_value(const char *text)
{
	return *text ? value_text(bytes_of(text)) : value_null();
}

static void make_row(const struct import *import, struct value row[ACCOUNTING_COLUMNS])
{
	static const int texts[SACCT_TEXTS] = {
		[SACCT_JOB_ID] = ACCOUNTING_JOB_ID,
		[SACCT_CLUSTER] = ACCOUNTING_CLUSTER,
		[SACCT_STATE] = ACCOUNTING_STATE,
		[SACCT_ARRAY_ID] = ACCOUNTING_ARRAY_ID,
		[SACCT_ARRAY_TASK] = ACCOUNTING_ARRAY_TASK,
		[SACCT_HET_ID] = ACCOUNTING_HET_ID,
		[SACCT_SLUID] = ACCOUNTING_SLUID,
		[SACCT_USER] = ACCOUNTING_USER,
		[SACCT_ACCOUNT] = ACCOUNTING_ACCOUNT,
		[SACCT_QUEUE] = ACCOUNTING_QUEUE,
		[SACCT_QOS] = ACCOUNTING_QOS,
	};
	static const int numbers[SACCT_NUMBERS] = {
		[SACCT_HET_OFFSET] = ACCOUNTING_HET_OFFSET,
		[SACCT_UID] = ACCOUNTING_UID,
		[SACCT_NODES] = ACCOUNTING_NODES,
		[SACCT_REQUESTED_CPUS] = ACCOUNTING_REQUESTED_CPUS,
		[SACCT_REQUESTED_MEMORY] = ACCOUNTING_REQUESTED_MEMORY,
		[SACCT_REQUESTED_US] = ACCOUNTING_REQUESTED_TIME,
		[SACCT_CPUS] = ACCOUNTING_CPUS,
		[SACCT_SUBMIT_US] = ACCOUNTING_SUBMIT,
		[SACCT_START_US] = ACCOUNTING_START,
		[SACCT_END_US] = ACCOUNTING_END,
		[SACCT_ELAPSED_US] = ACCOUNTING_ELAPSED,
		[SACCT_CPU_US] = ACCOUNTING_CPU,
		[SACCT_MAX_RSS] = ACCOUNTING_MAX_RSS,
		[SACCT_EXIT_CODE] = ACCOUNTING_EXIT_CODE,
		[SACCT_EXIT_SIGNAL] = ACCOUNTING_EXIT_SIGNAL,
	};
	const struct sacct_job *job = &import->job;

	for (int i = 0; i < SACCT_TEXTS; i++)
		row[texts[i]] = text_value(job->texts[i]);
	for (int i = 0; i < SACCT_NUMBERS; i++)
		row[numbers[i]] = number_value(job->numbers[i]);
	row[ACCOUNTING_NODE_LIST] = text_value(job->node_list);
	row[ACCOUNTING_MANAGER] = text_value("slurm");
	row[ACCOUNTING_STAGE] = value_integer(job->stage);
	row[ACCOUNTING_IMPORTED] = value_integer(import->now_us);
	/* of the key: never null */
	if (!*job->texts[SACCT_CLUSTER])
		row[ACCOUNTING_CLUSTER] = value_text(bytes_of(""));
	if (job->numbers[SACCT_SUBMIT_US] == SACCT_UNKNOWN)
		row[ACCOUNTING_SUBMIT] = value_integer(-1);
}

static bool is_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type || a->type == VALUE_NULL)
		return a->type == b->type;
	if (a->type == VALUE_INTEGER)
		return a->integer == b->integer;
	return a->bytes.len == b->bytes.len && !memcmp(a->bytes.data, b->bytes.data, a->bytes.len);
}

/* The job is in the database as number id. */
static int renew(struct import *import, int64_t id, struct value row[ACCOUNTING_COLUMNS])
{
	struct value old[MAPPING_COLUMNS_MAX];
	int r = import->db->ops->get(import->db, &mapping_accounting, id, old);
	bool is_same = true;

	if (r < 0)
		return r;
	if (old[ACCOUNTING_STAGE].integer > row[ACCOUNTING_STAGE].integer) {
		import->totals->older++;
		return 0;
	}
	for (size_t i = ACCOUNTING_STAGE; i < ACCOUNTING_IMPORTED; i++) {
		if (row[i].type == VALUE_NULL)
			row[i] = old[i];
		is_same = is_same && is_equal(&row[i], &old[i]);
	}
	if (is_same) {
		import->totals->known++;
		return 0;
	}
	r = import->db->ops->update(import->db, &mapping_accounting, id, ACCOUNTING_STAGE,
				    ACCOUNTING_COLUMNS - ACCOUNTING_STAGE, row + ACCOUNTING_STAGE);
	if (r == 0)
		import->totals->changed++;
	return r;
}

/*
 * The submission is not known. Of its job XALT may have told account and queue before: then this
 * takes the place of that. -ENOENT: it has not.
 */
static int take_place(struct import *import, struct value row[ACCOUNTING_COLUMNS])
{
	struct value key[ACCOUNTING_STAGE], old[MAPPING_COLUMNS_MAX];
	int64_t id;
	int r;

	memcpy(key, row, sizeof(key));
	key[ACCOUNTING_SUBMIT] = value_integer(-1);
	r = import->db->ops->find(import->db, &mapping_accounting, key, &id);
	if (r == 0)
		r = import->db->ops->get(import->db, &mapping_accounting, id, old);
	if (r < 0)
		return r;
	if (!is_equal(&old[ACCOUNTING_STATE],
		      &(struct value){.type = VALUE_TEXT, .bytes = bytes_of(ACCOUNTING_UNKNOWN)}))
		return -ENOENT;
	for (size_t i = ACCOUNTING_STAGE; i < ACCOUNTING_IMPORTED; i++)
		if (row[i].type == VALUE_NULL)
			row[i] = old[i];
	r = import->db->ops->update(import->db, &mapping_accounting, id, ACCOUNTING_SUBMIT,
				    ACCOUNTING_COLUMNS - ACCOUNTING_SUBMIT,
				    row + ACCOUNTING_SUBMIT);
	if (r == 0)
		import->totals->added++;
	return r;
}

/* The job whose steps may have followed; a transaction is begun when there is something for it. */
static int store_job(struct import *import)
{
	struct backend *db = import->db;
	struct value row[ACCOUNTING_COLUMNS];
	int64_t id;
	int r = 0;

	if (!import->has_job)
		return 0;
	import->has_job = false;
	if (!import->has_begun) {
		r = db->ops->begin(db);
		if (r < 0)
			return r;
		import->has_begun = true;
	}
	make_row(import, row);
	r = db->ops->find(db, &mapping_accounting, row, &id);
	if (r == 0)
		return renew(import, id, row);
	if (r == -ENOENT)
		r = take_place(import, row);
	if (r != -ENOENT)
		return r;
	r = db->ops->insert(db, &mapping_accounting, INSERT_KEEP, row, NULL, &id);
	if (r == 0)
		import->totals->added++;
	return r;
}

static int commit(struct import *import)
{
	int r = import->has_begun ? import->db->ops->commit(import->db) : 0;

	if (r == 0)
		import->has_begun = false;
	import->pending = 0;
	return r;
}

static void say_bad(struct import *import, const char *why)
{
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(why));

	if (import->totals->bad++ < BAD_MAX)
		log_warn(0, "%s:%llu: %s; this line is left out", import->name,
			 (unsigned long long)import->line_number, safe ? safe : "wrong");
}

/* 1: a line, without its break; 0: no more; -E2BIG: it is too long, and has been passed over; errno
 * of reading. */
static int read_line(struct import *import, FILE *in, struct bytes *ret)
{
	size_t len = 0;
	int c;

	errno = 0;
	while ((c = getc_unlocked(in)) != EOF && c != '\n')
		if (len++ < sizeof(import->buffer))
			import->buffer[len - 1] = (char)c;
	if (c == EOF && ferror(in))
		return errno ? -errno : -EIO;
	if (c == EOF && !len)
		return 0;
	import->line_number++;
	if (len > sizeof(import->buffer))
		return -E2BIG;
	if (len && import->buffer[len - 1] == '\r')
		len--;
	*ret = (struct bytes){import->buffer, len};
	return 1;
}

static int take_line(struct import *import, struct bytes line)
{
	char why[SACCT_WHY_SIZE];
	int r;

	if (sacct_line(&import->sacct, line, &import->line, why)) {
		say_bad(import, why);
		return 0;
	}
	if (import->line.is_step) {
		/* of a job that was left out: nothing to add to */
		(void)(import->has_job && sacct_add_step(&import->job, &import->line));
		return 0;
	}
	r = store_job(import);
	import->job = import->line;
	import->has_job = true;
	if (r == 0 && ++import->pending >= BATCH)
		r = commit(import);
	return r;
}

static int read_heading(struct import *import, FILE *in)
{
	char why[SACCT_WHY_SIZE] = "there is no heading";
	struct bytes line;
	int r = read_line(import, in, &line);

	if (r < 0 && r != -E2BIG)
		return r;
	if (r > 0 && sacct_heading(line, &import->sacct, why) == 0)
		return 0;
	log_err(0, "%s is not what sacct --parsable2 prints: %s; see runmark-ingest(8)",
		import->name, why);
	return -EINVAL;
}

static int import_all(struct import *import, FILE *in, const volatile sig_atomic_t *stop)
{
	struct bytes line;
	int r = read_heading(import, in);

	while (r == 0 && !*stop) {
		r = read_line(import, in, &line);
		if (r == 0)
			break;
		if (r == -E2BIG)
			say_bad(import, "too long");
		if (r == 1 || r == -E2BIG)
			r = r == 1 && line.len ? take_line(import, line) : 0;
	}
	if (r == 0)
		r = store_job(import);
	if (r == 0)
		r = commit(import);
	if (import->totals->bad > BAD_MAX)
		log_warn(0, "%s: %llu more lines are left out", import->name,
			 (unsigned long long)import->totals->bad - BAD_MAX);
	return r < 0 ? r : *stop ? -EINTR : 0;
}

int accounting_import(struct backend *db, FILE *in, const char *name,
		      const volatile sig_atomic_t *stop, struct accounting_totals *totals)
{
	struct import *import = calloc(1, sizeof(*import));
	int r;

	if (!import)
		return -ENOMEM;
	*import = (struct import){.db = db, .name = name, .totals = totals};
	import->now_us = (int64_t)time(NULL) * 1000000;
	r = import_all(import, in, stop);
	if (import->has_begun)
		db->ops->rollback(db);
	free(import);
	return r;
}
