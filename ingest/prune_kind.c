/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a run, a group, a link tells of a person, and what is put in its place. */
#include "ingest/prune_kind.h"

#include <errno.h>

static void set_text(struct value *value, char *text, size_t len)
{
	free((char *)value->bytes.data);
	value->bytes = (struct bytes){text, len};
}

/* 0 stands for nothing. */
static int map_id(struct prune *prune, struct value *value,
		  int (*twin)(struct prune *prune, int64_t id, int64_t *ret))
{
	int64_t id;
	int r;

	if (value->type == VALUE_NULL)
		return 0;
	r = twin(prune, value->integer, &id);
	if (r == 0)
		*value = id ? value_integer(id) : value_null();
	return r;
}

static int map_program(struct prune *prune, struct value *value)
{
	return map_id(prune, value, prune_twin_program);
}

static int map_object_set(struct prune *prune, struct value *value)
{
	return map_id(prune, value, prune_twin_object_set);
}

static int map_input_set(struct prune *prune, struct value *value)
{
	return map_id(prune, value, prune_twin_input_set);
}

static int map_path(struct prune *prune, struct value *value)
{
	return map_id(prune, value, prune_twin_path);
}

/* A container's image: a path, or a name with slashes. */
static int map_image(struct prune *prune, struct value *value)
{
	char pseudonym[PSEUDONYM_PATH_SIZE];
	char *copy;

	if (value->type == VALUE_NULL || !pseudonym_of_path(&prune->rules, value->bytes, pseudonym))
		return 0;
	copy = strdup(pseudonym);
	if (!copy)
		return -ENOMEM;
	set_text(value, copy, strlen(copy));
	return 0;
}

/* Reasons are sentences of ours, but a link's come from its user. */
static int map_incomplete(struct prune *prune, struct value *value)
{
	static const char said[] = "[\"incomplete: the reasons were pseudonymised\"]";
	char *copy;

	if (value->type == VALUE_NULL || !(memchr(value->bytes.data, '/', value->bytes.len) ||
					   pseudonym_names_somebody(&prune->rules, value->bytes)))
		return 0;
	copy = strdup(said);
	if (!copy)
		return -ENOMEM;
	set_text(value, copy, strlen(said));
	return 0;
}

/* LOADEDMODULES, without the members that name somebody. */
static int map_modules(struct prune *prune, struct value *value)
{
	size_t len = value->bytes.len, used = 0;
	char *copy;

	if (value->type == VALUE_NULL || !pseudonym_names_somebody(&prune->rules, value->bytes))
		return 0;
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	for (size_t from = 0, to; from < len; from = to + 1) {
		struct bytes module;

		for (to = from; to < len && value->bytes.data[to] != ':'; to++)
			;
		module = (struct bytes){value->bytes.data + from, to - from};
		if (pseudonym_names_somebody(&prune->rules, module))
			continue;
		if (used)
			copy[used++] = ':';
		memcpy(copy + used, module.data, module.len);
		used += module.len;
	}
	set_text(value, copy, used);
	return 0;
}

#define IMAGE                                                                                      \
	{"program", map_program, "program"}, {"object_set", map_object_set, "object_set"},         \
		{"env_set", NULL, "env_set"}, {"cgroup", NULL, "cgroup"},                          \
		{"container_image", map_image, NULL},                                              \
	{                                                                                          \
		"incomplete", map_incomplete, NULL                                                 \
	}

const struct prune_kind prune_kinds[PRUNE_KINDS] = {
	[PRUNE_RUN] = {.table = "run",
		       .id = "run_id",
		       .time = "start_us",
		       .text = {"run_text"},
		       .more = {"run_xalt"},
		       .has_packages = true,
		       .uids = "uid = NULL, euid = NULL, gid = NULL, login_uid = NULL",
		       .columns = {IMAGE},
		       .refers = {"user", "user_name", "job", "job", "container", "container"}},
	[PRUNE_GROUP] = {.table = "run_group",
			 .id = "group_id",
			 .time = "start_us",
			 .text = {"run_group_text"},
			 .uids = "uid = NULL, euid = NULL, gid = NULL",
			 .columns = {IMAGE},
			 .refers = {"user", "user_name", "job", "job", "container", "container"}},
	[PRUNE_LINK] = {.table = "link",
			.id = "link_id",
			.time = "time_us",
			.text = {"link_text"},
			.more = {"link_xalt"},
			.uids = "uid = NULL, gid = NULL",
			.columns = {{"output", map_path, "path"},
				    {"linker", map_path, "path"},
				    {"driver", map_path, "path"},
				    {"input_set", map_input_set, "input_set"},
				    {"cgroup", NULL, "cgroup"},
				    {"modules", map_modules, NULL},
				    {"incomplete", map_incomplete, NULL}},
			.refers = {"user", "user_name", "job", "job"}},
};

size_t prune_column_count(const struct prune_kind *kind)
{
	size_t count = 0;

	while (count < PRUNE_COLUMNS_MAX && kind->columns[count].name)
		count++;
	return count;
}

void prune_put_columns(FILE *out, const struct prune_kind *kind)
{
	for (size_t i = 0; i < prune_column_count(kind); i++)
		fprintf(out, ", %s", kind->columns[i].name);
}
