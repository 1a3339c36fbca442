/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node is a path component and its parent, found by one hash of both; so that a search is one
 * look-up a component, and ends with the first that nobody has. Names are nodes too, of a parent of
 * their own. Hundreds of thousands of directories share most of their components, and stay small.
 */
#include "ingest/names_tree.h"

#include <errno.h>
#include <xxhash.h>

#define COMPONENT_MAX 4096
#define ROOT	      0		 /* node of "/" */
#define NAMES	      UINT32_MAX /* parent of names */

struct node {
	uint32_t parent, name; /* name: a node, ROOT if there is none */
	uint32_t offset;       /* of its component in bytes */
	uint16_t len;
};

struct names_tree {
	struct node *nodes;
	uint32_t *slots; /* numbers of nodes, 0: free */
	char *bytes;
	size_t count, size, used, bytes_size, paths;
};

_Static_assert(COMPONENT_MAX <= UINT16_MAX, "a node's len");

/* Twice as many nodes as before; slots are twice the nodes, a power of two. */
static int grow_nodes(struct names_tree *tree)
{
	size_t size = tree->size ? 2 * tree->size : 1024, mask = 2 * size - 1;
	struct node *nodes = reallocarray(tree->nodes, size, sizeof(*nodes));
	uint32_t *slots;

	if (!nodes)
		return -ENOMEM;
	tree->nodes = nodes;
	slots = calloc(2 * size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t i = ROOT + 1; i < tree->count; i++) {
		const struct node *node = &nodes[i];
		size_t at =
			XXH3_64bits_withSeed(tree->bytes + node->offset, node->len, node->parent) &
			mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = i;
	}
	free(tree->slots);
	tree->slots = slots;
	tree->size = size;
	return 0;
}

static int grow_bytes(struct names_tree *tree, size_t more)
{
	size_t size = MAX(tree->bytes_size, (size_t)4096);
	char *bytes;

	while (size - tree->used < more)
		size *= 2;
	if (size == tree->bytes_size)
		return 0;
	bytes = realloc(tree->bytes, size);
	if (!bytes)
		return -ENOMEM;
	tree->bytes = bytes;
	tree->bytes_size = size;
	return 0;
}

int names_tree_new(struct names_tree **ret)
{
	struct names_tree *tree = calloc(1, sizeof(*tree));

	if (!tree || grow_nodes(tree) < 0) {
		names_tree_free(tree);
		return -ENOMEM;
	}
	tree->nodes[ROOT] = (struct node){};
	tree->count = 1;
	*ret = tree;
	return 0;
}

void names_tree_free(struct names_tree *tree)
{
	if (tree) {
		free(tree->nodes);
		free(tree->slots);
		free(tree->bytes);
	}
	free(tree);
}

/* The slot that has it, or the free one where it belongs. */
static uint32_t *find_slot(const struct names_tree *tree, uint32_t parent, struct bytes text)
{
	size_t mask = 2 * tree->size - 1;
	size_t at = XXH3_64bits_withSeed(text.data, text.len, parent) & mask;

	for (;; at = (at + 1) & mask) {
		const struct node *node = &tree->nodes[tree->slots[at]];

		if (!tree->slots[at] || (node->parent == parent && node->len == text.len &&
					 !memcmp(tree->bytes + node->offset, text.data, text.len)))
			return &tree->slots[at];
	}
}

static int get_or_add(struct names_tree *tree, uint32_t parent, struct bytes text, uint32_t *ret)
{
	uint32_t *slot = find_slot(tree, parent, text);
	int r;

	if (*slot) {
		*ret = *slot;
		return 0;
	}
	if (text.len > COMPONENT_MAX)
		return -EINVAL;
	if (tree->count == NAMES_TREE_NODES_MAX || NAMES_TREE_BYTES_MAX - tree->used < text.len)
		return -E2BIG;
	r = grow_bytes(tree, text.len);
	if (r == 0 && tree->count == tree->size)
		r = grow_nodes(tree);
	if (r < 0)
		return r;
	memcpy(tree->bytes + tree->used, text.data, text.len);
	tree->nodes[tree->count] = (struct node){
		.parent = parent, .offset = (uint32_t)tree->used, .len = (uint16_t)text.len};
	tree->used += text.len;
	*ret = *find_slot(tree, parent, text) = (uint32_t)tree->count++;
	return 0;
}

/* The next component of path from *at on, which goes on behind it. False at the end. */
static bool next_component(struct bytes path, size_t *at, struct bytes *ret)
{
	size_t begin = *at;

	while (begin < path.len && path.data[begin] == '/')
		begin++;
	*at = begin;
	while (*at < path.len && path.data[*at] != '/')
		++*at;
	*ret = (struct bytes){path.data + begin, *at - begin};
	return ret->len;
}

int names_tree_add(struct names_tree *tree, struct bytes path, struct bytes name)
{
	uint32_t node = ROOT, named;
	struct bytes component;
	size_t at = 0;
	int r;

	if (!path.len || *path.data != '/' || !name.len)
		return -EINVAL;
	while (next_component(path, &at, &component)) {
		r = get_or_add(tree, node, component, &node);
		if (r < 0)
			return r;
	}
	r = get_or_add(tree, NAMES, name, &named);
	if (r < 0)
		return r;
	if (tree->nodes[node].name)
		return tree->nodes[node].name == named ? 0 : -EEXIST;
	tree->nodes[node].name = named;
	tree->paths++;
	return 0;
}

bool names_tree_find(const struct names_tree *tree, struct bytes path, struct bytes *ret_name,
		     size_t *ret_len)
{
	uint32_t node = ROOT, found = ROOT;
	struct bytes component;
	size_t at = 0, len = 1;

	if (!path.len || *path.data != '/')
		return false;
	found = tree->nodes[ROOT].name;
	while (next_component(path, &at, &component)) {
		node = *find_slot(tree, node, component);
		if (!node)
			break;
		if (tree->nodes[node].name) {
			found = tree->nodes[node].name;
			len = at;
		}
	}
	if (!found)
		return false;
	*ret_name = (struct bytes){tree->bytes + tree->nodes[found].offset, tree->nodes[found].len};
	*ret_len = len;
	return true;
}

size_t names_tree_count(const struct names_tree *tree)
{
	return tree->paths;
}
