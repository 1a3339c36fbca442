/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of one kind come with their members in the same order, so the member behind the last one
 * that was found is tried first, and nearly always is it.
 */
#include "ingest/fields.h"

#include <errno.h>

#define NONE UINT8_MAX

struct node {
	char *name; /* of the member */
	char *path; /* from the root */
	uint8_t children[FIELDS_MAX];
	uint8_t child_count;
};

struct fields {
	struct node nodes[FIELDS_MAX];
	size_t count;
};

_Static_assert(FIELDS_MAX < NONE, "numbers of nodes are 8 bits");

static int add_node(struct fields *fields, const char *name, size_t name_len, const char *path,
		    size_t path_len)
{
	struct node *node = &fields->nodes[fields->count];

	if (fields->count == FIELDS_MAX)
		return -E2BIG;
	node->name = strndup(name, name_len);
	node->path = strndup(path, path_len);
	if (!node->name || !node->path) {
		free(node->name);
		free(node->path);
		return -ENOMEM;
	}
	return (int)fields->count++;
}

int fields_new(struct fields **ret)
{
	struct fields *fields = calloc(1, sizeof(*fields));
	int r;

	if (!fields)
		return -ENOMEM;
	r = add_node(fields, "", 0, "", 0);
	if (r < 0) {
		free(fields);
		return r;
	}
	*ret = fields;
	return 0;
}

void fields_free(struct fields *fields)
{
	if (!fields)
		return;
	for (size_t i = 0; i < fields->count; i++) {
		free(fields->nodes[i].name);
		free(fields->nodes[i].path);
	}
	free(fields);
}

static int find_child(const struct fields *fields, const struct node *parent, const char *name,
		      size_t len)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		const char *have = fields->nodes[parent->children[i]].name;

		if (!strncmp(have, name, len) && !have[len])
			return parent->children[i];
	}
	return -ENOENT;
}

int fields_add(struct fields *fields, const char *path)
{
	const char *name = path;
	int at = 0;

	while (*name) {
		size_t len = strcspn(name, ".");
		struct node *parent = &fields->nodes[at];

		at = find_child(fields, parent, name, len);
		if (at < 0) {
			at = add_node(fields, name, len, path, name + len - path);
			if (at < 0)
				return at;
			parent->children[parent->child_count++] = (uint8_t)at;
		}
		name += len + (name[len] == '.');
	}
	return at;
}

/* Index of the child with that name, counted on from hint; or child_count. */
static size_t match(const struct fields *fields, const struct node *node, const char *name,
		    size_t hint)
{
	for (size_t n = 0, i = hint; n < node->child_count; n++, i++) {
		if (i >= node->child_count)
			i = 0;
		if (!strcmp(fields->nodes[node->children[i]].name, name))
			return i;
	}
	return node->child_count;
}

static int find(const struct fields *fields, uint8_t at, const cJSON *object,
		const cJSON *found[FIELDS_MAX], const char **ret_path)
{
	const struct node *node = &fields->nodes[at];
	size_t hint = 0;
	int r;

	if (!cJSON_IsObject(object) && !cJSON_IsNull(object)) {
		*ret_path = node->path;
		return -EINVAL;
	}
	for (const cJSON *item = object->child; item; item = item->next) {
		size_t i =
			item->string ? match(fields, node, item->string, hint) : node->child_count;
		uint8_t child;

		if (i == node->child_count)
			continue;
		hint = i + 1;
		child = node->children[i];
		if (found[child])
			continue;
		found[child] = item;
		if (fields->nodes[child].child_count) {
			r = find(fields, child, item, found, ret_path);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int fields_find(const struct fields *fields, const cJSON *record, const cJSON *found[FIELDS_MAX],
		const char **ret_path)
{
	memset(found, 0, fields->count * sizeof(*found));
	found[0] = record;
	return find(fields, 0, record, found, ret_path);
}
