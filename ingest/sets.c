/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sets: what many runs share. They go in before the runs that refer to them, in transactions of
 * their own and in the order of their hashes, so that loaders which bring the same sets at the same
 * time never wait for each other in a circle, and a file whose transaction fails leaves sets that
 * the next attempt finds. A set whose members are there is never touched again.
 *
 * Here is what a set is and how it is checked and put in; sets_load.c finds those of a file.
 */
#include "ingest/arena.h"
#include "ingest/convert.h"
#include "ingest/file.h"
#include "ingest/sets.h"
#include "common/text.h"

#include <errno.h>
#include <xxhash.h>

#define SET_MEMBERS_MAX 65536
#define ENV_NAME_MAX	255
#define KNOWN		TABLE_COUNT /* + table: cache of sets whose members are in */

/* A problem of member number i: its field becomes "objects[i].path". */
static int in_member(struct problem *problem, const char *field, size_t i)
{
	char inner[PROBLEM_FIELD_SIZE];

	memcpy(inner, problem->field, sizeof(inner));
	snprintf(problem->field, sizeof(problem->field), "%s[%zu]%s%.40s", field, i,
		 *inner ? "." : "", inner);
	return -EINVAL;
}

static int check_array(struct loader *loader, enum mapping_shape shape, const char *field,
		       const cJSON *members, struct problem *problem)
{
	const cJSON *member;
	size_t i = 0;

	if (!cJSON_IsArray(members))
		return problem_set(problem, field, "is not an array");
	cJSON_ArrayForEach (member, members) {
		int r;

		if (i == SET_MEMBERS_MAX)
			return problem_set(problem, field, "has more than %d members",
					   SET_MEMBERS_MAX);
		r = plan_read(loader->plans[shape], member, loader->values, problem);
		if (r == -EINVAL)
			return in_member(problem, field, i);
		if (r < 0)
			return r;
		i++;
	}
	return 0;
}

static int put_array(struct loader *loader, enum mapping_shape shape, const cJSON *members,
		     int64_t id)
{
	const struct plan *plan = loader->plans[shape];
	const struct table *table = mapping_shapes[shape].table;
	struct value row[MAPPING_COLUMNS_MAX];
	const cJSON *member;
	int64_t position = 0;

	cJSON_ArrayForEach (member, members) {
		struct problem problem;
		int r = plan_read(plan, member, loader->values, &problem);

		if (r == 0)
			r = plan_resolve(plan, loader->values, loader_entity, loader);
		if (r < 0)
			return r;
		loader->values[CONTEXT_SET] = value_integer(id);
		loader->values[CONTEXT_POSITION] = value_integer(position++);
		plan_row(plan, table, loader->values, row);
		r = loader->db->ops->insert(loader->db, table, INSERT_KEEP, row, NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_objects(struct loader *loader, const cJSON *record, const cJSON *members,
			 struct problem *problem)
{
	(void)record;
	return check_array(loader, SHAPE_OBJECT, "objects", members, problem);
}

static int put_objects(struct loader *loader, const cJSON *record, const cJSON *members, int64_t id)
{
	(void)record;
	return put_array(loader, SHAPE_OBJECT, members, id);
}

static int check_inputs(struct loader *loader, const cJSON *record, const cJSON *members,
			struct problem *problem)
{
	(void)record;
	return check_array(loader, SHAPE_INPUT, "inputs", members, problem);
}

static int put_inputs(struct loader *loader, const cJSON *record, const cJSON *members, int64_t id)
{
	(void)record;
	return put_array(loader, SHAPE_INPUT, members, id);
}

static const struct column env_value = {.field = "env", .name = "value", .kind = COLUMN_BYTES};

/* Exact bytes of one variable. */
static int get_variable(const cJSON *record, const cJSON *variable, struct value *ret,
			struct problem *problem)
{
	const cJSON *exact = cJSON_GetObjectItemCaseSensitive(record, "env_b64");

	if (exact)
		exact = cJSON_GetObjectItemCaseSensitive(exact, variable->string);
	return convert_field(&env_value, "env", variable, exact, ret, problem);
}

static int check_env(struct loader *loader, const cJSON *record, const cJSON *members,
		     struct problem *problem)
{
	const cJSON *variable;
	size_t count = 0;

	(void)loader;
	if (!cJSON_IsObject(members))
		return problem_set(problem, "env", "is not an object");
	cJSON_ArrayForEach (variable, members) {
		struct value value;
		int r = get_variable(record, variable, &value, problem);

		if (r < 0)
			return r;
		if (value.type == VALUE_NULL)
			return problem_set(problem, "env", "has a value that is not a text");
		if (!variable->string || strlen(variable->string) > ENV_NAME_MAX)
			return problem_set(problem, "env", "has a name longer than %d bytes",
					   ENV_NAME_MAX);
		if (count++ == SET_MEMBERS_MAX)
			return problem_set(problem, "env", "has more than %d members",
					   SET_MEMBERS_MAX);
	}
	return 0;
}

static int put_env(struct loader *loader, const cJSON *record, const cJSON *members, int64_t id)
{
	const struct table *names = mapping_tables[TABLE_ENV_NAME];
	const cJSON *variable;

	cJSON_ArrayForEach (variable, members) {
		struct value name = value_text(bytes_of(variable->string));
		struct value row[3];
		struct problem problem;
		int64_t name_id;
		int r = loader_entity(loader, names, &name, &name_id);

		if (r == 0)
			r = get_variable(record, variable, &row[2], &problem);
		if (r < 0)
			return r;
		row[0] = value_integer(id);
		row[1] = value_integer(name_id);
		r = loader->db->ops->insert(loader->db, mapping_tables[TABLE_ENV_SET_MEMBER],
					    INSERT_KEEP, row, NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static const struct set_kind set_kinds[] = {
	{"objects", TABLE_OBJECT_SET, check_objects, put_objects},
	{"env", TABLE_ENV_SET, check_env, put_env},
};
static const struct set_kind input_kind = {"inputs", TABLE_INPUT_SET, check_inputs, put_inputs};

int sets_get(const cJSON *record, struct set *ret, struct problem *problem)
{
	static const struct column hash = {.kind = COLUMN_HEX, .max = SET_HASH_SIZE};
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(record, "hash");
	struct value value;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(set_kinds); i++) {
		ret->members = cJSON_GetObjectItemCaseSensitive(record, set_kinds[i].field);
		ret->kind = &set_kinds[i];
		if (ret->members)
			break;
	}
	if (!ret->members)
		return problem_set(problem, "", "a set with neither objects nor env");
	r = convert_field(&hash, "hash", text, NULL, &value, problem);
	if (r < 0)
		return r;
	if (value.type == VALUE_NULL)
		return problem_set(problem, "hash", "is missing");
	memcpy(ret->hash, value.bytes.data, SET_HASH_SIZE);
	return 0;
}

int sets_get_inputs(const cJSON *record, struct set *ret)
{
	const cJSON *members = cJSON_GetObjectItemCaseSensitive(record, input_kind.field);
	XXH128_canonical_t hash;
	char *text;

	if (!members || cJSON_IsNull(members))
		return -ENOENT;
	text = cJSON_PrintUnformatted(members);
	if (!text)
		return -ENOMEM;
	XXH128_canonicalFromHash(&hash, XXH3_128bits(text, strlen(text)));
	ret->kind = &input_kind;
	ret->members = members;
	memcpy(ret->hash, hash.digest, SET_HASH_SIZE);
	return 0;
}

bool sets_is_known(struct loader *loader, const struct set *set, int64_t *ret_id)
{
	struct value key = value_bytes(set->hash, SET_HASH_SIZE);

	return cache_get(loader->cache, KNOWN + set->kind->set, &key, 1, ret_id);
}

void sets_set_known(struct loader *loader, const struct set *set, int64_t id)
{
	struct value key = value_bytes(set->hash, SET_HASH_SIZE);

	cache_put(loader->cache, KNOWN + set->kind->set, &key, 1, id);
	/* Runs that refer to it find it without asking, see loader_entity(). */
	cache_put(loader->cache, set->kind->set, &key, 1, id);
}

/* One that is there, perhaps since a run referred to it: whether its members are, too. */
static int find_set(struct loader *loader, const struct table *table, const struct value *row,
		    int64_t *ret_id, bool *ret_has_members)
{
	struct value found[MAPPING_COLUMNS_MAX];
	int r = loader_entity(loader, table, row, ret_id);

	if (r == 0)
		r = loader->db->ops->get(loader->db, table, *ret_id, found);
	if (r == 0)
		*ret_has_members = found[1].type != VALUE_NULL;
	return r;
}

int sets_put(struct loader *loader, const cJSON *record, const struct set *set, int64_t *ret_id)
{
	const struct table *table = mapping_tables[set->kind->set];
	const struct value row[2] = {value_bytes(set->hash, SET_HASH_SIZE),
				     value_integer(cJSON_GetArraySize(set->members))};
	bool is_new, has_members = false;
	int r = loader->db->ops->insert(loader->db, table, INSERT_KEEP, row, &is_new, ret_id);

	if (r == 0 && !is_new)
		r = find_set(loader, table, row, ret_id, &has_members);
	if (r < 0)
		return r;
	if (!has_members) {
		r = set->kind->put(loader, record, set->members, *ret_id);
		if (r == 0 && !is_new)
			r = loader->db->ops->update(loader->db, table, *ret_id, 1, 1, &row[1]);
		/* A refused member would leave half a set: that ends the transaction. */
		if (r < 0)
			return r == -EINVAL ? -EIO : r;
	}
	sets_set_known(loader, set, *ret_id);
	return 0;
}

int sets_load_line(struct loader *loader, const cJSON *record, struct problem *problem)
{
	struct set set;
	int64_t id;
	int r = sets_get(record, &set, problem);

	if (r < 0 || sets_is_known(loader, &set, &id))
		return r;
	/* The first reading has put it in, unless its line was written in a way that hides it. */
	r = set.kind->check(loader, record, set.members, problem);
	return r < 0 ? r : sets_put(loader, record, &set, &id);
}

int sets_inputs(struct loader *loader, const cJSON *record, struct value *ret,
		struct problem *problem)
{
	struct set set;
	int64_t id;
	int r = sets_get_inputs(record, &set);

	if (r == -ENOENT) {
		*ret = value_null();
		return 0;
	}
	if (r < 0)
		return r;
	if (!sets_is_known(loader, &set, &id)) {
		r = set.kind->check(loader, record, set.members, problem);
		if (r == 0)
			r = sets_put(loader, record, &set, &id);
		if (r < 0)
			return r;
	}
	*ret = value_integer(id);
	return 0;
}
