/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths to names, asked for the longest path that another one is or is below: /apps/gcc/12 is above
 * /apps/gcc/12/bin/gcc, and not above /apps/gcc/12.2.
 */
#pragma once

#include "common/util.h"

#define NAMES_TREE_NODES_MAX (1024 * 1024)	/* path components and names */
#define NAMES_TREE_BYTES_MAX (32 * 1024 * 1024) /* of them */

struct names_tree;

int names_tree_new(struct names_tree **ret);
void names_tree_free(struct names_tree *tree);

static inline void cleanup_names_tree(struct names_tree **tree)
{
	names_tree_free(*tree);
}
#define _cleanup_names_tree_ _cleanup_(cleanup_names_tree)

/*
 * path: absolute; slashes at its end or several in a row count as one. name: not empty; kept once,
 * however many paths have it. 0; -EEXIST if the path has another name, which stays; -E2BIG over
 * the limits; -EINVAL if path is not absolute or has a component of more than 4096 bytes; -ENOMEM.
 */
int names_tree_add(struct names_tree *tree, struct bytes path, struct bytes name);

/* False if there is none. *ret_len: bytes of path that were found. The name lives as the tree does.
 */
bool names_tree_find(const struct names_tree *tree, struct bytes path, struct bytes *ret_name,
		     size_t *ret_len);

/* Paths that have a name. */
size_t names_tree_count(const struct names_tree *tree);
