/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of a stream of records: see sets.h. */
#include "cli/sets.h"
#include "cli/control.h"
#include "common/record.h"
#include <errno.h>
#include <time.h>

#define WAIT_MS 50

int sets_init(struct sets *sets, const char *socket)
{
	*sets = (struct sets){
		.known = cJSON_CreateObject(), .before = cJSON_CreateObject(), .socket = socket};
	if (sets->known && sets->before)
		return 0;
	sets_done(sets);
	return -ENOMEM;
}

void sets_done(struct sets *sets)
{
	cJSON_Delete(sets->known);
	cJSON_Delete(sets->before);
	cleanup_fclose(&sets->file);
	free(sets->path);
	*sets = (struct sets){0};
}

/* A new file, or too many: what is known becomes what was before. */
static void begin_file(struct sets *sets)
{
	cJSON *fresh = cJSON_CreateObject();

	if (!fresh)
		return;
	cJSON_Delete(sets->before);
	sets->before = sets->known;
	sets->known = fresh;
	sets->count = 0;
}

static const cJSON *find_known(const struct sets *sets, const char *hash)
{
	const cJSON *set = cJSON_GetObjectItemCaseSensitive(sets->known, hash);

	return set ? set : cJSON_GetObjectItemCaseSensitive(sets->before, hash);
}

bool sets_take(struct sets *sets, cJSON *record)
{
	const char *hash = cJSON_GetStringValue(record_get(record, "hash"));
	char kind[16];

	if (!record_kind(record, kind, sizeof(kind)) || strcmp(kind, "set"))
		return false;
	if (hash && !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(sets->known, hash))) {
		if (sets->count >= SETS_MAX)
			begin_file(sets);
		cJSON_DeleteItemFromObjectCaseSensitive(sets->known, hash); /* given up before */
		if (cJSON_AddItemToObject(sets->known, hash, record)) {
			sets->count++;
			return true;
		}
	}
	cJSON_Delete(record);
	return true;
}

/* Reads what was written since. A line that isn't whole yet is left for the next time. */
static void read_along(struct sets *sets)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (sets->file) {
		off_t start = ftello(sets->file);
		ssize_t len = getline(&line, &size, sets->file);
		cJSON *record;

		if (len <= 0 || line[len - 1] != '\n') {
			clearerr(sets->file);
			if (start >= 0)
				fseeko(sets->file, start, SEEK_SET);
			return;
		}
		/* Cheap first: most lines are records. */
		if (len > RECORD_LINE_MAX || !strstr(line, "runmark.set/") ||
		    record_parse((struct bytes){line, (size_t)len - 1}, &record) < 0)
			continue;
		if (!sets_take(sets, record))
			cJSON_Delete(record);
	}
}

/* The file that the daemon writes now: ".NAME.tmp" until it is whole. */
static void look_for_file(struct sets *sets)
{
	_cleanup_json_ cJSON *status = NULL;
	_cleanup_free_ char *dir = NULL, *name = NULL, *path = NULL;

	if (control_ask(sets->socket, "status", &status) < 0 ||
	    record_get_text(status, "spool.path", &dir, NULL) < 0 ||
	    record_get_text(status, "spool.open", &name, NULL) < 0 || !*name)
		return;
	if (asprintf(&path, "%s/.%s.tmp", dir, name) < 0) {
		path = NULL;
		return;
	}
	if (sets->path && !strcmp(sets->path, path))
		return;
	cleanup_fclose(&sets->file);
	free(sets->path);
	sets->path = TAKE_PTR(path);
	sets->file = fopen(sets->path, "re");
	begin_file(sets);
}

static const cJSON *find_set(struct sets *sets, const char *hash)
{
	const struct timespec pause = {.tv_nsec = WAIT_MS * NS_PER_MS};
	const cJSON *set = find_known(sets, hash);

	for (int waited = 0; !set && waited < SETS_PATIENCE_MS; waited += WAIT_MS) {
		read_along(sets);
		set = find_known(sets, hash);
		if (set)
			break;
		look_for_file(sets);
		read_along(sets);
		set = find_known(sets, hash);
		if (!set && nanosleep(&pause, NULL) < 0)
			return NULL; /* interrupted: the user wants to leave */
	}
	/* Given up: the next record with it doesn't wait again. */
	if (!set && sets->count < SETS_MAX && cJSON_AddNullToObject(sets->known, hash))
		sets->count++;
	return cJSON_IsObject(set) ? set : NULL;
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
	const char *objects = cJSON_GetStringValue(record_get(run, "object_set"));
	const char *env = cJSON_GetStringValue(record_get(run, "env_set"));
	const cJSON *set = objects ? find_set(sets, objects) : NULL;

	/* Each is used at once: looking for the next may forget it. */
	if (!add_member(run, set, "objects", true))
		return -ENOMEM;
	set = env ? find_set(sets, env) : NULL;
	if (!add_member(run, set, "env", true) || !add_member(run, set, "env_b64", false))
		return -ENOMEM;
	return 0;
}
