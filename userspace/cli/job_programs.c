/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of a job: the database adds up runs that are alike in what is told, and what differs
 * (ends, hosts, object sets) is put together here, for each path of a program.
 */
#include "cli/boots.h"
#include "cli/job.h"
#include "common/record.h"
#include <errno.h>
#include <search.h>

#define END_SIZE 40

struct program {
	int64_t path; /* row number */
	uint64_t runs;
	int64_t ranks, cpu_us, elapsed_us, elapsed_max_us, max_rss, start_us, end_us;
	bool has_cpu, has_elapsed, has_rss;
	struct ids sets;
	cJSON *ends;
};

struct programs {
	struct store *store;
	struct boots *boots;
	void *tree; /* of struct program, by path */
	struct job_sum *sum;
	struct program **sorted;
	size_t count;
};

enum column_number {
	PATH,
	SET,
	STATE,
	CODE,
	SIGNAL,
	NAME,
	CORE,
	OOM,
	NEXT,
	HOST,
	BOOT,
	RUNS,
	CPU,
	ELAPSED,
	ELAPSED_MAX,
	MAX_RSS,
	START,
	END,
	SIZE,
	RANK,
	EXITS,
};

#define WHERE_SQL "WHERE r.job = ? AND r.start_us >= ? AND r.start_us < ?"

/* An open run is a row of its own (its id in the GROUP BY), since its fate hangs on its start. */
#define RUNS_SQL(step)                                                                             \
	"SELECT g.path, r.object_set, r.state, r.exit_code, r.exit_signal, r.exit_name, "          \
	"r.exit_core, r.exit_oom, r.next_run_id IS NOT NULL, r.host, r.boot, count(*), "           \
	"sum(coalesce(r.user_us, 0) + coalesce(r.system_us, 0)), sum(r.elapsed_us), "              \
	"max(r.elapsed_us), max(r.max_rss), min(r.start_us), max(r.end_us), max(r.mpi_size), "     \
	"max(r.mpi_rank), NULL FROM run r JOIN program g ON g.id = r.program " WHERE_SQL step      \
	" GROUP BY g.path, r.object_set, r.state, r.exit_code, r.exit_signal, r.exit_name, "       \
	"r.exit_core, r.exit_oom, r.next_run_id IS NOT NULL, r.host, r.boot, "                     \
	"CASE WHEN r.state = 0 THEN r.run_id END"
#define GROUPS_SQL(step)                                                                           \
	"SELECT g.path, r.object_set, 1, NULL, NULL, NULL, NULL, NULL, 0, r.host, r.boot, "        \
	"r.runs, coalesce(r.user_us, 0) + coalesce(r.system_us, 0), r.elapsed_us, "                \
	"r.elapsed_max_us, r.max_rss, r.start_us, r.end_us, NULL, NULL, r.exits "                  \
	"FROM run_group r JOIN program g ON g.id = r.program " WHERE_SQL step

static int compare_path(const void *a, const void *b)
{
	const struct program *x = a, *y = b;

	return x->path < y->path ? -1 : x->path > y->path;
}

static void program_free(void *opaque)
{
	struct program *program = opaque;

	ids_done(&program->sets);
	cJSON_Delete(program->ends);
	free(program);
}

static int get_program(struct programs *programs, int64_t path, struct program **ret)
{
	struct program key = {.path = path}, *made, **found;

	found = tfind(&key, &programs->tree, compare_path);
	if (found) {
		*ret = *found;
		return 0;
	}
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = (struct program){
		.path = path, .ranks = -1, .start_us = INT64_MAX, .ends = cJSON_CreateObject()};
	if (!made->ends || !tsearch(made, &programs->tree, compare_path)) {
		program_free(made);
		return -ENOMEM;
	}
	programs->count++;
	*ret = made;
	return 0;
}

static int add_end(struct program *program, const char *end, double count)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(program->ends, end);

	if (item)
		cJSON_SetNumberHelper(item, item->valuedouble + count);
	else if (!cJSON_AddNumberToObject(program->ends, end, count))
		return -ENOMEM;
	return 0;
}

/* The word for an end: as the column EXIT of find has it. */
static int name_end(struct programs *programs, struct query *row, char ret[END_SIZE])
{
	struct boot_fate fate;
	struct bytes name;
	int r;

	if (query_int(row, STATE) == 0) {
		r = boots_ask(programs->boots, query_int(row, HOST), query_int(row, BOOT),
			      query_int(row, START), &fate);
		strcpy(ret, r >= 0 && fate.is_lost ? "node lost" : "running");
		return r;
	}
	if (!query_is_null(row, SIGNAL)) {
		name = query_bytes(row, NAME);
		if (!name.len || name.len > 16)
			snprintf(ret, END_SIZE, "signal %lld", (long long)query_int(row, SIGNAL));
		else
			snprintf(ret, END_SIZE, "%.*s%s%s", (int)name.len, name.data,
				 query_int(row, CORE) ? ",core" : "",
				 query_int(row, OOM) ? ",oom" : "");
	} else if (!query_is_null(row, CODE)) {
		snprintf(ret, END_SIZE, "%lld", (long long)query_int(row, CODE));
	} else {
		strcpy(ret, query_int(row, NEXT) ? "exec" : "unknown");
	}
	return 0;
}

/* The exits of a group, [{"exit": ..., "count": N}, ...], by the same words. */
static int add_exits(struct program *program, struct bytes text)
{
	_cleanup_json_ cJSON *exits = cJSON_ParseWithLength(text.data, text.len);
	const cJSON *item;
	int r = 0;

	cJSON_ArrayForEach (item, exits) {
		_cleanup_json_ cJSON *run = cJSON_CreateObject();
		const cJSON *exit = record_get(item, "exit");
		_cleanup_free_ char *word = NULL;
		double count = 0;

		record_get_number(item, "count", &count);
		if (!run || !cJSON_AddStringToObject(run, "schema", RECORD_SCHEMA("run")) ||
		    !cJSON_AddItemReferenceToObject(run, "exit", (cJSON *)exit))
			return -ENOMEM;
		word = cJSON_IsObject(exit) ? run_make_exit(run) : strdup("exec");
		r = word ? add_end(program, word, count) : -ENOMEM;
		if (r < 0)
			return r;
	}
	return exits ? 0 : -EBADMSG;
}

static void add_numbers(struct program *program, struct query *row)
{
	int64_t ranks = !query_is_null(row, SIZE)   ? query_int(row, SIZE)
			: !query_is_null(row, RANK) ? query_int(row, RANK) + 1
						    : -1;

	program->ranks = MAX(program->ranks, ranks);
	program->runs += (uint64_t)query_int(row, RUNS);
	program->has_cpu |= query_int(row, STATE) != 0 && !query_is_null(row, CPU);
	program->cpu_us += query_int(row, CPU);
	program->has_elapsed |= !query_is_null(row, ELAPSED);
	program->elapsed_us += query_int(row, ELAPSED);
	program->elapsed_max_us = MAX(program->elapsed_max_us, query_int(row, ELAPSED_MAX));
	program->has_rss |= !query_is_null(row, MAX_RSS);
	program->max_rss = MAX(program->max_rss, query_int(row, MAX_RSS));
	program->start_us = MIN(program->start_us, query_int(row, START));
	program->end_us = MAX(program->end_us, query_int(row, END));
}

static int add_row(struct programs *programs, struct query *row)
{
	struct program *program;
	char end[END_SIZE];
	int r = get_program(programs, query_int(row, PATH), &program);

	if (r < 0)
		return r;
	add_numbers(program, row);
	if (!query_is_null(row, EXITS)) {
		r = add_exits(program, query_bytes(row, EXITS));
	} else {
		r = name_end(programs, row, end);
		if (r >= 0)
			r = add_end(program, end, (double)query_int(row, RUNS));
	}
	if (r >= 0 && !query_is_null(row, SET))
		r = ids_add(&program->sets, query_int(row, SET));
	if (r >= 0)
		r = ids_add(&programs->sum->hosts, query_int(row, HOST));
	return r;
}

static int add_rows(struct programs *programs, const struct ids *jobs, const struct job_part *part,
		    const char *sql)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(programs->store, sql, &query);

	for (size_t i = 0; r >= 0 && i < jobs->count; i++) {
		query_reset(query);
		r = query_bind_int(query, 1, jobs->items[i]);
		if (r >= 0)
			r = query_bind_int(query, 2, part->since_us);
		if (r >= 0)
			r = query_bind_int(query, 3, part->until_us);
		if (r >= 0 && *part->step)
			r = query_bind_text(query, 4, bytes_of(part->step));
		while (r >= 0 && (r = query_step(query)) > 0)
			r = add_row(programs, query);
	}
	return r < 0 ? r : 0;
}

static int compare_programs(const void *a, const void *b)
{
	const struct program *x = *(struct program *const *)a, *y = *(struct program *const *)b;

	if (x->cpu_us != y->cpu_us)
		return x->cpu_us > y->cpu_us ? -1 : 1;
	if (x->runs != y->runs)
		return x->runs > y->runs ? -1 : 1;
	return compare_path(x, y);
}

static void collect_program(const void *node, VISIT visit, void *opaque)
{
	struct programs *programs = opaque;

	if (visit == postorder || visit == leaf)
		programs->sorted[programs->count++] = *(struct program *const *)node;
}

static bool add_seconds(cJSON *row, const char *name, bool is_known, int64_t us)
{
	return is_known ? record_add_number(row, name, (double)us / 1e6)
			: record_add_null(row, name);
}

static bool add_count(cJSON *row, const char *name, bool is_known, int64_t count)
{
	return is_known ? record_add_number(row, name, (double)count) : record_add_null(row, name);
}

static bool add_time(cJSON *row, const char *name, int64_t us)
{
	return us > 0 ? record_add_time(row, name, (uint64_t)us * 1000)
		      : record_add_null(row, name);
}

static int add_path(struct programs *programs, int64_t path, cJSON *row)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(programs->store, "SELECT path FROM path WHERE id = ?", &query);

	if (r >= 0)
		r = query_bind_int(query, 1, path);
	if (r >= 0)
		r = query_step(query);
	if (r < 0)
		return r;
	return (r && query_bytes(query, 0).len
			? record_add_text(row, "program", query_bytes(query, 0))
			: record_add_null(row, "program"))
		       ? 0
		       : -ENOMEM;
}

static int make_row(struct programs *programs, struct program *program, cJSON *list)
{
	cJSON *row = cJSON_CreateObject(), *ends = program->ends;
	int r;

	if (!row || !cJSON_AddItemToArray(list, row)) {
		cJSON_Delete(row);
		return -ENOMEM;
	}
	r = add_path(programs, program->path, row);
	if (r >= 0 && (!add_count(row, "runs", true, (int64_t)program->runs) ||
		       !add_count(row, "ranks", program->ranks >= 0, program->ranks)))
		r = -ENOMEM;
	if (r >= 0)
		r = job_add_libraries(programs->store, &program->sets, row);
	if (r < 0)
		return r;
	program->ends = NULL;
	if (!cJSON_AddItemToObject(row, "ends", ends) ||
	    !add_seconds(row, "cpu_s", program->has_cpu, program->cpu_us) ||
	    !add_seconds(row, "elapsed_s", program->has_elapsed, program->elapsed_us) ||
	    !add_seconds(row, "elapsed_max_s", program->has_elapsed, program->elapsed_max_us) ||
	    !add_count(row, "max_rss", program->has_rss, program->max_rss) ||
	    !add_time(row, "start", program->start_us) || !add_time(row, "end", program->end_us))
		return -ENOMEM;
	programs->sum->runs += program->runs;
	programs->sum->cpu_s += (double)program->cpu_us / 1e6;
	programs->sum->start_us = MIN(programs->sum->start_us, program->start_us);
	programs->sum->end_us = MAX(programs->sum->end_us, program->end_us);
	return 0;
}

static int make_rows(struct programs *programs, cJSON *list)
{
	size_t count = programs->count;
	int r = 0;

	programs->sorted = calloc(count + 1, sizeof(*programs->sorted));
	if (!programs->sorted)
		return -ENOMEM;
	programs->count = 0;
	twalk_r(programs->tree, collect_program, programs);
	qsort(programs->sorted, count, sizeof(*programs->sorted), compare_programs);
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = make_row(programs, programs->sorted[i], list);
	free(programs->sorted);
	ids_sort(&programs->sum->hosts);
	return r;
}

int job_programs(struct store *store, const struct ids *jobs, const struct job_part *part,
		 cJSON **ret, struct job_sum *ret_sum)
{
	_cleanup_boots_ struct boots *boots = NULL;
	_cleanup_json_ cJSON *list = cJSON_CreateArray();
	struct job_sum sum = {.start_us = INT64_MAX};
	struct programs programs = {.store = store, .sum = &sum};
	int r = list ? boots_new(store, &boots) : -ENOMEM;

	programs.boots = boots;
	if (r >= 0)
		r = add_rows(&programs, jobs, part,
			     *part->step ? RUNS_SQL(" AND r.step = ?") : RUNS_SQL(""));
	if (r >= 0)
		r = add_rows(&programs, jobs, part,
			     *part->step ? GROUPS_SQL(" AND r.step = ?") : GROUPS_SQL(""));
	if (r >= 0)
		r = make_rows(&programs, list);
	tdestroy(programs.tree, program_free);
	if (r < 0) {
		job_sum_done(&sum);
		return r;
	}
	*ret = TAKE_PTR(list);
	*ret_sum = sum;
	return 0;
}

void job_sum_done(struct job_sum *sum)
{
	ids_done(&sum->hosts);
	*sum = (struct job_sum){0};
}
