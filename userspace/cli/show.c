/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark show: all that is known of one run or one program: who linked it, where it ran.
 *
 * What a word means: a UUID is a run's or group's id if there is one, else a watermark. (Run ids
 * are computed by the daemon, watermarks are what a file says: a forged one can't hide a run.)
 * Anything else is a file; ./UUID names a file whose name looks like a UUID.
 */
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/own.h"
#include "cli/pattern.h"
#include "cli/record_batch.h"
#include "cli/run_filter.h"
#include "cli/show.h"
#include "common/elf_id.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#define TABLE_RUNS  20 /* shown by default */
#define TABLE_LINKS 5
#define JSON_RUNS   1000
#define JSON_LINKS  1000

struct show_args {
	uint64_t limit;
	const char *db;
	enum output_format format;
};

struct show {
	struct store *store;
	struct records *records;
	cJSON *answer, *runs;
	bool is_one_run;
	uint64_t limit, links_limit;
	/* What is known of the program; a watermark of length 0 isn't. */
	char *path;
	uint8_t watermark[16], build_id[NOTE_BUILD_ID_MAX];
	size_t watermark_len, build_id_len;
	const char *state; /* watermark_state */
	cJSON *compilers;  /* texts in the file; NULL: no file was read */
};

static struct bytes watermark_of(const struct show *show)
{
	return (struct bytes){(const char *)show->watermark, show->watermark_len};
}

static struct bytes build_id_of(const struct show *show)
{
	return (struct bytes){(const char *)show->build_id, show->build_id_len};
}

static int add_program(struct show *show)
{
	char hex[2 * NOTE_BUILD_ID_MAX + 1];
	cJSON *program = cJSON_AddObjectToObject(show->answer, "program");

	text_to_hex(show->build_id, show->build_id_len, hex);
	if (!program || !record_add_text(program, "path", bytes_of(show->path)) ||
	    !record_add_uuid(program, "watermark", show->watermark_len ? show->watermark : NULL) ||
	    !record_add_text(program, "watermark_state", bytes_of(show->state)) ||
	    !record_add_text(program, "build_id", bytes_of(show->build_id_len ? hex : NULL)))
		return -ENOMEM;
	if (show->compilers) {
		if (!cJSON_AddItemToObject(program, "compilers", show->compilers))
			return -ENOMEM;
		show->compilers = NULL;
	}
	return 0;
}

/* As record_batch.h says. */
static int take_run(void *arg, cJSON *run)
{
	struct show *show = arg;

	if (!run || cJSON_AddItemToArray(show->runs, run))
		return 0;
	cJSON_Delete(run);
	return -ENOMEM;
}

/* Runs of the watermark; where there is none, of the build-id; where there is neither, of the path.
 */
static int add_runs(struct show *show, uint64_t *ret_total)
{
	struct run_filter filter = {.limit = show->limit};
	struct record_batch batch = {
		.records = show->records, .form = RECORD_SETS_TREE, .take = take_run, .arg = show};
	int r;

	if (show->watermark_len)
		filter.watermark = watermark_of(show);
	else if (show->build_id_len)
		filter.build_id = build_id_of(show);
	else
		filter.file = show->path;
	r = run_search(show->store, &filter, record_batch_add, &batch);
	if (r == 0)
		r = record_batch_end(&batch);
	return r < 0 ? r : run_count(show->store, &filter, ret_total);
}

static int add_links(struct show *show, uint64_t *ret_total)
{
	struct bytes none = {NULL, 0};
	cJSON *links = cJSON_AddArrayToObject(show->answer, "links");

	*ret_total = 0;
	if (!links)
		return -ENOMEM;
	if (!show->watermark_len && !show->build_id_len)
		return show->path ? records_get_links_of_path(show->records, show->path,
							      show->links_limit, links, ret_total)
				  : 0;
	return records_get_links(show->records, watermark_of(show),
				 show->watermark_len ? none : build_id_of(show), show->links_limit,
				 links, ret_total);
}

/* Everything but the program and, if it was asked for, the one run. */
static int fill_answer(struct show *show, cJSON *run)
{
	uint64_t links_total = 0, runs_total = run ? (uint64_t)run_count_of(run) : 0;
	int r = add_program(show);

	if (r >= 0)
		r = add_links(show, &links_total);
	if (r >= 0) {
		show->runs = cJSON_AddArrayToObject(show->answer, "runs");
		r = show->runs ? 0 : -ENOMEM;
	}
	if (r >= 0 && run)
		r = cJSON_AddItemToArray(show->runs, run) ? 0 : -ENOMEM;
	else if (r >= 0)
		r = add_runs(show, &runs_total);
	else
		cJSON_Delete(run);
	if (r >= 0 && (!record_add_number(show->answer, "links_total", (double)links_total) ||
		       !record_add_number(show->answer, "runs_total", (double)runs_total)))
		r = -ENOMEM;
	return r < 0 ? r : show_verify(show->answer);
}

/* The compilers that the file itself names. */
static void read_compilers(struct show *show, int fd)
{
	char text[4096];
	ssize_t len = elf_id_comment(fd, text, sizeof(text));

	show->compilers = cJSON_CreateArray();
	for (ssize_t pos = 0; show->compilers && pos < len; pos += (ssize_t)strlen(text + pos) + 1)
		if (text_is_utf8(bytes_of(text + pos)))
			cJSON_AddItemToArray(show->compilers, cJSON_CreateString(text + pos));
}

static void take_ids(struct show *show, const struct note_ids *ids)
{
	show->state = note_is_stamped(ids) ? "stamped" : ids->has_watermark ? "unstamped" : "none";
	if (note_is_stamped(ids)) {
		memcpy(show->watermark, ids->watermark, sizeof(show->watermark));
		show->watermark_len = sizeof(show->watermark);
	}
	memcpy(show->build_id, ids->build_id, ids->build_id_len);
	show->build_id_len = ids->build_id_len;
}

static char *absolute(const char *path)
{
	_cleanup_(pattern_done) struct pattern pattern = {0};
	char *resolved = realpath(path, NULL);

	if (resolved || pattern_init(&pattern, path, false) < 0)
		return resolved;
	return TAKE_PTR(pattern.text);
}

/* What the file says of itself. A file that is gone is known by its path. */
static int read_file(struct show *show, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct elf_id id;
	struct stat st;
	int r = 0;

	show->path = absolute(path);
	if (!show->path)
		return log_err(-ENOMEM, "cannot look at %s", path);
	if (fd < 0 && errno == ENOENT && strchr(path, '/')) {
		show->state = "unknown";
		log_warn(0, "%s isn't there now; what is known by its path follows", path);
		return 0;
	}
	if (fd < 0 && errno == ENOENT)
		return log_err(0, "\"%s\" is no UUID, and there is no such file here", path),
		       -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return log_err(-errno, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return log_err(0, "%s is no regular file", path), -EINVAL;
	r = elf_id_read(fd, &id);
	if (r == -ENOEXEC)
		return log_err(0, "%s is no ELF file; for a script ask runmark find", path), r;
	if (r < 0)
		return log_err(r, "cannot read %s", path);
	take_ids(show, &id.notes);
	read_compilers(show, fd);
	return 0;
}

/* The program of a run as it was when it ran. */
static int take_program(struct show *show, const cJSON *run)
{
	static const char *const states[] = {"stamped", "unstamped", "none", "unknown"};
	_cleanup_free_ char *state = NULL, *hex = NULL;
	size_t len;
	int n;

	show->state = "unknown";
	if (record_get_text(run, "exe.path", &show->path, &len) == -ENOMEM)
		return -ENOMEM;
	if (!record_get_uuid(run, "exe.watermark", show->watermark))
		show->watermark_len = sizeof(show->watermark);
	if (!record_get_text(run, "exe.build_id", &hex, &len)) {
		n = text_from_hex(hex, show->build_id, sizeof(show->build_id));
		show->build_id_len = n > 0 ? (size_t)n : 0;
	}
	if (!record_get_text(run, "exe.watermark_state", &state, &len))
		for (size_t i = 0; i < ARRAY_SIZE(states); i++)
			if (!strcmp(states[i], state))
				show->state = states[i];
	return 0;
}

static int answer_uuid(struct show *show, const uuid_t uuid)
{
	cJSON *run;
	int r = records_get_run(show->records, uuid, RECORD_SETS_TREE, &run);

	if (r == -ENOENT)
		r = records_get_group(show->records, uuid, RECORD_SETS_TREE, &run);
	if (r == -ENOENT) {
		memcpy(show->watermark, uuid, sizeof(show->watermark));
		show->watermark_len = sizeof(show->watermark);
		show->state = "stamped";
		return fill_answer(show, NULL);
	}
	if (r < 0)
		return r;
	show->is_one_run = true;
	r = take_program(show, run);
	if (r < 0) {
		cJSON_Delete(run);
		return r;
	}
	return fill_answer(show, run);
}

static int answer(struct show *show, const char *operand)
{
	uuid_t uuid;
	int r;

	if (!uuid_parse(operand, uuid)) {
		r = answer_uuid(show, uuid);
	} else {
		r = read_file(show, operand);
		if (r < 0)
			return EXIT_TROUBLE;
		r = fill_answer(show, NULL);
	}
	if (r < 0) {
		log_err(r, "cannot read the database (%s)", store_error(show->store));
		return EXIT_TROUBLE;
	}
	if (store_check(show->store) < 0) {
		log_err(0, "the database was written while it was read; ask again");
		return EXIT_TROUBLE;
	}
	return cJSON_GetArraySize(record_get(show->answer, "links")) ||
			       cJSON_GetArraySize(record_get(show->answer, "runs"))
		       ? EXIT_FOUND
		       : EXIT_NOTHING;
}

/* What a file says of itself needs no database. */
static void show_file_alone(struct show *show, const char *operand, bool is_json)
{
	uuid_t uuid;

	if (uuid_parse(operand, uuid) && read_file(show, operand) >= 0 && add_program(show) >= 0) {
		if (is_json)
			output_json(show->answer, stdout);
		else
			show_print_program(show->answer);
	}
	cJSON_Delete(show->compilers);
	free(show->path);
}

static int show_operand(const struct show_args *args, const char *operand)
{
	bool is_json = args->format == OUTPUT_JSON;
	struct show show = {.limit = is_json ? JSON_RUNS : TABLE_RUNS,
			    .links_limit = is_json ? JSON_LINKS : TABLE_LINKS};
	_cleanup_store_ struct store *store = NULL;
	_cleanup_records_ struct records *records = NULL;
	_cleanup_json_ cJSON *result = cJSON_CreateObject();
	_cleanup_free_ char *message = NULL;
	int r, status;

	if (args->limit != UINT64_MAX)
		show.limit = args->limit;
	r = result ? store_open(args->db, &store, &message) : -ENOMEM;
	if (r >= 0)
		r = records_new(store, &records);
	show.answer = result;
	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot open the database");
		if (result)
			show_file_alone(&show, operand, is_json);
		return EXIT_TROUBLE;
	}
	show.store = store;
	show.records = records;
	status = answer(&show, operand);
	if (status != EXIT_TROUBLE) {
		r = is_json ? output_json(result, stdout) : show_print(result, show.is_one_run);
		if (r < 0 && r != -EIO) {
			log_err(r, "cannot print the answer");
			status = EXIT_TROUBLE;
		}
		own_note(store, args->format);
	}
	cJSON_Delete(show.compilers);
	free(show.path);
	return output_leave(status);
}

static int show_main(const struct command *command, int argc, char **argv)
{
	struct show_args args = {.limit = UINT64_MAX};
	int first, status;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	if (!*argv[first])
		return command_wrong(command, "%s is empty", command->operands);
	return show_operand(&args, argv[first]);
}

static const struct option_spec show_options[] = {
	{"limit", "N", &option_count, offsetof(struct show_args, limit),
	 "The newest N runs only; 0: all (default: 20, as JSON 1000)."},
	OPTION_FORMAT(struct show_args, "table|json", option_format_pair),
	OPTION_DB(struct show_args),
};

const struct command command_show = {
	.name = "show",
	.operands = "RUN_ID | WATERMARK | FILE",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "One run, or all known of one program: who linked it, where it ran.",
	.details = "A UUID is the id of a run or group if there is one, else a watermark. FILE is "
		   "any ELF "
		   "file.\n"
		   "verified: the build-id confirms what the watermark says.\n"
		   "Exit status: 0 found, 1 nothing found, 2 wrong usage, 3 failure.",
	.options = show_options,
	.n_options = ARRAY_SIZE(show_options),
	.run = show_main,
};
