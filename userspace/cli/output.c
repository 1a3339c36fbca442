/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs as a table, CSV or JSON Lines. */
#include "cli/output.h"
#include "common/log.h"
#include "common/nearest.h"
#include "common/record.h"
#include <errno.h>

/* Why standard output can't be written, from when it was noticed: later calls don't tell again. */
static int write_error;

static int check_written(FILE *out)
{
	if (!ferror(out))
		return 0;
	if (!write_error)
		write_error = errno;
	return -EIO;
}

void output_flush(void)
{
	if (fflush(stdout))
		(void)check_written(stdout);
}

static int parse_word(const char *text, void *field, size_t count)
{
	static const char *const words[] = {
		[OUTPUT_TABLE] = "table", [OUTPUT_JSON] = "json", [OUTPUT_CSV] = "csv"};

	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i], text)) {
			*(enum output_format *)field = (enum output_format)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_format(const char *text, void *field)
{
	return parse_word(text, field, OUTPUT_CSV + 1);
}

static int parse_format_pair(const char *text, void *field)
{
	return parse_word(text, field, OUTPUT_JSON + 1);
}

const struct option_type option_format = {"table, json or csv", parse_format};
const struct option_type option_format_pair = {"table or json", parse_format_pair};

void output_columns_help(FILE *out)
{
	for (size_t i = 0; i < columns_count; i++)
		fprintf(out, "%-16s %s%s\n", columns[i].name, columns[i].help,
			columns[i].in_table ? " (usual)" : "");
}

bool output_columns(const struct command *command, const char *list, struct column_list *ret)
{
	const char *names[TABLE_COLUMNS_MAX], *wrong, *nearest;
	_cleanup_free_ char *name = NULL;
	size_t len;

	if (!list || !column_list_parse(list, ret, &wrong, &len))
		return true;
	for (size_t i = 0; i < columns_count; i++)
		names[i] = columns[i].name;
	name = strndup(wrong, len);
	nearest = name ? nearest_word(name, names, columns_count) : NULL;
	if (nearest)
		command_wrong(command, "there is no column \"%s\"; the nearest is %s", name,
			      nearest);
	else
		command_wrong(command, "there is no column \"%s\"; --columns help lists them",
			      name ? name : "");
	return false;
}

int output_init(struct output *output, enum output_format format, const struct column_list *list,
		size_t sample, FILE *out)
{
	*output = (struct output){.format = format, .list = *list, .out = out};
	if (format != OUTPUT_TABLE)
		return 0;
	for (size_t i = 0; i < list->count; i++)
		output->table_columns[i] = list->items[i]->table;
	output->table = table_new(output->table_columns, list->count, table_terminal_width(out),
				  sample, out);
	return output->table ? 0 : -ENOMEM;
}

void output_done(struct output *output)
{
	table_free(output->table);
	output->table = NULL;
}

static void put_csv_heading(struct output *output)
{
	for (size_t i = 0; i < output->list.count; i++)
		fprintf(output->out, "%s%s", i ? "," : "", output->list.items[i]->name);
	fputs("\r\n", output->out);
}

static int put_csv(struct output *output, const cJSON *run)
{
	if (!output->count)
		put_csv_heading(output);
	for (size_t i = 0; i < output->list.count; i++) {
		_cleanup_free_ char *cell = column_for_csv(output->list.items[i], run);

		fprintf(output->out, "%s%s", i ? "," : "", cell ? cell : "");
	}
	fputs("\r\n", output->out);
	return 0;
}

static int put_row(struct output *output, const cJSON *run)
{
	char *cells[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < output->list.count; i++)
		cells[i] = column_for_table(output->list.items[i], run);
	return table_add(output->table, cells);
}

int output_run(struct output *output, const cJSON *run)
{
	int r = 0;

	if (output->format == OUTPUT_JSON)
		r = output_json(run, output->out);
	else if (output->format == OUTPUT_CSV)
		r = put_csv(output, run);
	else
		r = put_row(output, run);
	output->count++;
	if (r < 0 && r != -EIO)
		return r;
	return check_written(output->out);
}

int output_end(struct output *output)
{
	if (output->format == OUTPUT_CSV && !output->count)
		put_csv_heading(output);
	if (output->format == OUTPUT_TABLE)
		table_flush(output->table);
	return check_written(output->out);
}

/*
 * Bytes of the UTF-8 character at text that a terminal may take as a command and JSON lets stand:
 * DEL, C1 controls, bidirectional controls. 0 if it is none.
 */
static size_t is_command(const char *text, unsigned int *ret_code)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned int code = *p == 0x7f ? 0x7f : 0; /* higher bytes are parts of characters */
	size_t len = 1;

	if (*p == 0xc2) {
		code = p[1];
		len = 2;
	} else if (*p == 0xe2 && p[1]) {
		code = (0x2u << 12) | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		len = 3;
	}
	if (!(code >= 0x7f && code <= 0x9f) && !(code >= 0x202a && code <= 0x202e) &&
	    !(code >= 0x2066 && code <= 0x2069))
		return 0;
	*ret_code = code;
	return len;
}

int output_json(const cJSON *object, FILE *out)
{
	size_t len;
	_cleanup_free_ char *line = record_print(object, &len);
	const char *done = line;

	if (!line)
		return -ENOMEM;
	for (const char *p = line; *p;) {
		unsigned int code;
		size_t skipped = (unsigned char)*p < 0x7f ? 0 : is_command(p, &code);

		if (!skipped) {
			p++;
			continue;
		}
		fwrite(done, 1, (size_t)(p - done), out);
		fprintf(out, "\\u%04x", code);
		done = p += skipped;
	}
	fputs(done, out);
	return check_written(out);
}

int output_leave(int status)
{
	errno = write_error;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	log_err(-errno, "cannot write to standard output");
	return EXIT_TROUBLE;
}
