/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two forms of one map, as Lmod 6.2 to 8.7 write them; an empty table is an array there:
 *
 *	{"reverseMapT": {"/apps/gcc/12/lib": "gcc/12", "/apps/mpi/lib": "openmpi/4(gcc/12)"}, ...}
 *	{"reverseMapT": {"/apps/mpi/lib": {"pkg": "openmpi/4", "flavor": ["default:gcc/12"],
 *			 "kind": "lib", "moduleFn": "..."}}, "timestampFn": false, "xlibmap": [...]}
 *
 * The first is made from the second by putting the first flavor, without "default" and a colon,
 * behind the module in parentheses (l_buildXALTrmapT of Lmod's spider); that is done here too, so
 * that a module is called the same whichever form a site has.
 */
#include "ingest/names_modules.h"
#include "ingest/names_json.h"

#include <errno.h>

#define SPIDER "it must be what Lmod's spider -o xalt_rmapT prints, whole; make it anew"

struct reading {
	struct names_json json;
	struct names_tree *tree;
	uint64_t skipped;
	char path[NAMES_JSON_TEXT_MAX];
	size_t path_len;
	char module[NAMES_JSON_TEXT_MAX + 16], flavor[NAMES_JSON_TEXT_MAX];
	size_t module_len, flavor_len;
};

static bool is_text(const struct names_json *json, const char *text)
{
	return !json->is_cut && json->len == strlen(text) && !memcmp(json->text, text, json->len);
}

static size_t keep_text(const struct names_json *json, char *to)
{
	if (json->is_cut)
		return 0;
	memcpy(to, json->text, json->len);
	return json->len;
}

/* Behind "flavor": its first text. */
static int read_flavor(struct reading *reading)
{
	struct names_json *json = &reading->json;
	int token = names_json_next(json);

	if (token != JSON_ARRAY)
		return token < 0 ? token : names_json_skip(json, token);
	token = names_json_next(json);
	if (token == JSON_STRING)
		reading->flavor_len = keep_text(json, reading->flavor);
	while (token >= 0 && token != JSON_ARRAY_END) {
		int r = names_json_skip(json, token);

		token = r < 0 ? r : names_json_next(json);
	}
	return token < 0 ? token : 0;
}

/* The second form's entry, behind its {. */
static int read_entry(struct reading *reading)
{
	struct names_json *json = &reading->json;
	int token, r = 0;

	while (r == 0 && (token = names_json_next(json)) != JSON_OBJECT_END) {
		if (token < 0)
			return token;
		if (is_text(json, "flavor")) {
			r = read_flavor(reading);
			continue;
		}
		if (is_text(json, "pkg")) {
			token = names_json_next(json);
			if (token == JSON_STRING)
				reading->module_len = keep_text(json, reading->module);
		} else {
			token = names_json_next(json);
		}
		r = token < 0 ? token : names_json_skip(json, token);
	}
	return r;
}

static void add_flavor(struct reading *reading)
{
	const char *flavor = reading->flavor;
	size_t len = reading->flavor_len;

	if (len >= 7 && !memcmp(flavor, "default", 7))
		flavor += 7, len -= 7;
	if (len && *flavor == ':')
		flavor++, len--;
	if (!len || !reading->module_len || reading->module_len + len + 2 > sizeof(reading->module))
		return;
	reading->module[reading->module_len] = '(';
	memcpy(reading->module + reading->module_len + 1, flavor, len);
	reading->module[reading->module_len + len + 1] = ')';
	reading->module_len += len + 2;
}

static int add_entry(struct reading *reading)
{
	struct bytes module = {reading->module, reading->module_len};
	int r;

	if (!names_module_is_good(module)) {
		reading->skipped++;
		return 0;
	}
	r = names_tree_add(reading->tree, (struct bytes){reading->path, reading->path_len}, module);
	if (r != -EINVAL && r != -EEXIST)
		return r;
	reading->skipped++;
	return 0;
}

/* Behind "reverseMapT". */
static int read_map(struct reading *reading)
{
	struct names_json *json = &reading->json;
	int token = names_json_next(json), r = 0;

	if (token != JSON_OBJECT)
		return token < 0 ? token : names_json_skip(json, token);
	while (r == 0 && (token = names_json_next(json)) != JSON_OBJECT_END) {
		if (token < 0)
			return token;
		reading->path_len = keep_text(json, reading->path);
		reading->module_len = reading->flavor_len = 0;
		token = names_json_next(json);
		if (token < 0)
			return token;
		if (token == JSON_OBJECT) {
			r = read_entry(reading);
			add_flavor(reading);
		} else if (token == JSON_STRING) {
			reading->module_len = keep_text(json, reading->module);
		} else {
			r = names_json_skip(json, token);
		}
		if (r == 0)
			r = add_entry(reading);
	}
	return r;
}

/* The whole file; *ret_has_map: whether there was one. */
static int read_file(struct reading *reading, bool *ret_has_map)
{
	struct names_json *json = &reading->json;
	int token = names_json_next(json), r = 0;

	if (token != JSON_OBJECT)
		return token < 0 ? token : -ENOENT;
	while (r == 0 && (token = names_json_next(json)) != JSON_OBJECT_END) {
		if (token < 0)
			return token;
		if (is_text(json, "reverseMapT")) {
			*ret_has_map = true;
			r = read_map(reading);
			continue;
		}
		token = names_json_next(json);
		r = token < 0 ? token : names_json_skip(json, token);
	}
	if (r < 0)
		return r;
	token = names_json_next(json);
	return token < 0 ? token : 0;
}

int names_spider_read(const char *file, FILE *in, struct names_complaints *complaints,
		      struct names_tree **ret, uint64_t *ret_skipped)
{
	_cleanup_names_tree_ struct names_tree *tree = NULL;
	_cleanup_free_ struct reading *reading = calloc(1, sizeof(*reading));
	bool has_map = false;
	int r = reading ? names_tree_new(&tree) : -ENOMEM;

	if (r < 0)
		return r;
	names_json_init(&reading->json, in, NAMES_SPIDER_FILE_MAX);
	reading->tree = tree;
	r = read_file(reading, &has_map);
	if (r == -ENOMEM)
		return r;
	if (r == -E2BIG)
		names_complain(complaints, file, reading->json.line,
			       "has more than %d different parts of paths", NAMES_TREE_NODES_MAX);
	else if (r < 0 && r != -ENOENT)
		names_complain(complaints, file, reading->json.line, "%s; " SPIDER,
			       reading->json.fault ?: "cannot be read");
	else if (!has_map)
		names_complain(complaints, file, 0, "has no \"reverseMapT\"; " SPIDER);
	if (r < 0 || !has_map)
		return -EINVAL;
	*ret = TAKE_PTR(tree);
	*ret_skipped = reading->skipped;
	return 0;
}
