/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts the link record together. Memory running out loses the record, never the link. */
#include "report.h"

#include "common/id.h"
#include "common/message.h"
#include "common/text.h"
#include "depfile.h"

#include <elf.h>
#include <errno.h>
#include <time.h>
#include <xxhash.h>

static void note_incomplete(struct report *report, const char *text)
{
	cJSON_AddItemToArray(report->incomplete, cJSON_CreateString(text));
}

/* An array of the texts in data (NUL behind each), as name in object. */
static bool add_text_list(cJSON *object, const char *name, struct bytes data, size_t max)
{
	_cleanup_free_ struct bytes *items = NULL;
	size_t count = 0, i = 0;

	for (size_t pos = 0; pos < data.len && count < max; count++)
		pos += strnlen(data.data + pos, data.len - pos) + 1;
	items = calloc(count + 1, sizeof(items[0]));
	if (!items)
		return false;
	for (size_t pos = 0; i < count; i++) {
		items[i] =
			(struct bytes){data.data + pos, strnlen(data.data + pos, data.len - pos)};
		pos += items[i].len + 1;
	}
	return record_add_texts(object, name, items, count);
}

static bool add_link_line(struct report *report, int argc, char *const *argv)
{
	_cleanup_free_ struct bytes *items = calloc((size_t)argc + 1, sizeof(items[0]));
	size_t count = 0, bytes = 0;

	if (!items)
		return false;
	for (; count < (size_t)argc && bytes <= REPORT_LINE_MAX; count++) {
		items[count] = bytes_of(argv[count]);
		bytes += items[count].len + 1;
	}
	if (bytes > REPORT_LINE_MAX) {
		count--;
		note_incomplete(report, "link_line: cut at 262144 bytes");
	}
	return record_add_texts(report->record, "link_line", items, count);
}

static bool add_driver(struct report *report)
{
	struct driver *driver = &report->driver;
	cJSON *object;

	report->has_driver = driver_find(getppid(), driver) == 0;
	if (!report->has_driver)
		return record_add_null(report->record, "driver");
	object = cJSON_AddObjectToObject(report->record, "driver");
	if (driver->is_cut)
		note_incomplete(report, "driver.argv: cut at 65536 bytes");
	return object &&
	       record_add_text(object, "path",
			       driver->path[0] ? bytes_of(driver->path) : (struct bytes){}) &&
	       add_text_list(object, "argv",
			     (struct bytes){driver->arguments, driver->arguments_len}, SIZE_MAX);
}

static bool add_cwd(struct report *report)
{
	char cwd[PATH_MAX];

	/* a folder that is gone or out of sight has no path */
	if (getcwd(cwd, sizeof(cwd)) && cwd[0] == '/')
		return record_add_text(report->record, "cwd", bytes_of(cwd));
	note_incomplete(report, "cwd: it has no path");
	return record_add_null(report->record, "cwd");
}

int report_begin(const struct linker_found *linker, int argc, char *const *argv,
		 struct report *report)
{
	uuid_t id;

	*report = (struct report){.linker = linker};
	report->record = cJSON_CreateObject();
	report->incomplete = cJSON_CreateArray();
	if (!report->record || !report->incomplete)
		return -ENOMEM;
	/* the time zone's file is read with the first time that is written: now, not after the link
	 */
	tzset();
	id_new(id);
	if (!linker_version(linker, report->linker_version))
		report->linker_version[0] = '\0';
	if (!record_add_text(report->record, "schema", bytes_of(RECORD_SCHEMA("link"))) ||
	    !record_add_uuid(report->record, "link_id", id) || !add_link_line(report, argc, argv) ||
	    !add_driver(report) || !add_cwd(report) ||
	    !record_add_text(report->record, "modules", bytes_of(getenv("LOADEDMODULES"))))
		return -ENOMEM;
	return 0;
}

void report_done(struct report *report)
{
	if (report->has_driver)
		driver_done(&report->driver);
	cJSON_Delete(report->record);
	cJSON_Delete(report->incomplete);
	*report = (struct report){};
}

static bool add_build_id(cJSON *object, const struct note_ids *ids)
{
	char hex[2 * NOTE_BUILD_ID_MAX + 1];

	if (!ids->build_id_len)
		return record_add_null(object, "build_id");
	text_to_hex(ids->build_id, ids->build_id_len, hex);
	return record_add_text(object, "build_id", bytes_of(hex));
}

static const char *output_type(const struct elf_id *id, const struct ldargs *args)
{
	if (args->is_shared)
		return "shared";
	if (id->type == ET_DYN)
		return id->has_interp ? "pie" : "static"; /* static-pie, else */
	return id->is_dynamic ? "exec" : "static";
}

static bool add_output(struct report *report, const struct report_result *result)
{
	cJSON *object = cJSON_AddObjectToObject(report->record, "output");
	const struct stamp *stamp = result->stamp;
	char link[32], path[PATH_MAX];
	ssize_t len;

	/* the kernel knows the whole path, also where folders above can't be read */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", result->fd);
	len = readlink(link, path, sizeof(path));
	if (len <= 0 || (size_t)len == sizeof(path) || path[0] != '/') {
		len = snprintf(path, sizeof(path), "%s", result->output);
		note_incomplete(report, "output.path: as on the link line");
	}
	return object && record_add_text(object, "path", (struct bytes){path, (size_t)len}) &&
	       add_build_id(object, &stamp->id.notes) &&
	       record_add_number(object, "size", (double)stamp->size) &&
	       record_add_text(object, "type", bytes_of(output_type(&stamp->id, result->args)));
}

static bool add_linker(struct report *report, struct bytes comment)
{
	cJSON *object = cJSON_AddObjectToObject(report->record, "linker");
	char *version = report->linker_version;
	bool has_version = linker_version_from_comment(comment, version) || version[0];

	if (!has_version)
		note_incomplete(report, "linker.version: the linker doesn't tell");
	return object && record_add_text(object, "path", bytes_of(report->linker->path)) &&
	       record_add_text(object, "version", bytes_of(has_version ? version : NULL));
}

static bool add_compiler(struct report *report, struct bytes comment)
{
	struct compiler compiler;
	cJSON *object;

	if (!add_text_list(report->record, "compilers", comment, 1000))
		return false;
	if (!compiler_from_comment(
		    comment, report->has_driver ? report->driver.comment_start : NULL, &compiler))
		return record_add_null(report->record, "compiler");
	object = cJSON_AddObjectToObject(report->record, "compiler");
	return object && record_add_text(object, "name", bytes_of(compiler.name)) &&
	       record_add_text(object, "version",
			       bytes_of(compiler.version[0] ? compiler.version : NULL)) &&
	       record_add_text(object, "text", bytes_of(compiler.text));
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

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
	cJSON *array;
	struct path_set seen;
	const char *placeholder;
	size_t count, left_out, ids, unread_ids;
	uint64_t deadline_ns;
	bool failed;
};

static bool add_ids(struct input_list *list, cJSON *object, int fd)
{
	struct elf_id id = {};

	if (list->ids++ >= REPORT_IDS_MAX || now_ns(CLOCK_MONOTONIC) > list->deadline_ns) {
		list->unread_ids++;
		return true;
	}
	if (elf_id_read(fd, &id) < 0)
		list->unread_ids++;
	return add_build_id(object, &id.notes) &&
	       record_add_uuid(object, "watermark",
			       note_is_stamped(&id.notes) ? id.notes.watermark : NULL);
}

static bool add_input(void *arg, const char *path)
{
	struct input_list *list = arg;
	_cleanup_close_ int fd = -1;
	enum input_kind kind;
	cJSON *object;

	if (!strcmp(path, list->placeholder))
		return true;
	if (list->count >= REPORT_INPUTS_MAX) {
		list->left_out++;
		return true;
	}
	if (!path_set_add(&list->seen, path))
		return true;
	list->count++;
	kind = inspect_input(path, &fd);
	object = cJSON_CreateObject();
	if (!cJSON_AddItemToArray(list->array, object) ||
	    !record_add_text(object, "path", bytes_of(path)) ||
	    !record_add_text(object, "kind", bytes_of(input_kind_names[kind])) ||
	    (kind == INPUT_SHARED && !add_ids(list, object, fd)))
		list->failed = true;
	return !list->failed;
}

static bool add_line_input(void *arg, const char *name, bool is_library)
{
	return is_library || add_input(arg, name);
}

static bool add_inputs(struct report *report, const struct report_result *result)
{
	struct input_list list = {.placeholder = result->placeholder,
				  .deadline_ns = now_ns(CLOCK_MONOTONIC) + REPORT_IDS_NS};

	list.array = cJSON_AddArrayToObject(report->record, "inputs");
	if (!list.array)
		return false;
	path_set_init(&list.seen, result->dependencies.len ?: SIZE_MAX);
	if (result->dependencies.len) {
		list.left_out = depfile_each(result->dependencies, add_input, &list);
	} else {
		ldargs_each_input(result->tokens, result->token_count, add_line_input, &list);
		note_incomplete(report, "inputs: libraries missing, the linker lists none");
	}
	free(list.seen.hashes);
	if (list.left_out)
		note_incomplete(report, "inputs: cut at 20000 files");
	if (list.unread_ids)
		note_incomplete(report, "inputs: ids of some libraries were not read");
	return !list.failed;
}

/* What doesn't fit a message goes: objects first, the longest list and the least telling one. */
static char *print_within(struct report *report, size_t *ret_len)
{
	static const char *const parts[] = {NULL, "inputs", "link_line", "driver"};
	char *line = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char text[64];

		if (parts[i]) {
			snprintf(text, sizeof(text), "%s: too long", parts[i]);
			cJSON_ReplaceItemInObjectCaseSensitive(report->record, parts[i],
							       cJSON_CreateNull());
			cJSON_AddItemToArray(
				cJSON_GetObjectItemCaseSensitive(report->record, "incomplete"),
				cJSON_CreateString(text));
		}
		free(line);
		line = record_print(report->record, ret_len);
		if (!line || *ret_len <= MESSAGE_MAX)
			break;
	}
	return line;
}

char *report_finish(struct report *report, const struct report_result *result, size_t *ret_len)
{
	const struct stamp *stamp = result->stamp;
	char comment[REPORT_COMMENT_MAX], text[128];
	ssize_t len = elf_id_comment(result->fd, comment, sizeof(comment));
	struct bytes compilers = {comment, len > 0 ? (size_t)len : 0};
	uint64_t elapsed_ns;

	if (stamp_state_texts[stamp->state]) {
		snprintf(text, sizeof(text), "watermark: %s", stamp_state_texts[stamp->state]);
		note_incomplete(report, text);
	}
	if (!record_add_uuid(report->record, "watermark",
			     stamp->state == STAMP_DONE ? stamp->watermark : NULL) ||
	    !add_output(report, result) || !add_linker(report, compilers) ||
	    !add_compiler(report, compilers) || !add_inputs(report, result))
		return NULL;
	elapsed_ns = now_ns(CLOCK_MONOTONIC) - result->began_ns;
	if (!record_add_time(report->record, "time", now_ns(CLOCK_REALTIME)) ||
	    !record_add_number(report->record, "elapsed_s", (double)elapsed_ns / NS_PER_S) ||
	    !record_add_number(report->record, "own_s",
			       (double)(elapsed_ns - MIN(elapsed_ns, result->linker_ns)) /
				       NS_PER_S) ||
	    !cJSON_AddItemToObject(report->record, "incomplete", report->incomplete))
		return NULL;
	report->incomplete = NULL;
	return print_within(report, ret_len);
}
