/* SPDX-License-Identifier: BSD-2-Clause */
/* What a link read: each file once, in the linker's order, with the ids of shared libraries. */
#include "report.h"

#include "depfile.h"
#include "inspect.h"

#include <time.h>
#include <xxhash.h>

/* Paths that are in the list already: a linker names a library each time it comes to it. */
struct path_set {
	uint64_t *hashes; /* 0: free; NULL: out of memory, each path is new */
	size_t mask;
};

/* len: bytes of the list that the paths stand in; two bytes a path are the least. */
static void path_set_init(struct path_set *set, size_t len)
{
	/* twice as many places as paths, so that a free one is always near */
	set->mask = MIN(len, (size_t)2 * REPORT_INPUTS_MAX) | 64;
	set->mask = ((size_t)1 << (64 - __builtin_clzl(set->mask))) - 1;
	set->hashes = calloc(set->mask + 1, sizeof(set->hashes[0]));
}

static bool path_set_add(struct path_set *set, const char *path)
{
	uint64_t hash = XXH3_64bits(path, strlen(path)) | 1;
	size_t i = hash >> 8;

	for (; set->hashes && set->hashes[i & set->mask]; i++)
		if (set->hashes[i & set->mask] == hash)
			return false;
	if (set->hashes)
		set->hashes[i & set->mask] = hash;
	return true;
}

struct input_list {
	struct json *array;
	const char **language; /* of the report */
	size_t max_bytes;
	struct path_set seen;
	const char *placeholder;
	size_t count, left_out, ids, unread_ids;
	uint64_t deadline_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void add_ids(struct input_list *list, int fd)
{
	struct elf_id id = {};

	if (list->ids++ >= REPORT_IDS_MAX || now_ns() > list->deadline_ns) {
		list->unread_ids++;
		return;
	}
	if (elf_id_read(fd, &id) < 0)
		list->unread_ids++;
	json_hex(list->array, "build_id", id.notes.build_id, id.notes.build_id_len);
	json_uuid(list->array, "watermark", note_is_stamped(&id.notes) ? id.notes.watermark : NULL);
}

/*
 * What a linker is given for each language, by any driver. A library that a driver for one language
 * names too doesn't count for it: g++ has libc, and gfortran libquadmath.
 */
static void look_for_language(struct input_list *list, const char *path)
{
	static const struct {
		const char *sign, *language;
	} signs[] = {
		{"/libstdc++.", "c++"},
		{"/libc++.", "c++"},
		{"/libgfortran.", "fortran"},
		{"/libflang", "fortran"},
		{"/libFortran", "fortran"},
		{"/libifcore", "fortran"},
		{"/libnvf.", "fortran"},
		{"/libgnat", "ada"},
		{".rlib", "rust"},
		{".rcgu.o", "rust"},
		{"/go.o", "go"},
		{"/libphobos", "d"},
		{"/libgphobos", "d"},
	};

	/* a driver's name that stands for more than C says more than a library */
	if (!*list->language || strcmp(*list->language, "c"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(path, signs[i].sign))
			*list->language = signs[i].language;
}

static bool add_input(void *arg, const char *path)
{
	struct input_list *list = arg;
	_cleanup_close_ int fd = -1;
	enum input_kind kind;

	if (!strcmp(path, list->placeholder))
		return true;
	look_for_language(list, path);
	if (list->count >= REPORT_INPUTS_MAX || list->array->len >= list->max_bytes) {
		list->left_out++;
		return true;
	}
	if (!path_set_add(&list->seen, path))
		return true;
	list->count++;
	kind = inspect_input(path, &fd);
	json_open(list->array, NULL, '{');
	json_text(list->array, "path", bytes_of(path));
	json_text(list->array, "kind", bytes_of(input_kind_names[kind]));
	if (kind == INPUT_SHARED)
		add_ids(list, fd);
	json_close(list->array, '}');
	return !list->array->failed;
}

static bool add_line_input(void *arg, const char *name, bool is_library)
{
	return is_library || add_input(arg, name);
}

void report_inputs(struct report *report, const struct report_result *result, size_t max_bytes,
		   struct json *ret)
{
	struct input_list list = {.array = ret,
				  .language = &report->language,
				  .max_bytes = max_bytes,
				  .placeholder = result->placeholder,
				  .deadline_ns = now_ns() + REPORT_IDS_NS};

	path_set_init(&list.seen, result->dependencies.len ?: SIZE_MAX);
	json_open(ret, NULL, '[');
	if (result->dependencies.len) {
		size_t passed_over = depfile_each(result->dependencies, add_input, &list);

		list.left_out += passed_over;
	} else {
		ldargs_each_input(result->tokens, result->token_count, add_line_input, &list);
		report_incomplete(report, "inputs: libraries missing, the linker lists none");
	}
	json_close(ret, ']');
	free(list.seen.hashes);
	if (list.left_out)
		report_incomplete(report, "inputs: cut at 20000 files, or at the size of a record");
	if (list.unread_ids)
		report_incomplete(report, "inputs: ids of some libraries were not read");
}
