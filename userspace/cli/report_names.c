/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/report_names.h"
#include "cli/pattern.h"
#include "common/array.h"
#include <errno.h>
#include <inttypes.h>

/* Keys of users and persons that have no row. */
#define KEY_OF_UID  (INT64_C(1) << 62)
#define KEY_UNKNOWN INT64_MAX

static int load_users(struct report_names *names)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(names->store,
			  "SELECT user_name.id, user_name.name, pseudonym.user FROM user_name "
			  "LEFT JOIN pseudonym ON pseudonym.alias = user_name.id",
			  &query);

	while (r >= 0 && (r = query_step(query)) > 0) {
		int64_t id = query_int(query, 0);
		struct report_user *users, *user;
		uint32_t number;
		bool is_new;

		r = index_add(&names->user_index, id, &number, &is_new);
		if (r < 0)
			return r;
		users = array_grow(names->users, number, &names->user_size, sizeof(*users));
		if (!users)
			return -ENOMEM;
		names->users = users;
		user = &users[number];
		r = labels_add(&names->labels, query_bytes(query, 1), &user->name);
		if (r >= 0)
			r = map_add(&names->person_map,
				    (uint64_t)(query_is_null(query, 2) ? id : query_int(query, 2)),
				    &user->person, NULL);
	}
	return r < 0 ? r : 0;
}

static int note_host(struct report_names *names, int64_t id, uint32_t *ret)
{
	struct report_host *hosts;
	bool is_new;
	int r = index_add(&names->host_index, id, ret, &is_new);

	if (r < 0 || !is_new)
		return r;
	hosts = array_grow(names->hosts, *ret, &names->host_size, sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	names->hosts = hosts;
	hosts[*ret] = (struct report_host){LABEL_NONE, LABEL_NONE};
	return 0;
}

static int load_hosts(struct report_names *names)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(names->store, "SELECT id, name, cluster FROM host ORDER BY name, cluster",
			  &query);

	while (r >= 0 && (r = query_step(query)) > 0) {
		uint32_t number;

		r = note_host(names, query_int(query, 0), &number);
		if (r >= 0)
			r = labels_add(&names->labels, query_bytes(query, 1),
				       &names->hosts[number].name);
		if (r >= 0)
			r = labels_add(&names->labels, query_bytes(query, 2),
				       &names->hosts[number].cluster);
	}
	return r < 0 ? r : 0;
}

int report_names_init(struct report_names *names, struct store *store, bool has_links)
{
	int r;

	*names = (struct report_names){.store = store, .has_links = has_links};
	r = labels_init(&names->labels);
	if (r >= 0)
		r = load_users(names);
	if (r >= 0)
		r = load_hosts(names);
	if (r < 0)
		report_names_done(names);
	return r;
}

void report_names_done(struct report_names *names)
{
	struct index *const indexes[] = {&names->program_index, &names->job_index,
					 &names->user_index, &names->host_index};

	for (uint32_t i = 0; names->programs && i < names->program_index.count; i++)
		ids_done(&names->programs[i].builders);
	for (size_t i = 0; i < ARRAY_SIZE(indexes); i++)
		index_done(indexes[i]);
	map_done(&names->path_map);
	map_done(&names->person_map);
	map_done(&names->pair_map);
	map_done(&names->job_map);
	free(names->programs);
	free(names->paths);
	free(names->jobs);
	free(names->users);
	free(names->hosts);
	labels_done(&names->labels);
	*names = (struct report_names){0};
}

/* ---- users */

int report_names_user(struct report_names *names, int64_t user, int64_t uid, uint32_t *ret)
{
	int64_t key = user ? user : uid >= 0 ? KEY_OF_UID | uid : KEY_UNKNOWN;
	struct report_user *users;
	struct bytes name = {0};
	uint32_t number;
	char text[24];
	bool is_new;
	int r = index_add(&names->user_index, key, &number, &is_new);

	if (r < 0)
		return r;
	*ret = number;
	if (!is_new)
		return 0;
	users = array_grow(names->users, number, &names->user_size, sizeof(*users));
	if (!users)
		return -ENOMEM;
	names->users = users;
	if (!user && uid >= 0) {
		snprintf(text, sizeof(text), "%" PRId64, uid);
		name = bytes_of(text);
	}
	r = labels_add(&names->labels, name, &users[number].name);
	return r < 0 ? r : map_add(&names->person_map, (uint64_t)key, &users[number].person, NULL);
}

/* ---- programs */

/* A file that was deleted or replaced while it ran is called as before. */
static struct bytes without_deleted(struct bytes path)
{
	size_t len = strlen(PATTERN_DELETED);

	if (path.len > len && !memcmp(path.data + path.len - len, PATTERN_DELETED, len))
		path.len -= len;
	return path;
}

static struct bytes name_of(struct bytes path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	size_t skip = slash ? (size_t)(slash + 1 - path.data) : 0;

	return (struct bytes){path.data + skip, path.len - skip};
}

/* Paths go by their text, since one that was deleted has a row of its own. */
int report_names_path(struct report_names *names, struct bytes path, struct bytes software,
		      struct bytes module, uint32_t *ret)
{
	struct report_path *paths, *item;
	uint32_t label, number;
	bool is_new;
	int r;

	path = without_deleted(path);
	if (!path.len)
		path = (struct bytes){0};
	if (!software.data && path.data)
		software = name_of(path);
	r = labels_add(&names->labels, path, &label);
	if (r >= 0)
		r = map_add(&names->path_map, label, &number, &is_new);
	if (r < 0)
		return r;
	*ret = number;
	if (!is_new)
		return 0;
	paths = array_grow(names->paths, number, &names->path_size, sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	names->paths = paths;
	item = &paths[number];
	*item = (struct report_path){.path = label};
	r = labels_add(&names->labels, software, &item->software);
	return r < 0 ? r : labels_add(&names->labels, module, &item->module);
}

/* The number of a program, whose row is looked up later. */
static int note_program(struct report_names *names, int64_t id, uint32_t *ret)
{
	struct report_program *programs;
	bool is_new;
	int r = index_add(&names->program_index, id, ret, &is_new);

	if (r < 0 || !is_new)
		return r;
	programs = array_grow(names->programs, *ret, &names->program_size, sizeof(*programs));
	if (!programs)
		return -ENOMEM;
	names->programs = programs;
	programs[*ret] = (struct report_program){.path = REPORT_NO_INDEX, .owner_uid = -1};
	return 0;
}

static int take_program(void *arg, struct query *row)
{
	struct report_names *names = arg;
	struct report_program *program;
	uint32_t number, label;
	int r;

	if (!index_find(&names->program_index, query_int(row, 0), &number))
		return 0;
	program = &names->programs[number];
	program->owner_uid = query_int(row, 1);
	r = report_names_path(names, query_bytes(row, 2), report_column_bytes(row, 3),
			      report_column_bytes(row, 4), &program->path);
	if (r >= 0)
		r = labels_add(&names->labels, query_bytes(row, 5), &label);
	if (r < 0)
		return r;
	program->watermark = labels_get(&names->labels, label);
	r = labels_add(&names->labels, query_bytes(row, 6), &label);
	if (r < 0)
		return r;
	program->build_id = labels_get(&names->labels, label);
	return 0;
}

static int look_up_programs(struct report_names *names)
{
	uint32_t first = names->programs_known, count = names->program_index.count;
	int r;

	if (first == count)
		return 0;
	r = report_ask_ids(names->store,
			   "SELECT g.id, g.owner_uid, p.path, p.software, p.module, "
			   "g.watermark, g.build_id FROM program g JOIN path p ON p.id = g.path "
			   "WHERE g.id IN (" REPORT_IN ")",
			   names->program_index.ids + first, count - first, take_program, names);
	/* Program 0, of groups that name none, has no path. */
	for (uint32_t i = first; r >= 0 && i < count; i++)
		if (names->programs[i].path == REPORT_NO_INDEX)
			r = report_names_path(names, (struct bytes){0}, (struct bytes){0},
					      (struct bytes){0}, &names->programs[i].path);
	if (r >= 0 && names->has_links)
		r = report_links_look_up(names, first);
	names->programs_known = count;
	return r;
}

/* ---- jobs */

int report_names_job(struct report_names *names, int64_t job, uint32_t *ret)
{
	struct report_job *jobs;
	bool is_new;
	int r = index_add(&names->job_index, job, ret, &is_new);

	if (r < 0 || !is_new)
		return r;
	jobs = array_grow(names->jobs, *ret, &names->job_size, sizeof(*jobs));
	if (!jobs)
		return -ENOMEM;
	names->jobs = jobs;
	jobs[*ret] = (struct report_job){.submit_us = INT64_MIN, .same = *ret};
	return 0;
}

/*
 * A job that was requeued has several submissions: the last says whose it is. One that accounting
 * knows of the same cluster comes before one of a cluster that one side doesn't name.
 */
static int take_job(void *arg, struct query *row)
{
	struct report_names *names = arg;
	bool is_of_cluster = !query_is_null(row, 7) && query_int(row, 7);
	struct report_job *job;
	uint32_t number;
	int r;

	if (!index_find(&names->job_index, query_int(row, 0), &number))
		return 0;
	job = &names->jobs[number];
	r = labels_add(&names->labels, query_bytes(row, 1), &job->id);
	if (r >= 0)
		r = labels_add(&names->labels, query_bytes(row, 2), &job->cluster);
	if (r >= 0)
		r = labels_add(&names->labels, query_bytes(row, 8), &job->manager);
	if (r >= 0)
		r = labels_add(&names->labels, query_bytes(row, 9), &job->sluid);
	if (r < 0 || query_is_null(row, 6))
		return r;
	if (job->is_accounted &&
	    (job->is_of_cluster > is_of_cluster ||
	     (job->is_of_cluster == is_of_cluster && job->submit_us >= query_int(row, 6))))
		return 0;
	job->is_accounted = true;
	job->is_of_cluster = is_of_cluster;
	job->submit_us = query_int(row, 6);
	r = labels_add(&names->labels, report_column_bytes(row, 3), &job->account);
	if (r >= 0)
		r = labels_add(&names->labels, report_column_bytes(row, 4), &job->queue);
	return r < 0 ? r : labels_add(&names->labels, report_column_bytes(row, 5), &job->user);
}

/* Processes of an array's job whose environment has no array (prologs, extern) have another row. */
static int find_same(struct report_names *names, uint32_t number)
{
	struct report_job *job = &names->jobs[number];
	uint32_t id, other, nth = 0;
	bool is_new = false;
	int r = map_add(&names->pair_map, map_pair(job->id, job->cluster), &id, NULL);

	if (r >= 0)
		r = map_add(&names->pair_map, map_pair(job->manager, job->sluid), &other, NULL);
	if (r >= 0)
		r = map_add(&names->job_map, map_pair(id, other), &nth, &is_new);
	if (r >= 0 && is_new)
		names->jobs[nth].first = number;
	if (r >= 0)
		job->same = names->jobs[nth].first;
	return r;
}

int report_names_look_up_jobs(struct report_names *names)
{
	uint32_t first = names->jobs_known, count = names->job_index.count;
	int r;

	if (first == count)
		return 0;
	names->jobs_known = count;
	r = report_ask_ids(
		names->store,
		"SELECT j.id, j.job_id, j.cluster, a.account, a.queue, a.user, a.submit_us, "
		"a.cluster = j.cluster, j.manager, j.sluid FROM job j LEFT JOIN accounting a "
		"ON a.job_id = j.job_id AND a.manager = j.manager "
		"AND (a.cluster = j.cluster OR a.cluster = '' OR j.cluster = '') "
		"WHERE j.id IN (" REPORT_IN ")",
		names->job_index.ids + first, count - first, take_job, names);
	for (uint32_t i = first; r >= 0 && i < count; i++)
		if (names->jobs[i].id != LABEL_NONE)
			r = find_same(names, i);
	return r;
}

/* ---- rows */

/* Prologs and the like run as root: they don't tell whose job it is. */
static void note_job(struct report_names *names, struct report_row *row)
{
	uint32_t name = names->users[row->user_index].name;
	struct report_job *job;

	if (row->job_index == REPORT_NO_INDEX)
		return;
	row->job_index = names->jobs[row->job_index].same;
	job = &names->jobs[row->job_index];
	if (job->has_run_user || name == LABEL_NONE || (job->run_user && !row->uid))
		return;
	job->run_user = name;
	job->has_run_user = row->uid != 0;
}

int report_names_resolve(struct report_names *names, struct report_rows *rows)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < rows->count; i++) {
		struct report_row *row = &rows->items[i];

		r = note_program(names, row->program, &row->program_index);
		if (r >= 0)
			r = report_names_user(names, row->user, row->uid, &row->user_index);
		if (r >= 0)
			row->person = names->users[row->user_index].person;
		row->job_index = REPORT_NO_INDEX;
		if (r >= 0 && row->job)
			r = report_names_job(names, row->job, &row->job_index);
		if (r >= 0)
			r = note_host(names, row->host, &row->host_index);
	}
	if (r >= 0)
		r = look_up_programs(names);
	if (r >= 0)
		r = report_names_look_up_jobs(names);
	for (size_t i = 0; r >= 0 && i < rows->count; i++)
		note_job(names, &rows->items[i]);
	return r < 0 ? r : 0;
}
