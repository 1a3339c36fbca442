/* SPDX-License-Identifier: BSD-2-Clause */
/* Text tables: widths from a sample, cut to the terminal. See table.h. */
#include "cli/table.h"
#include "common/text.h"
#include <errno.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define GAP	     2 /* blanks between columns */
#define TERMINAL_MIN 40
#define TERMINAL_MAX 4096
#define ELLIPSIS     "\xe2\x80\xa6"
#define ABSENT	     "-"

struct table {
	const struct table_column *columns;
	size_t count, width, sample;
	FILE *out;
	char **cells; /* rows held back, count cells each */
	size_t rows;
	bool is_fitted;
	uint16_t fitted[TABLE_COLUMNS_MAX];
	bool is_dropped[TABLE_COLUMNS_MAX];
};

struct table *table_new(const struct table_column *columns, size_t count, size_t width,
			size_t sample, FILE *out)
{
	struct table *table;

	if (count > TABLE_COLUMNS_MAX)
		return NULL;
	table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	*table = (struct table){
		.columns = columns, .count = count, .width = width, .sample = sample, .out = out};
	table->cells = calloc((sample + 1) * count, sizeof(char *));
	if (!table->cells) {
		free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->rows * table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

/* Room that the columns need, gaps included. */
static size_t total_width(const struct table *table, const uint16_t *widths)
{
	size_t total = 0, shown = 0;

	for (size_t i = 0; i < table->count; i++)
		if (!table->is_dropped[i]) {
			total += widths[i];
			shown++;
		}
	return shown ? total + (shown - 1) * GAP : 0;
}

static void natural_widths(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct table_column *column = &table->columns[i];
		size_t width = text_width(column->heading);

		if (!table->sample)
			width = MAX(width, column->nominal);
		for (size_t row = 0; row < table->rows; row++) {
			const char *cell = table->cells[row * table->count + i];

			width = MAX(width, text_width(cell ? cell : ABSENT));
		}
		/* On a terminal long cells are cut anyway; the room is shared out by fit(). */
		table->fitted[i] =
			(uint16_t)MIN(width, table->width ? TERMINAL_MAX : TABLE_PAD_MAX);
	}
}

/* Leaves out the columns of highest drop until the rest fits with all that can be cut cut. */
static void drop_columns(struct table *table)
{
	uint16_t least[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < table->count; i++) {
		uint16_t min = table->columns[i].min;

		least[i] = min && min < table->fitted[i] ? min : table->fitted[i];
	}
	while (total_width(table, least) > table->width) {
		size_t found = table->count;

		for (size_t i = 0; i < table->count; i++)
			if (!table->is_dropped[i] && table->columns[i].drop &&
			    (found == table->count ||
			     table->columns[i].drop > table->columns[found].drop))
				found = i;
		if (found == table->count)
			return;
		table->is_dropped[found] = true;
	}
}

static void fit(struct table *table)
{
	size_t total;

	natural_widths(table);
	table->is_fitted = true;
	if (!table->width)
		return;
	drop_columns(table);
	total = total_width(table, table->fitted);
	while (total > table->width) {
		size_t widest = table->count;

		for (size_t i = 0; i < table->count; i++)
			if (!table->is_dropped[i] && table->columns[i].min &&
			    table->fitted[i] > table->columns[i].min &&
			    (widest == table->count || table->fitted[i] > table->fitted[widest]))
				widest = i;
		if (widest == table->count)
			return; /* nothing left to cut: the terminal will wrap */
		table->fitted[widest]--;
		total--;
	}
}

/* Bytes of the character at text, and its columns. Text is UTF-8 already; a stray byte counts one.
 */
static size_t character(const char *text, size_t *ret_columns)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t len = mbrtowc(&wide, text, strlen(text), &state);
	int columns;

	*ret_columns = 1;
	if (len == 0 || len == (size_t)-1 || len == (size_t)-2)
		return 1;
	columns = wcwidth(wide);
	*ret_columns = columns < 0 ? 1 : (size_t)columns;
	return len;
}

/* Skips characters of at least columns width; the rest, and how many columns were skipped. */
static const char *skip_columns(const char *text, size_t columns, size_t *ret_skipped)
{
	size_t skipped = 0, width;

	while (*text && skipped < columns) {
		size_t len = character(text, &width);

		text += len;
		skipped += width;
	}
	*ret_skipped = skipped;
	return text;
}

/* As many whole characters as fit in columns. Returns the columns used. */
static size_t put_start(const char *text, size_t columns, FILE *out)
{
	size_t used = 0, width;

	while (*text) {
		size_t len = character(text, &width);

		if (used + width > columns)
			break;
		fwrite(text, 1, len, out);
		text += len;
		used += width;
	}
	return used;
}

static void put_blanks(size_t count, FILE *out)
{
	fprintf(out, "%*s", (int)count, "");
}

/* One cell; is_last: nothing follows, no padding needed. */
static void put_cell(const struct table *table, size_t index, const char *text, bool is_last)
{
	const struct table_column *column = &table->columns[index];
	size_t room = table->fitted[index], width = text_width(text);

	if (table->width && width > room) {
		if (column->is_cut_left) {
			size_t skipped;

			text = skip_columns(text, width - room + 1, &skipped);
			fputs(ELLIPSIS, table->out);
			fputs(text, table->out);
			width = 1 + width - skipped;
		} else {
			width = put_start(text, room ? room - 1 : 0, table->out) + 1;
			fputs(ELLIPSIS, table->out);
		}
		if (!is_last && width < room)
			put_blanks(room - width, table->out);
		return;
	}
	if (column->is_right && width < room)
		put_blanks(room - width, table->out);
	fputs(text, table->out);
	if (!column->is_right && width < room && !is_last)
		put_blanks(room - width, table->out);
}

/* cells NULL: the headings. */
static void put_row(const struct table *table, char **cells)
{
	size_t last = 0;
	bool is_first = true;

	for (size_t i = 0; i < table->count; i++)
		if (!table->is_dropped[i])
			last = i;
	for (size_t i = 0; i < table->count; i++) {
		const char *text = cells ? cells[i] : table->columns[i].heading;

		if (table->is_dropped[i])
			continue;
		if (!is_first)
			put_blanks(GAP, table->out);
		is_first = false;
		put_cell(table, i, text && *text ? text : ABSENT, i == last);
	}
	fputc('\n', table->out);
}

static void release_rows(struct table *table)
{
	for (size_t i = 0; i < table->rows * table->count; i++) {
		free(table->cells[i]);
		table->cells[i] = NULL;
	}
	table->rows = 0;
}

int table_flush(struct table *table)
{
	if (!table->is_fitted && (table->rows || !table->sample)) {
		fit(table);
		put_row(table, NULL);
	}
	for (size_t row = 0; row < table->rows; row++)
		put_row(table, table->cells + row * table->count);
	release_rows(table);
	return ferror(table->out) ? -EIO : 0;
}

int table_add(struct table *table, char **cells)
{
	memcpy(table->cells + table->rows * table->count, cells, table->count * sizeof(*cells));
	table->rows++;
	if (!table->is_fitted && table->rows < table->sample)
		return 0;
	return table_flush(table);
}

size_t table_dropped(const struct table *table)
{
	size_t dropped = 0;

	for (size_t i = 0; i < table->count; i++)
		dropped += table->is_dropped[i];
	return dropped;
}

size_t table_terminal_width(FILE *file)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long width = 0;

	if (!isatty(fileno(file)))
		return 0;
	if (columns)
		width = strtol(columns, NULL, 10);
	if (width <= 0 && !ioctl(fileno(file), TIOCGWINSZ, &size))
		width = size.ws_col;
	if (width <= 0)
		width = 80;
	return (size_t)MIN(MAX(width, TERMINAL_MIN), TERMINAL_MAX);
}
