/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Jobs' accounting, which names its user by a text. An account that is called like the user is the
 * user's.
 */
#include "ingest/prune.h"

#include <errno.h>

#define LIMIT " ORDER BY id LIMIT 997"

_Static_assert(PRUNE_ROWS == 997, "the limit in SQL is that of a step");

struct jobs {
	struct bytes user;  /* NULL data: jobs of users of whom only the uid is known */
	uint64_t step;	    /* that set next */
	int64_t from, next; /* id behind which to go on */
};

/* The pseudonym of the job's user as a text. */
static int get_alias(struct prune *prune, struct bytes name, char alias[PSEUDONYM_NAME_SIZE])
{
	const struct value key = value_text(name);
	int64_t user = 0, id;
	int r = prune->db->ops->find(prune->db, mapping_tables[TABLE_USER_NAME], &key, &user);

	if (r < 0 && r != -ENOENT)
		return r;
	r = prune_alias(prune, name, user, &id);
	pseudonym_of_user(&prune->key, name, alias);
	return r;
}

static int update_named(struct prune *prune, struct bytes user, const struct prune_rows *rows)
{
	struct value ids[PRUNE_ROWS], first[3];
	char alias[PSEUDONYM_NAME_SIZE];
	int r = get_alias(prune, user, alias);

	for (size_t i = 0; i < rows->count; i++)
		ids[i] = prune_row(rows, i)[0];
	first[0] = first[2] = value_text(bytes_of(alias));
	first[1] = value_text(user);
	return r < 0 ? r
		     : prune_each_list(prune,
				       "UPDATE accounting SET user = ?, uid = NULL, account = "
				       "CASE WHEN account = ? THEN ? ELSE account END "
				       "WHERE id IN " PRUNE_IN,
				       first, ARRAY_SIZE(first), ids, rows->count, NULL);
}

static int update_numbered(struct prune *prune, const struct prune_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct value *row = prune_row(rows, i);
		char name[32], alias[PSEUDONYM_NAME_SIZE];
		struct value params[2];
		int r;

		snprintf(name, sizeof(name), "uid:%lld", (long long)row[1].integer);
		r = get_alias(prune, bytes_of(name), alias);
		params[0] = value_text(bytes_of(alias));
		params[1] = row[0];
		if (r == 0)
			r = prune_sql(prune,
				      "UPDATE accounting SET user = ?, uid = NULL WHERE id = ?",
				      params, 2);
		if (r < 0)
			return r;
	}
	return 0;
}

static int jobs_step(struct prune *prune, void *arg, bool *ret_more)
{
	struct jobs *jobs = arg;
	struct prune_rows rows = {};
	struct value params[3];
	size_t count = 0;
	int r;

	if (prune->steps != jobs->step)
		jobs->from = jobs->next;
	if (jobs->user.data)
		params[count++] = value_text(jobs->user);
	params[count++] = value_integer(jobs->from);
	params[count++] = value_integer(prune->pseudonymise_us);
	r = prune_rows_get(prune,
			   jobs->user.data
				   ? "SELECT id, uid FROM accounting WHERE user = ? AND id > ? "
				     "AND " PRUNE_JOB_TIME " < ?" LIMIT
				   : "SELECT id, uid FROM accounting WHERE user IS NULL AND "
				     "uid IS NOT NULL AND id > ? AND " PRUNE_JOB_TIME " < ?" LIMIT,
			   params, count, &rows);
	if (r == 0 && rows.count) {
		jobs->step = prune->steps;
		jobs->next = prune_row(&rows, rows.count - 1)[0].integer;
		r = jobs->user.data ? update_named(prune, jobs->user, &rows)
				    : update_numbered(prune, &rows);
		prune_count(prune, "pseudonymise", "accounting", rows.count);
		*ret_more = rows.count == PRUNE_ROWS;
	}
	prune_rows_done(&rows);
	return r;
}

/* The first user's name behind that one. */
static int find_user(struct prune *prune, const struct value *after, struct prune_rows *ret)
{
	return prune_rows_get(prune, "SELECT min(user) FROM accounting WHERE user > ?", after, 1,
			      ret);
}

int prune_accounting(struct prune *prune)
{
	struct prune_rows last = {}, rows = {};
	struct value after = value_text(bytes_of(""));
	int r;

	while ((r = find_user(prune, &after, &rows)) == 0 && rows.count &&
	       prune_row(&rows, 0)->type == VALUE_TEXT) {
		struct jobs jobs = {.user = prune_row(&rows, 0)->bytes, .step = UINT64_MAX};

		if (!pseudonym_is_user(jobs.user))
			r = prune_steps(prune, jobs_step, &jobs);
		prune_rows_done(&last);
		last = rows;
		rows = (struct prune_rows){};
		after = *prune_row(&last, 0);
		if (r < 0)
			break;
	}
	prune_rows_done(&rows);
	prune_rows_done(&last);
	if (r == 0)
		r = prune_steps(prune, jobs_step, &(struct jobs){.step = UINT64_MAX});
	return r;
}
