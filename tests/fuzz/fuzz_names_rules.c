/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A rule file and a table of modules of any bytes, and in the last line a path: refused with a
 * reason, or read; the rule that is found takes the path by its pattern, and no rule before it
 * does.
 */
#include "ingest/names_glob.h"
#include "ingest/names_layout.h"
#include "ingest/names_modules.h"
#include "ingest/names_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[65536];

/* The span lies within path. */
static void check_within(struct bytes path, struct bytes part)
{
	if (part.data < path.data || part.len > path.len ||
	    part.data + part.len > path.data + path.len)
		abort();
}

static void check_rule(const struct names_rules *rules, struct bytes path)
{
	const char *slash = memrchr(path.data, '/', path.len);
	struct bytes name = path;
	struct names_rule found;

	if (!names_rules_find(rules, path, &found))
		return;
	if (slash)
		name = (struct bytes){slash + 1, path.len - (size_t)(slash + 1 - path.data)};
	if (!names_glob_takes(found.pattern,
			      memchr(found.pattern.data, '/', found.pattern.len) ? path : name))
		abort();
	if (found.name.len > NAMES_SOFTWARE_MAX || !found.line)
		abort();
}

static void check_module(const struct names_tree *tree, struct bytes path)
{
	struct bytes module;
	size_t len;

	if (!names_tree_find(tree, path, &module, &len))
		return;
	if (!names_module_is_good(module) || len > path.len ||
	    (len < path.len && path.data[len] != '/' && len > 1))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1);
	_cleanup_names_tree_ struct names_tree *tree = NULL;
	struct names_complaints complaints = {.out = fmemopen(text, sizeof(text), "w")};
	struct names_rules *rules = NULL;
	struct bytes name, version, path;
	const char *end;
	unsigned int count;

	memcpy(copy, data, size);
	end = memrchr(copy, '\n', size);
	path = (struct bytes){end ? end + 1 : copy, end ? size - (size_t)(end + 1 - copy) : size};
	if (names_rules_read("f", (struct bytes){copy, size}, &complaints, &rules) == 0)
		check_rule(rules, path);
	else if (!complaints.count)
		abort();
	count = complaints.count;
	if (names_table_read("f", (struct bytes){copy, size}, &complaints, &tree) == 0)
		check_module(tree, path);
	else if (complaints.count == count)
		abort();
	if (names_layout_of(path, &name, &version)) {
		check_within(path, name);
		check_within(path, version);
	}
	names_rules_free(rules);
	fclose(complaints.out);
	return 0;
}
