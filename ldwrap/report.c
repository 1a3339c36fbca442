/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts the link record together. Memory running out loses the record, never the link. */
#include "report.h"

#include "common/id.h"
#include "common/message.h"

#include <elf.h>
#include <errno.h>
#include <time.h>

void report_incomplete(struct report *report, const char *text)
{
	if (report->incomplete_count < REPORT_INCOMPLETE_MAX)
		report->incomplete[report->incomplete_count++] = text;
}

/* The texts in data, NUL behind each, as an array. */
static void add_list(struct json *json, const char *name, struct bytes data)
{
	_cleanup_free_ struct bytes *items = NULL;
	size_t count = 0, pos = 0;

	for (; pos < data.len; count++)
		pos += strnlen(data.data + pos, data.len - pos) + 1;
	items = calloc(count + 1, sizeof(items[0]));
	if (!items) {
		json->failed = true;
		return;
	}
	pos = 0;
	for (size_t i = 0; i < count; i++) {
		items[i].data = data.data + pos;
		items[i].len = strnlen(items[i].data, data.len - pos);
		pos += items[i].len + 1;
	}
	json_texts(json, name, items, count);
}

static void add_link_line(struct report *report, int argc, char *const *argv)
{
	_cleanup_free_ struct bytes *items = calloc((size_t)argc + 1, sizeof(items[0]));
	size_t count = 0, bytes = 0;

	if (!items) {
		report->record.failed = true;
		return;
	}
	for (; count < (size_t)argc && bytes <= REPORT_LINE_MAX; count++) {
		items[count] = bytes_of(argv[count]);
		bytes += items[count].len + 1;
	}
	if (bytes > REPORT_LINE_MAX) {
		count--;
		report_incomplete(report, "link_line: cut at 262144 bytes");
	}
	json_texts(&report->record, "link_line", items, count);
}

static void add_driver(struct report *report)
{
	struct json *record = &report->record;
	struct driver *driver = &report->driver;

	report->has_driver = driver_find(getppid(), driver) == 0;
	if (!report->has_driver) {
		json_null(record, "driver");
		return;
	}
	json_open(record, "driver", '{');
	json_text(record, "path", bytes_of(driver->path[0] ? driver->path : NULL));
	add_list(record, "argv", (struct bytes){driver->arguments, driver->arguments_len});
	json_close(record, '}');
	if (driver->is_cut)
		report_incomplete(report, "driver.argv: cut at 65536 bytes");
}

static void add_cwd(struct report *report)
{
	char cwd[PATH_MAX];

	/* a folder that is gone or out of sight has no path */
	if (getcwd(cwd, sizeof(cwd)) && cwd[0] == '/') {
		json_text(&report->record, "cwd", bytes_of(cwd));
		return;
	}
	json_null(&report->record, "cwd");
	report_incomplete(report, "cwd: it has no path");
}

void report_begin(const struct linker_found *linker, int argc, char *const *argv,
		  struct report *report)
{
	uuid_t id;

	*report = (struct report){.linker = linker};
	/* the time zone's file is read with the first time that is written: now, not after the
	 * link */
	tzset();
	id_new(id);
	if (!linker_version(linker, report->linker_version))
		report->linker_version[0] = '\0';
	json_open(&report->record, NULL, '{');
	json_text(&report->record, "schema", bytes_of("runmark.link/1"));
	json_uuid(&report->record, "link_id", id);
	add_link_line(report, argc, argv);
	add_driver(report);
	add_cwd(report);
	json_text(&report->record, "modules", bytes_of(getenv("LOADEDMODULES")));
}

void report_done(struct report *report)
{
	if (report->has_driver)
		driver_done(&report->driver);
	json_done(&report->record);
	*report = (struct report){};
}

static const char *output_type(const struct elf_id *id, const struct ldargs *args)
{
	if (args->is_shared)
		return "shared";
	if (id->type == ET_DYN)
		return id->has_interp ? "pie" : "static"; /* static-pie, else */
	return id->is_dynamic ? "exec" : "static";
}

static void add_output(struct report *report, const struct report_result *result)
{
	const struct stamp *stamp = result->stamp;
	struct json *record = &report->record;
	char link[32], path[PATH_MAX];
	ssize_t len;

	/* the kernel knows the whole path, also where folders above can't be read */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", result->fd);
	len = readlink(link, path, sizeof(path));
	if (len <= 0 || (size_t)len == sizeof(path) || path[0] != '/') {
		len = snprintf(path, sizeof(path), "%s", result->output);
		len = MIN(len, (ssize_t)sizeof(path) - 1);
		report_incomplete(report, "output.path: as on the link line");
	}
	json_open(record, "output", '{');
	json_text(record, "path", (struct bytes){path, (size_t)len});
	json_hex(record, "build_id", stamp->id.notes.build_id, stamp->id.notes.build_id_len);
	json_count(record, "size", stamp->size);
	json_text(record, "type", bytes_of(output_type(&stamp->id, result->args)));
	json_close(record, '}');
}

static void add_linker(struct report *report, struct bytes comment)
{
	struct json *record = &report->record;
	char *version = report->linker_version;
	bool has_version = linker_version_from_comment(comment, version) || version[0];

	if (!has_version)
		report_incomplete(report, "linker.version: the linker doesn't tell");
	json_open(record, "linker", '{');
	json_text(record, "path", bytes_of(report->linker->path));
	json_text(record, "version", bytes_of(has_version ? version : NULL));
	json_close(record, '}');
}

static void add_compiler(struct report *report, struct bytes comment)
{
	const char *start = report->has_driver ? report->driver.comment_start : NULL;
	struct json *record = &report->record;
	struct compiler compiler;

	add_list(record, "compilers", comment);
	if (!compiler_from_comment(comment, start, &compiler)) {
		json_null(record, "compiler");
		return;
	}
	json_open(record, "compiler", '{');
	json_text(record, "name", bytes_of(compiler.name));
	json_text(record, "version", bytes_of(compiler.version[0] ? compiler.version : NULL));
	json_text(record, "text", bytes_of(compiler.text));
	json_close(record, '}');
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void add_times(struct json *record, const struct report_result *result)
{
	uint64_t elapsed_ns = now_ns(CLOCK_MONOTONIC) - result->began_ns;

	json_time(record, "time", now_ns(CLOCK_REALTIME));
	json_seconds(record, "elapsed_s", elapsed_ns);
	json_seconds(record, "own_s", elapsed_ns - MIN(elapsed_ns, result->linker_ns));
}

/* All but the inputs has limits that keep it well below a message's; they get what is left. */
static void add_inputs(struct report *report, const struct report_result *result)
{
	struct json inputs = {.data = NULL};
	size_t taken = report->record.len + REPORT_ROOM;

	report->language = report->has_driver ? report->driver.language : NULL;
	report_inputs(report, result, taken < MESSAGE_MAX ? MESSAGE_MAX - taken : 0, &inputs);
	json_value(&report->record, "inputs", &inputs);
	json_done(&inputs);
	json_text(&report->record, "language", bytes_of(report->language));
}

int report_finish(struct report *report, const struct report_result *result)
{
	const struct stamp *stamp = result->stamp;
	struct json *record = &report->record;
	char comment[REPORT_COMMENT_MAX];
	ssize_t len = elf_id_comment(result->fd, comment, sizeof(comment));
	struct bytes compilers = {comment, len > 0 ? (size_t)len : 0};

	if (stamp_state_texts[stamp->state])
		report_incomplete(report, stamp_state_texts[stamp->state]);
	json_uuid(record, "watermark", stamp->state == STAMP_DONE ? stamp->watermark : NULL);
	add_output(report, result);
	add_linker(report, compilers);
	add_compiler(report, compilers);
	add_inputs(report, result);
	report_symbols(report, result->fd, result->symbols);
	add_times(record, result);
	json_open(record, "incomplete", '[');
	for (size_t i = 0; i < report->incomplete_count; i++)
		json_text(record, NULL, bytes_of(report->incomplete[i]));
	json_close(record, ']');
	json_close(record, '}');
	if (record->failed)
		return -ENOMEM;
	return record->len > MESSAGE_MAX ? -E2BIG : 0;
}
