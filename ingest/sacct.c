/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns are known by their names, so that their order and others between them don't matter. */
#include "ingest/sacct.h"
#include "ingest/sacct_values.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#define ID_COLUMN 0

static int wrong(char why[SACCT_WHY_SIZE], const char *format, ...) PRINTF_LIKE(2, 3);
static int wrong(char why[SACCT_WHY_SIZE], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, SACCT_WHY_SIZE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The fields of a line: how many, or -1 if there are more than fit. */
static int split(struct bytes line, struct bytes fields[SACCT_COLUMNS_MAX])
{
	int count = 0;

	for (;;) {
		const char *end = line.len ? memchr(line.data, '|', line.len) : NULL;
		size_t len = end ? (size_t)(end - line.data) : line.len;

		if (count == SACCT_COLUMNS_MAX)
			return -1;
		fields[count++] = (struct bytes){line.data, len};
		if (!end)
			return count;
		line.data += len + 1;
		line.len -= len + 1;
	}
}

static bool is_text(struct bytes line)
{
	if (!text_is_utf8(line))
		return false;
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.data[i] < ' ')
			return false;
	return true;
}

int sacct_heading(struct bytes line, struct sacct *ret, char why[SACCT_WHY_SIZE])
{
	struct bytes fields[SACCT_COLUMNS_MAX];
	int count = split(line, fields);
	uint64_t seen = 0;

	_Static_assert(SACCT_COLUMNS <= 64, "seen has a bit for each");
	if (count < 2 || !is_text(line))
		return wrong(why, "no heading of sacct --parsable2");
	for (int i = 0; i < count; i++) {
		ret->columns[i] = -1;
		for (size_t c = 0; c < SACCT_COLUMNS; c++)
			if (fields[i].len == strlen(sacct_columns[c].name) && !(seen & 1ULL << c) &&
			    !strncasecmp(fields[i].data, sacct_columns[c].name, fields[i].len)) {
				ret->columns[i] = (int)c;
				seen |= 1ULL << c;
			}
	}
	ret->count = (size_t)count;
	if ((seen & 3) != 3)
		return wrong(why, "the heading has no column %s", sacct_columns[seen & 1].name);
	return 0;
}

static int fill(const struct sacct *sacct, const struct bytes *fields, struct sacct_job *job,
		char why[SACCT_WHY_SIZE])
{
	char value[SACCT_NODES_MAX];

	for (int c = 0; c < (int)SACCT_COLUMNS; c++)
		for (size_t i = 0; i < sacct->count; i++) {
			size_t len = MIN(fields[i].len, sizeof(value) - 1);

			if (sacct->columns[i] != c || !fields[i].len)
				continue;
			if (fields[i].len >= sizeof(value)) {
				if (sacct_columns[c].where == SACCT_NODE_LIST)
					continue;
				return wrong(why, "%s is too long", sacct_columns[c].name);
			}
			memcpy(value, fields[i].data, len);
			value[len] = '\0';
			if (sacct_columns[c].take(value, job, sacct_columns[c].where) &&
			    !(job->is_step && c != ID_COLUMN))
				return wrong(why, "%s can't be \"%.60s\"", sacct_columns[c].name,
					     value);
		}
	return 0;
}

int sacct_line(const struct sacct *sacct, struct bytes line, struct sacct_job *ret,
	       char why[SACCT_WHY_SIZE])
{
	struct bytes fields[SACCT_COLUMNS_MAX];
	int count = split(line, fields), r;

	if (!is_text(line))
		return wrong(why, "control characters, or no UTF-8");
	if (count != (int)sacct->count)
		return wrong(why, "%d fields instead of %zu", count, sacct->count);
	*ret = (struct sacct_job){};
	for (size_t i = 0; i < SACCT_NUMBERS; i++)
		ret->numbers[i] = SACCT_UNKNOWN;
	r = fill(sacct, fields, ret, why);
	if (r)
		return r;
	if (!*ret->texts[SACCT_JOB_ID])
		return wrong(why, "JobIDRaw is empty");
	if (!ret->is_step && !*ret->texts[SACCT_STATE])
		return wrong(why, "State is empty");
	return 0;
}

bool sacct_add_step(struct sacct_job *job, const struct sacct_job *step)
{
	if (strcmp(job->texts[SACCT_JOB_ID], step->texts[SACCT_JOB_ID]) != 0)
		return false;
	job->numbers[SACCT_MAX_RSS] =
		MAX(job->numbers[SACCT_MAX_RSS], step->numbers[SACCT_MAX_RSS]);
	return true;
}
