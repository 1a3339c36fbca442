/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which link made a program: one with its watermark whose build-id doesn't contradict; of a program
 * without a watermark, one with its build-id. Watermarks can be copied and several links may have
 * made the same bytes (reproducible builds): those where both agree come before those that know no
 * build-id, and of these the last tells compiler and linker; whoever made one of them is a builder.
 */
#include "cli/report_names.h"
#include <errno.h>

#define SYSTEM_UIDS 1000 /* below: accounts of the system, not of persons */

enum link_column {
	WATERMARK,
	BUILD_ID,
	COMPILER,
	COMPILER_VERSION,
	LINKER,
	LINKER_VERSION,
	USER,
	UID,
	TIME
};

#define LINKS                                                                                      \
	"SELECT l.watermark, l.build_id, l.compiler_name, l.compiler_version, k.name, "            \
	"l.linker_version, l.user, l.uid, l.time_us FROM link l "                                  \
	"LEFT JOIN path k ON k.id = l.linker WHERE "

struct wanted {
	struct bytes key; /* watermark or build-id */
	uint32_t program;
};

struct search {
	struct report_names *names;
	struct wanted *wanted; /* by key */
	size_t count;
	int key_column;
};

static int compare_bytes(struct bytes a, struct bytes b)
{
	int order = memcmp(a.data, b.data, MIN(a.len, b.len));

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_wanted(const void *a, const void *b)
{
	return compare_bytes(((const struct wanted *)a)->key, ((const struct wanted *)b)->key);
}

/* "GCC 12.2.0" */
static int join_version(struct report_names *names, struct report_program *program)
{
	struct bytes name = labels_get(&names->labels, program->compiler);
	struct bytes version = labels_get(&names->labels, program->version);
	_cleanup_free_ char *text = NULL;

	if (!name.data || !version.data) {
		program->compiled = program->compiler;
		return 0;
	}
	if (asprintf(&text, "%.*s %.*s", (int)name.len, name.data, (int)version.len, version.data) <
	    0) {
		text = NULL;
		return -ENOMEM;
	}
	return labels_add(&names->labels, bytes_of(text), &program->compiled);
}

static int take_texts(struct report_names *names, struct report_program *program, struct query *row)
{
	const struct {
		int column;
		uint32_t *label;
	} texts[] = {
		{COMPILER, &program->compiler},
		{COMPILER_VERSION, &program->version},
		{LINKER, &program->linker},
		{LINKER_VERSION, &program->linker_version},
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
		r = labels_add(&names->labels, report_column_bytes(row, texts[i].column),
			       texts[i].label);
	program->link_time_us = query_int(row, TIME);
	return r < 0 ? r : join_version(names, program);
}

static int take_builder(struct report_names *names, struct report_program *program,
			struct query *row)
{
	int64_t uid = query_is_null(row, UID) ? -1 : query_int(row, UID);
	uint32_t user;
	int r = report_names_user(names, query_is_null(row, USER) ? 0 : query_int(row, USER), uid,
				  &user);

	if (r < 0)
		return r;
	if (uid >= 0 && uid < SYSTEM_UIDS)
		program->is_built_by_system = true;
	return ids_add(&program->builders, names->users[user].person);
}

static int take_for(struct report_names *names, uint32_t number, bool by_watermark,
		    struct query *row)
{
	struct report_program *program = &names->programs[number];
	struct bytes build_id = report_column_bytes(row, BUILD_ID);
	enum report_link link = LINK_BY_WATERMARK;
	int r;

	if (build_id.len && program->build_id.len) {
		if (compare_bytes(build_id, program->build_id) != 0)
			return 0;
		link = LINK_VERIFIED;
	}
	if (!by_watermark && link != LINK_VERIFIED)
		return 0;
	if (link < program->link)
		return 0;
	if (link > program->link) {
		program->builders.count = 0;
		program->is_built_by_system = false;
		program->link_time_us = INT64_MIN;
		program->link = link;
	}
	r = take_builder(names, program, row);
	if (r >= 0 && query_int(row, TIME) > program->link_time_us)
		r = take_texts(names, program, row);
	return r;
}

static int take_link(void *arg, struct query *row)
{
	struct search *search = arg;
	struct bytes key = query_bytes(row, search->key_column);
	size_t low = 0, high = search->count;
	int r = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_bytes(search->wanted[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; r >= 0 && low < search->count && !compare_bytes(search->wanted[low].key, key); low++)
		r = take_for(search->names, search->wanted[low].program,
			     search->key_column == WATERMARK, row);
	return r;
}

/* Programs from first on that go by that key. */
static int look_up(struct report_names *names, uint32_t first, int key_column, const char *sql)
{
	size_t room = names->program_index.count - first, kept = 0;
	struct search search = {.names = names, .key_column = key_column};
	_cleanup_free_ struct wanted *wanted = calloc(room + 1, sizeof(*wanted));
	_cleanup_free_ struct bytes *keys = calloc(room + 1, sizeof(*keys));

	if (!wanted || !keys)
		return -ENOMEM;
	for (uint32_t i = first; i < names->program_index.count; i++) {
		const struct report_program *program = &names->programs[i];
		struct bytes key = key_column == WATERMARK ? program->watermark : program->build_id;

		if (key.len && (key_column == WATERMARK || !program->watermark.len))
			wanted[search.count++] = (struct wanted){key, i};
	}
	qsort(wanted, search.count, sizeof(*wanted), compare_wanted);
	for (size_t i = 0; i < search.count; i++)
		if (!kept || compare_bytes(keys[kept - 1], wanted[i].key) != 0)
			keys[kept++] = wanted[i].key;
	search.wanted = wanted;
	return report_ask_blobs(names->store, sql, keys, kept, take_link, &search);
}

int report_links_look_up(struct report_names *names, uint32_t first)
{
	int r = look_up(names, first, WATERMARK, LINKS "l.watermark IN (" REPORT_IN ")");

	if (r >= 0)
		r = look_up(names, first, BUILD_ID, LINKS "l.build_id IN (" REPORT_IN ")");
	for (uint32_t i = first; i < names->program_index.count; i++)
		ids_sort(&names->programs[i].builders);
	return r;
}
