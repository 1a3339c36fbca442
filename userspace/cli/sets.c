/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of a stream of records: see sets.h. */
#include "cli/sets.h"
#include "common/record.h"
#include <errno.h>

int sets_init(struct sets *sets, const char *open_file)
{
	*sets = (struct sets){.by_hash = cJSON_CreateObject()};
	if (open_file)
		sets->open_file = strdup(open_file);
	if (sets->by_hash && (sets->open_file || !open_file))
		return 0;
	sets_done(sets);
	return -ENOMEM;
}

void sets_done(struct sets *sets)
{
	cJSON_Delete(sets->by_hash);
	free(sets->open_file);
	*sets = (struct sets){0};
}

bool sets_take(struct sets *sets, cJSON *record)
{
	const cJSON *hash = record_get(record, "hash");
	char kind[16];

	if (!record_kind(record, kind, sizeof(kind)) || strcmp(kind, "set"))
		return false;
	if (!cJSON_IsString(hash) ||
	    cJSON_GetObjectItemCaseSensitive(sets->by_hash, hash->valuestring)) {
		cJSON_Delete(record);
		return true;
	}
	if (sets->count == SETS_MAX) {
		cJSON *fresh = cJSON_CreateObject();

		if (fresh) {
			cJSON_Delete(sets->by_hash);
			sets->by_hash = fresh;
			sets->count = 0;
		}
	}
	if (cJSON_AddItemToObject(sets->by_hash, hash->valuestring, record))
		sets->count++;
	else
		cJSON_Delete(record);
	return true;
}

/* Takes the one set that is looked for out of the daemon's open file. */
static void search_open_file(struct sets *sets, const char *hash)
{
	_cleanup_fclose_ FILE *file = sets->open_file ? fopen(sets->open_file, "re") : NULL;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while (file && (len = getline(&line, &size, file)) > 0) {
		cJSON *record;

		/* Cheap first: parse only lines that can be it. */
		if (len > RECORD_LINE_MAX || !strstr(line, "runmark.set/") || !strstr(line, hash) ||
		    record_parse((struct bytes){line, (size_t)len}, &record) < 0)
			continue;
		if (!sets_take(sets, record))
			cJSON_Delete(record);
		if (cJSON_GetObjectItemCaseSensitive(sets->by_hash, hash))
			return;
	}
}

static const cJSON *find_set(struct sets *sets, const cJSON *run, const char *member)
{
	const cJSON *hash = record_get(run, member), *set;

	if (!cJSON_IsString(hash))
		return NULL;
	set = cJSON_GetObjectItemCaseSensitive(sets->by_hash, hash->valuestring);
	if (!set) {
		search_open_file(sets, hash->valuestring);
		set = cJSON_GetObjectItemCaseSensitive(sets->by_hash, hash->valuestring);
	}
	return set;
}

static bool add_member(cJSON *run, const cJSON *set, const char *name, bool or_null)
{
	const cJSON *member = set ? cJSON_GetObjectItemCaseSensitive(set, name) : NULL;
	cJSON *copy;

	if (!member)
		return !or_null || record_add_null(run, name);
	copy = cJSON_Duplicate(member, true);
	if (copy && cJSON_AddItemToObject(run, name, copy))
		return true;
	cJSON_Delete(copy);
	return false;
}

int sets_fill(struct sets *sets, cJSON *run)
{
	const cJSON *objects = find_set(sets, run, "object_set");

	/* Looking for the second set may forget the first (SETS_MAX): use each at once. */
	if (!add_member(run, objects, "objects", true))
		return -ENOMEM;

	const cJSON *env = find_set(sets, run, "env_set");

	if (!add_member(run, env, "env", true) || !add_member(run, env, "env_b64", false))
		return -ENOMEM;
	return 0;
}
