/* SPDX-License-Identifier: BSD-2-Clause */
/* Times in and out: see when.h for what is understood. */
#include "cli/when.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <strings.h>
#include <time.h>

#define YEAR_MIN 1970
#define YEAR_MAX 2261 /* what 64 bits of nanoseconds hold, as record.h */

static const struct {
	const char *name;
	uint64_t seconds;
} units[] = {
	{"s", 1},      {"sec", 1},	 {"second", 1},	  {"min", 60},	      {"minute", 60},
	{"m", 60},     {"h", 3600},	 {"hour", 3600},  {"d", 86400},	      {"day", 86400},
	{"w", 604800}, {"week", 604800}, {"y", 31536000}, {"year", 31536000},
};

/* Exactly count digits. */
static bool take_digits(const char **text, int count, int *ret)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!isdigit((unsigned char)(*text)[i]))
			return false;
		value = value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	*ret = value;
	return true;
}

static bool take_char(const char **text, const char *any_of)
{
	if (!**text || !strchr(any_of, **text))
		return false;
	(*text)++;
	return true;
}

/* A fraction of a second of any length; digits beyond nanoseconds are dropped. */
static bool take_fraction(const char **text, uint64_t *ret_ns)
{
	uint64_t ns = 0, place = NS_PER_S / 10;

	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++, place /= 10)
		ns += place * (uint64_t)(**text - '0');
	*ret_ns = ns;
	return true;
}

/* "Z" or "+01:00": seconds east of Greenwich. */
static bool take_zone(const char **text, int *ret_seconds)
{
	int hours, minutes;
	bool west;

	if (take_char(text, "Zz")) {
		*ret_seconds = 0;
		return true;
	}
	west = **text == '-';
	if (!take_char(text, "+-") || !take_digits(text, 2, &hours) || !take_char(text, ":") ||
	    !take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

static bool take_time_of_day(const char **text, struct tm *tm, uint64_t *ns)
{
	if (!take_digits(text, 2, &tm->tm_hour) || !take_char(text, ":") ||
	    !take_digits(text, 2, &tm->tm_min))
		return false;
	if (take_char(text, ":")) {
		if (!take_digits(text, 2, &tm->tm_sec))
			return false;
		if (take_char(text, ".") && !take_fraction(text, ns))
			return false;
	}
	return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

static int from_seconds(int64_t seconds, uint64_t ns, uint64_t *ret_ns)
{
	if (seconds < 0 || (uint64_t)seconds > INT64_MAX / NS_PER_S - 1)
		return -EINVAL;
	*ret_ns = (uint64_t)seconds * NS_PER_S + ns;
	return 0;
}

static int parse_calendar(const char *text, uint64_t *ret_ns)
{
	struct tm tm = {.tm_isdst = -1}, day;
	bool has_zone = false;
	uint64_t ns = 0;
	int zone = 0;

	if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, "-") ||
	    !take_digits(&text, 2, &tm.tm_mon) || !take_char(&text, "-") ||
	    !take_digits(&text, 2, &tm.tm_mday) || tm.tm_year < YEAR_MIN || tm.tm_year > YEAR_MAX)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	day = tm;
	/* The 31st of November would silently be the 1st of December. */
	if (timegm(&day) == -1 || day.tm_mon != tm.tm_mon || day.tm_mday != tm.tm_mday)
		return -EINVAL;
	if (take_char(&text, "Tt ")) {
		if (!take_time_of_day(&text, &tm, &ns))
			return -EINVAL;
		if (*text) {
			has_zone = true;
			if (!take_zone(&text, &zone))
				return -EINVAL;
		}
	}
	if (*text)
		return -EINVAL;
	return from_seconds(has_zone ? timegm(&tm) - zone : mktime(&tm), ns, ret_ns);
}

static int find_unit(const char *text, size_t len, uint64_t *ret_seconds)
{
	for (int plural = 0; plural < 2; plural++)
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (strlen(units[i].name) + (size_t)plural == len &&
			    !strncasecmp(units[i].name, text, len - (size_t)plural) &&
			    (!plural ||
			     (len > 3 && (text[len - 1] == 's' || text[len - 1] == 'S')))) {
				*ret_seconds = units[i].seconds;
				return 0;
			}
	return -EINVAL;
}

static int parse_ago(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	size_t len = strspn(text, "0123456789.");
	char number[16];
	uint64_t seconds;
	double count;
	char *end;

	if (!isdigit((unsigned char)*text) || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	count = strtod(number, &end);
	if (*end)
		return -EINVAL;
	text += len;
	text += strspn(text, " ");
	len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (find_unit(text, len, &seconds) < 0)
		return -EINVAL;
	text += len;
	text += strspn(text, " ");
	if (*text && strcasecmp(text, "ago"))
		return -EINVAL;
	count *= (double)seconds;
	if (!(count <= (double)(now_ns / NS_PER_S)))
		return -EINVAL;
	*ret_ns = now_ns - (uint64_t)(count * (double)NS_PER_S);
	return 0;
}

/* Midnight of the day that many days before today. */
static int parse_day(int days_back, uint64_t now_ns, uint64_t *ret_ns)
{
	time_t now = (time_t)(now_ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return -EINVAL;
	tm.tm_mday -= days_back; /* mktime carries over months, and knows days of 23 and 25 hours */
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	return from_seconds(mktime(&tm), 0, ret_ns);
}

int when_parse(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	if (!strcasecmp(text, "now")) {
		*ret_ns = now_ns;
		return 0;
	}
	if (!strcasecmp(text, "today"))
		return parse_day(0, now_ns, ret_ns);
	if (!strcasecmp(text, "yesterday"))
		return parse_day(1, now_ns, ret_ns);
	if (*text == '@' && isdigit((unsigned char)text[1])) {
		char *end;
		long long seconds;

		errno = 0;
		seconds = strtoll(text + 1, &end, 10);
		return errno || *end ? -EINVAL : from_seconds(seconds, 0, ret_ns);
	}
	if (!parse_calendar(text, ret_ns))
		return 0;
	return parse_ago(text, now_ns, ret_ns);
}

char *when_format(uint64_t ns, char out[WHEN_SIZE])
{
	time_t seconds = (time_t)(ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(out, "?");
	return out;
}

char *when_format_elapsed(double seconds, char out[ELAPSED_SIZE])
{
	uint64_t whole;

	if (!isfinite(seconds) || seconds < 0 || seconds > 1e12) {
		strcpy(out, "?");
		return out;
	}
	whole = (uint64_t)(seconds + 0.5);
	if (seconds < 9.9995)
		snprintf(out, ELAPSED_SIZE, "%.3fs", seconds);
	else if (seconds < 59.95)
		snprintf(out, ELAPSED_SIZE, "%.1fs", seconds);
	else if (whole < 3600)
		snprintf(out, ELAPSED_SIZE, "%dm%02ds", (int)(whole / 60), (int)(whole % 60));
	else if (whole < 86400)
		snprintf(out, ELAPSED_SIZE, "%dh%02dm", (int)(whole / 3600),
			 (int)(whole / 60 % 60));
	else
		snprintf(out, ELAPSED_SIZE, "%" PRIu64 "d%02dh", whole / 86400,
			 (int)(whole / 3600 % 24));
	return out;
}
