/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Months. To split `later` where it is empty takes a moment; rows that are in it by then, since
 * nobody made months for a year, are moved. Dropping a month takes a moment whatever is in it.
 */
#include "ingest/mariadb_months.h"

#include <errno.h>

#define NAME_SIZE      16 /* mYYYYMM */
#define PARTITIONS_MAX 1024
#define FAMILY_MAX     3
#define MS_PER_S       1000

/* Tables whose months go together. since: a row of the first is as young as that. */
static const struct {
	const char *tables[FAMILY_MAX], *key, *since;
} families[] = {
	{{"run", "run_text", "run_xalt"}, "run_id", "coalesce(end_us, start_us)"},
	{{"run_group", "run_group_text"}, "group_id", "coalesce(end_us, start_us)"},
	{{"link", "link_text", "link_xalt"}, "link_id", "time_us"},
};

/* Months since year 0. */
static int month_of(time_t time)
{
	struct tm tm;

	gmtime_r(&time, &tm);
	return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static time_t month_begin(int month)
{
	struct tm tm = {.tm_year = month / 12 - 1900, .tm_mon = month % 12, .tm_mday = 1};

	return timegm(&tm);
}

/* Months that a table has, in order. */
struct months {
	int numbers[PARTITIONS_MAX];
	size_t count;
};

static int take_month(void *arg, const struct value *row, size_t columns)
{
	struct months *months = arg;
	char text[NAME_SIZE] = "";
	int year, month;

	(void)columns;
	if (row[0].type == VALUE_NULL || row[0].bytes.len >= sizeof(text) ||
	    months->count == PARTITIONS_MAX)
		return 0;
	memcpy(text, row[0].bytes.data, row[0].bytes.len);
	if (sscanf(text, "m%4d%2d", &year, &month) == 2)
		months->numbers[months->count++] = year * 12 + month - 1;
	return 0;
}

static int list_months(struct mariadb *self, const char *table, struct months *ret)
{
	const struct value name = value_text(bytes_of(table));

	ret->count = 0;
	return mariadb_statement(&self->backend,
				 "SELECT partition_name FROM information_schema.partitions "
				 "WHERE table_schema = database() AND table_name = ? "
				 "ORDER BY partition_ordinal_position",
				 &name, 1, take_month, ret, NULL);
}

/* A partition of the ids before the month's begin. */
static void put_partition(FILE *out, const char *name, int month)
{
	fprintf(out, "PARTITION %s VALUES LESS THAN (x'%012llx%020d'), ", name,
		(unsigned long long)month_begin(month) * MS_PER_S, 0);
}

static void month_name(int month, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "m%04d%02d", month / 12 % 10000, month % 12 + 1);
}

static char *splitting(const char *table, int first, int last, bool has_older)
{
	char *text = NULL, name[NAME_SIZE];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "ALTER TABLE %s REORGANIZE PARTITION later INTO (", table);
	if (!has_older)
		put_partition(out, "older", first);
	for (int month = first; month <= last; month++) {
		month_name(month, name);
		put_partition(out, name, month + 1);
	}
	fputs("PARTITION later VALUES LESS THAN (MAXVALUE))", out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int add_to_table(struct mariadb *self, const char *table, time_t now)
{
	struct months months;
	int r = list_months(self, table, &months);
	int first = month_of(now) - 1, last = month_of(now) + MONTHS_AHEAD;
	_cleanup_free_ char *sql = NULL;

	if (r < 0)
		return r;
	if (months.count)
		first = months.numbers[months.count - 1] + 1;
	if (first > last)
		return 0;
	sql = splitting(table, first, last, months.count);
	if (!sql)
		return -ENOMEM;
	return mariadb_run(self, &self->first, sql);
}

int mariadb_months_add(struct mariadb *self, time_t now)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (size_t t = 0; t < FAMILY_MAX && families[i].tables[t]; t++) {
			int r = *self->stop ? -EINTR
					    : add_to_table(self, families[i].tables[t], now);

			if (r < 0)
				return r;
		}
	return 0;
}

static int take_any(void *arg, const struct value *row, size_t columns)
{
	(void)row;
	(void)columns;
	*(bool *)arg = true;
	return 0;
}

/* Whether the family's month has a row that is younger than its ids say. */
static int is_in_use(struct mariadb *self, size_t family, const char *name, int64_t before_us,
		     bool *ret)
{
	const struct value before = value_integer(before_us);
	char sql[256];

	*ret = false;
	snprintf(sql, sizeof(sql), "SELECT 1 FROM %s PARTITION (%s) WHERE %s >= ? LIMIT 1",
		 families[family].tables[0], name, families[family].since);
	return mariadb_statement(&self->backend, sql, &before, 1, take_any, ret, NULL);
}

/* A table may lack the month: a drop that was interrupted is done again. */
static int drop_month(struct mariadb *self, const char *table, int month, uint64_t *dropped)
{
	struct months months;
	char name[NAME_SIZE], sql[128];
	int r = list_months(self, table, &months);

	month_name(month, name);
	snprintf(sql, sizeof(sql), "ALTER TABLE %s DROP PARTITION %s", table, name);
	for (size_t i = 0; r == 0 && i < months.count; i++) {
		if (months.numbers[i] != month)
			continue;
		r = mariadb_run(self, &self->first, sql);
		*dropped += r == 0;
	}
	return r;
}

/* The family's main table is the last to lose a month: it tells what there is to drop. */
static int drop_old(struct mariadb *self, size_t family, int64_t before_us, uint64_t *dropped)
{
	const char *const *tables = families[family].tables;
	struct months months;
	int r = list_months(self, tables[0], &months);

	for (size_t i = 0; r == 0 && i < months.count; i++) {
		int month = months.numbers[i];
		char name[NAME_SIZE];
		bool is_used;

		if ((int64_t)month_begin(month + 1) * 1000000 > before_us)
			break;
		month_name(month, name);
		r = is_in_use(self, family, name, before_us, &is_used);
		for (size_t t = FAMILY_MAX; r == 0 && !is_used && t--;)
			if (tables[t])
				r = drop_month(self, tables[t], month, dropped);
	}
	return r;
}

int mariadb_months(struct backend *backend, int64_t before_us, uint64_t *ret_dropped)
{
	struct mariadb *self = (struct mariadb *)backend;
	uint64_t dropped = 0;
	int r = mariadb_ready(self);

	if (r == 0)
		r = mariadb_writer_settle(self->writer);
	if (r == 0)
		r = mariadb_months_add(self, time(NULL));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = drop_old(self, i, before_us, &dropped);
	if (r == 0)
		*ret_dropped = dropped;
	return r;
}
