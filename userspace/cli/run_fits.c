/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/run_fits.h"
#include "common/record.h"
#include <errno.h>

/* The exit code, or minus the signal; INT64_MIN if neither is known. */
static int64_t exit_of(const cJSON *exit)
{
	double number;

	if (!record_get_number(exit, "signal", &number))
		return -(int64_t)number;
	return record_get_number(exit, "code", &number) < 0 ? INT64_MIN : (int64_t)number;
}

static bool is_asked(const struct run_filter *filter, int64_t exit)
{
	if (filter->failed && (!exit || exit == INT64_MIN))
		return false;
	return !filter->signal || exit == -filter->signal;
}

/* One member's exit at least is asked for. */
static int fits_exits(const struct run_filter *filter, struct bytes text)
{
	_cleanup_json_ cJSON *exits = cJSON_ParseWithLength(text.data, text.len);
	const cJSON *item;

	cJSON_ArrayForEach (item, exits)
		if (is_asked(filter, exit_of(record_get(item, "exit"))))
			return 1;
	return exits ? 0 : -EBADMSG;
}

static int fits_exit(const struct run_filter *filter, struct query *row, bool is_group)
{
	int64_t exit = INT64_MIN;

	if (!filter->failed && !filter->signal)
		return 1;
	if (is_group)
		return fits_exits(filter, query_bytes(row, KEY_EXITS));
	if (!query_is_null(row, KEY_EXIT_SIGNAL))
		exit = -query_int(row, KEY_EXIT_SIGNAL);
	else if (!query_is_null(row, KEY_EXIT_CODE))
		exit = query_int(row, KEY_EXIT_CODE);
	return is_asked(filter, exit);
}

/* A run without an end is either open, till now or till its node booted again, or a point in time.
 */
static int fits_time(const struct run_fits *fits, struct query *row)
{
	bool is_open = query_int(row, KEY_STATE) == 0;
	int64_t start_us = query_int(row, KEY_START);
	struct boot_fate fate;
	int r;

	if (!is_open && fits->filter->running)
		return 0;
	if (start_us >= fits->since_us && !fits->filter->running)
		return 1;
	if (!is_open)
		return !query_is_null(row, KEY_END) && query_int(row, KEY_END) >= fits->since_us;
	r = boots_ask(fits->boots, query_int(row, KEY_FIRST_CONDITION + RUN_HOST),
		      query_int(row, KEY_BOOT), start_us, &fate);
	if (r < 0)
		return r;
	return !(fits->filter->running && fate.is_lost) && fate.before_us >= fits->since_us;
}

/* wanted: NULL or empty: any */
static bool fits_text(const char *wanted, struct query *row, enum run_key_column column)
{
	struct bytes text;

	if (!wanted || !*wanted)
		return true;
	if (query_is_null(row, column))
		return false;
	text = query_bytes(row, column);
	return text.len == strlen(wanted) && !memcmp(text.data, wanted, text.len);
}

static bool fits_condition(const struct run_condition *condition, struct query *row)
{
	for (int column = 0; column < RUN_COLUMNS; column++)
		if (condition->ids[column].count &&
		    !query_is_null(row, KEY_FIRST_CONDITION + column) &&
		    ids_has(&condition->ids[column], query_int(row, KEY_FIRST_CONDITION + column)))
			return true;
	return false;
}

int run_fits(const struct run_fits *fits, struct query *row, bool is_group)
{
	int r;

	if (!fits_text(fits->conditions->step, row, KEY_STEP) ||
	    !fits_text(fits->filter->source, row, KEY_SOURCE))
		return 0;
	for (size_t i = 0; i < fits->conditions->count; i++)
		if (!fits_condition(&fits->conditions->items[i], row))
			return 0;
	r = fits_exit(fits->filter, row, is_group);
	return r > 0 ? fits_time(fits, row) : r;
}
