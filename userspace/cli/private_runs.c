/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spool files of one command. What is in memory is a command's runs; a command of a million runs
 * takes some gigabytes, so only so many are kept, and the rest is left to the database.
 */
#include "cli/private_runs.h"
#include "common/array.h"
#include "common/log.h"
#include "common/record.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>

#define RUNS_MAX 99991 /* kept */
#define ENDING	 ".jsonl"

struct run {
	const char *id; /* in its record */
	cJSON *record;
	const char *start; /* in its record: times sort as text */
};

struct set {
	const char *hash;
	cJSON *record;
};

struct private_runs {
	void *runs, *sets; /* tsearch(3): by id, by hash */
	struct run **sorted;
	size_t count, size, left_out;
};

static int run_compare(const void *a, const void *b)
{
	return strcmp(((const struct run *)a)->id, ((const struct run *)b)->id);
}

static int start_compare(const void *a, const void *b)
{
	const struct run *x = *(struct run *const *)a, *y = *(struct run *const *)b;
	int order = strcmp(x->start, y->start);

	return order ? order : run_compare(x, y);
}

static int set_compare(const void *a, const void *b)
{
	return strcmp(((const struct set *)a)->hash, ((const struct set *)b)->hash);
}

struct private_runs *private_runs_new(void)
{
	return calloc(1, sizeof(struct private_runs));
}

static void set_free(void *opaque)
{
	struct set *set = opaque;

	cJSON_Delete(set->record);
	free(set);
}

static void run_free(void *opaque)
{
	struct run *run = opaque;

	cJSON_Delete(run->record);
	free(run);
}

void private_runs_free(struct private_runs *runs)
{
	if (!runs)
		return;
	tdestroy(runs->runs, run_free);
	tdestroy(runs->sets, set_free);
	free(runs->sorted);
	free(runs);
}

/* Takes the record over. */
static int take_set(struct private_runs *runs, cJSON *record)
{
	const char *hash = cJSON_GetStringValue(record_get(record, "hash"));
	struct set *set = hash ? malloc(sizeof(*set)) : NULL, **found;

	if (!set) {
		cJSON_Delete(record);
		return hash ? -ENOMEM : 0;
	}
	*set = (struct set){hash, record};
	found = tsearch(set, &runs->sets, set_compare);
	if (!found || *found != set)
		set_free(set);
	return found ? 0 : -ENOMEM;
}

static bool is_start_record(const cJSON *record)
{
	char kind[16];

	return record_kind(record, kind, sizeof(kind)) && !strcmp(kind, "start");
}

/* A run's record completes its start record, whichever comes first. Takes the record over. */
static int take_run(struct private_runs *runs, cJSON *record, bool is_start)
{
	const char *id = cJSON_GetStringValue(record_get(record, "run_id"));
	const char *start = cJSON_GetStringValue(record_get(record, "start"));
	struct run *run, **found, *grown;

	if (!id || !start || runs->count == RUNS_MAX) {
		runs->left_out += id && start;
		cJSON_Delete(record);
		return 0;
	}
	run = malloc(sizeof(*run));
	if (!run) {
		cJSON_Delete(record);
		return -ENOMEM;
	}
	*run = (struct run){id, record, start};
	found = tsearch(run, &runs->runs, run_compare);
	if (found && *found == run) {
		grown = array_grow(runs->sorted, runs->count, &runs->size, sizeof(*runs->sorted));
		if (!grown)
			return -ENOMEM; /* it stands in the tree */
		runs->sorted = (struct run **)grown;
		runs->sorted[runs->count++] = run;
		return 0;
	}
	if (found && !is_start && is_start_record((*found)->record)) {
		struct run before = **found;

		**found = *run;
		*run = before;
	}
	run_free(run);
	return found ? 0 : -ENOMEM;
}

static int take_line(struct private_runs *runs, struct bytes line)
{
	cJSON *record;
	char kind[16];
	int r = record_parse(line, &record);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!record_kind(record, kind, sizeof(kind)))
		*kind = '\0';
	if (!strcmp(kind, "set"))
		return take_set(runs, record);
	if (!strcmp(kind, "run") || !strcmp(kind, "start"))
		return take_run(runs, record, *kind == 's');
	cJSON_Delete(record);
	return 0;
}

static int read_file(struct private_runs *runs, int folder, const char *name)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_fclose_ FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int r = 0;

	if (!in)
		return -errno;
	TAKE_FD(fd);
	while (r >= 0 && (len = getline(&line, &size, in)) > 0)
		r = take_line(runs, (struct bytes){line, (size_t)len});
	return r < 0 ? r : ferror(in) ? -EIO : 0;
}

int private_runs_read(struct private_runs *runs, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r >= 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), ending = strlen(ENDING);

		if (*entry->d_name != '.' && len > ending &&
		    !strcmp(entry->d_name + len - ending, ENDING))
			r = read_file(runs, dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return r < 0 ? r : 0;
}

int private_runs_each(struct private_runs *runs, int (*each)(void *arg, const cJSON *run),
		      void *arg)
{
	int r = 0;

	if (runs->count)
		qsort(runs->sorted, runs->count, sizeof(*runs->sorted), start_compare);
	for (size_t i = 0; r >= 0 && i < runs->count; i++)
		r = each(arg, runs->sorted[i]->record);
	if (runs->left_out)
		log_warn(0, "%zu runs more are in the database only", runs->left_out);
	return r < 0 ? r : 0;
}

const cJSON *private_runs_set(const struct private_runs *runs, const cJSON *hash)
{
	const struct set key = {.hash = cJSON_GetStringValue(hash)};
	struct set *const *found = key.hash ? tfind(&key, &runs->sets, set_compare) : NULL;

	return found ? (*found)->record : NULL;
}
