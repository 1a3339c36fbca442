/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is behind the numbers of runs: programs, users, jobs, hosts. Each is looked up once, when it
 * is first met, so many in one statement; what is kept of it is by a number of ours, counted from
 * 0.
 */
#pragma once

#include "cli/labels.h"
#include "cli/report_rows.h"

#define REPORT_NO_INDEX UINT32_MAX

struct report_path {
	uint32_t path, software,
		module; /* labels; software: the path's last part if no rule knows it */
};

enum report_link { LINK_UNKNOWN, LINK_BY_WATERMARK, LINK_VERIFIED };

struct report_program {
	uint32_t path; /* of report_names.paths */
	int64_t owner_uid;
	struct bytes watermark, build_id; /* labels' */
	/* of the link that made it, if one is known */
	enum report_link link;
	int64_t link_time_us;
	uint32_t compiler, version, compiled, linker, linker_version; /* labels; compiled: both */
	struct ids builders; /* persons (struct report_user.person) */
	bool is_built_by_system;
};

struct report_job {
	uint32_t id, cluster, manager, sluid, user, account, queue; /* labels */
	uint32_t same;	   /* the first job of the same id, cluster, manager and sluid */
	uint32_t first;	   /* of the n-th that differ, in jobs[n]: its number */
	int64_t submit_us; /* of which account and queue are */
	bool is_accounted, is_of_cluster;
	uint32_t run_user; /* label: whose runs it has; root's (prologs) if there are no others */
	bool has_run_user;
};

struct report_user {
	uint32_t name;	 /* label; of one without a name the uid */
	uint32_t person; /* the same for a user and his pseudonyms */
};

struct report_host {
	uint32_t name, cluster;
};

struct report_names {
	struct store *store;
	bool has_links; /* asked for */
	struct labels labels;
	struct index program_index, job_index, user_index, host_index;
	struct map path_map, person_map;
	struct map pair_map, job_map; /* of two labels; of a job's two pairs */
	struct report_program *programs;
	struct report_path *paths;
	struct report_job *jobs;
	struct report_user *users;
	struct report_host *hosts;
	size_t program_size, path_size, job_size, user_size, host_size;
	uint32_t programs_known, jobs_known; /* so many are looked up */
};

/* has_links: programs' links are wanted. 0 or negative errno. */
int report_names_init(struct report_names *names, struct store *store, bool has_links);
void report_names_done(struct report_names *names);

/* Fills in the numbers of ours in all rows of the stretch. */
int report_names_resolve(struct report_names *names, struct report_rows *rows);

/* A user by row number, or by uid where that is 0. */
int report_names_user(struct report_names *names, int64_t user, int64_t uid, uint32_t *ret);
int report_names_job(struct report_names *names, int64_t job, uint32_t *ret);
int report_names_look_up_jobs(struct report_names *names);
/* A path, as found in a row. */
int report_names_path(struct report_names *names, struct bytes path, struct bytes software,
		      struct bytes module, uint32_t *ret);

/* report_links.c: the links that made the programs from first on. */
int report_links_look_up(struct report_names *names, uint32_t first);

/*
 * Statements over many keys at once: "... IN (" REPORT_IN ")". Asks them so many at a time, and
 * calls take for each row.
 */
#define REPORT_IN_4   "?, ?, ?, ?"
#define REPORT_IN_16  REPORT_IN_4 ", " REPORT_IN_4 ", " REPORT_IN_4 ", " REPORT_IN_4
#define REPORT_IN     REPORT_IN_16 ", " REPORT_IN_16 ", " REPORT_IN_16 ", " REPORT_IN_16
#define REPORT_IN_MAX 64

int report_ask_ids(struct store *store, const char *sql, const int64_t *ids, size_t count,
		   int (*take)(void *arg, struct query *row), void *arg);
int report_ask_blobs(struct store *store, const char *sql, const struct bytes *blobs, size_t count,
		     int (*take)(void *arg, struct query *row), void *arg);
/* A column's bytes; data is NULL where it is null. */
struct bytes report_column_bytes(struct query *row, int column);
