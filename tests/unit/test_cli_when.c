/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as people say them. The time zone is a POSIX one, so that no zone files are needed. */
#include "tests/unit/unit.h"

#include "cli/when.h"

#include <errno.h>
#include <time.h>

/* 2026-11-21T09:52:21.358243Z: a Saturday, 10:52:21 in the zone below. */
#define NOW_S  1795254741ULL
#define NOW_NS (NOW_S * NS_PER_S + 358243000)
#define ZONE   "CET-1CEST,M3.5.0,M10.5.0/3"
#define S(n)   ((uint64_t)(n)*NS_PER_S)

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", ZONE, 1);
	tzset();
	return 0;
}

static void understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
		{"2026-11-21T09:52:21Z", S(NOW_S)},
		{"2026-11-21t09:52:21z", S(NOW_S)},
		{"2026-11-21T09:52:21.358243Z", NOW_NS},
		{"2026-11-21T09:52:21.3582430001234Z", NOW_NS},
		{"2026-11-21T10:52:21+01:00", S(NOW_S)},
		{"2026-11-21T04:22:21-05:30", S(NOW_S)},
		{"2026-11-21 09:52:21Z", S(NOW_S)},
		{"2026-11-21 10:52:21", S(NOW_S)},
		{"2026-11-21T10:52", S(NOW_S - 21)},
		{"2026-11-21 10:52:21.5", S(NOW_S) + NS_PER_S / 2},
		{"2026-11-21", S(NOW_S - 10 * 3600 - 52 * 60 - 21)},
		{"today", S(NOW_S - 10 * 3600 - 52 * 60 - 21)},
		{"yesterday", S(NOW_S - 34 * 3600 - 52 * 60 - 21)},
		{"now", NOW_NS},
		/* Summer time, and the days that have 23 and 25 hours. */
		{"2026-07-01", S(1782856800)},
		{"2026-03-29 03:00", S(1774746000)},
		{"2026-03-29 01:59:59", S(1774745999)},
		{"2024-02-29T00:00:00Z", S(1709164800)},
		{"1970-01-01T00:00:00Z", 0},
		{"2261-12-31T23:59:59Z", S(9214646399)},
		{"@1795254741", S(NOW_S)},
		{"90s", NOW_NS - S(90)},
		{"90 sec", NOW_NS - S(90)},
		{"1second", NOW_NS - S(1)},
		{"5m", NOW_NS - S(300)},
		{"5min", NOW_NS - S(300)},
		{"5 minutes ago", NOW_NS - S(300)},
		{"2h", NOW_NS - S(7200)},
		{"2 hours ago", NOW_NS - S(7200)},
		{"2 HOURS AGO", NOW_NS - S(7200)},
		{"1.5h", NOW_NS - S(5400)},
		{"3d", NOW_NS - S(3 * 86400)},
		{"1w", NOW_NS - S(7 * 86400)},
		{"1 week ago", NOW_NS - S(7 * 86400)},
		{"1y", NOW_NS - S(365 * 86400)},
		{"0s", NOW_NS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 1;

		if (when_parse(cases[i].text, NOW_NS, &ns))
			fail_msg("\"%s\" is not understood", cases[i].text);
		/* How long ago is a double: good to a microsecond over decades. */
		if (ns > cases[i].ns + 1000 || ns + 1000 < cases[i].ns)
			fail_msg("\"%s\" is %llu, not %llu", cases[i].text, (unsigned long long)ns,
				 (unsigned long long)cases[i].ns);
	}
}

static void refused(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"soon",
		"2026",
		"2026-11",
		"2026-13-01",
		"2026-00-01",
		"2026-11-31",
		"2025-02-29",
		"26-11-21",
		"2026-11-21T",
		"2026-11-21T25:00:00Z",
		"2026-11-21T10:60",
		"2026-11-21T10:52:61Z",
		"2026-11-21T10:52:21.Z",
		"2026-11-21T10:52:21 +01:00",
		"2026-11-21T10:52:21+0100",
		"2026-11-21T10:52:21+24:00",
		"2026-11-21T10:52:21Zjunk",
		"2026-11-21x",
		"1969-12-31T23:59:59Z",
		"2262-01-01",
		"9999-99-99",
		"@",
		"@-1",
		"@12x",
		"@99999999999999999999",
		"2",
		"2x",
		"2 parsecs",
		"-2h",
		"2h later",
		"1.2.3h",
		".5h",
		"0x10s",
		"1e3s",
		"99999999999999d",
		"2ss",
		"2ms",
		"500y",
		"\xff\xff",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t ns = 4711;

		if (when_parse(cases[i], NOW_NS, &ns) != -EINVAL)
			fail_msg("\"%s\" is not refused", cases[i]);
		assert_int_equal(ns, 4711);
	}
}

static void midnight_over_a_change_of_clocks(void **state)
{
	uint64_t ns;

	(void)state;
	/* 2026-03-29 12:00 local; that day has 23 hours. */
	assert_int_equal(when_parse("today", S(1774778400), &ns), 0);
	assert_int_equal(ns, S(1774738800));
	assert_int_equal(when_parse("yesterday", S(1774778400), &ns), 0);
	assert_int_equal(ns, S(1774738800 - 86400));
	/* 2026-10-25 12:00 local; that day has 25. */
	assert_int_equal(when_parse("today", S(1792926000), &ns), 0);
	assert_int_equal(ns, S(1792879200));
}

static void shown(void **state)
{
	char out[WHEN_SIZE];

	(void)state;
	assert_string_equal(when_format(NOW_NS, out), "2026-11-21 10:52:21");
	assert_string_equal(when_format(0, out), "1970-01-01 01:00:00");
}

static void elapsed(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{0, "0.000s"},	    {0.0004, "0.000s"}, {0.012, "0.012s"},
		{9.9994, "9.999s"}, {9.9996, "10.0s"},	{59.94, "59.9s"},
		{59.96, "1m00s"},   {60, "1m00s"},	{192, "3m12s"},
		{3599.4, "59m59s"}, {3599.6, "1h00m"},	{7500, "2h05m"},
		{86399.7, "1d00h"}, {273600, "3d04h"},	{31536000 * 10.0, "3650d00h"},
		{-1, "?"},	    {1e300, "?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[ELAPSED_SIZE];

		assert_string_equal(when_format_elapsed(cases[i].seconds, out), cases[i].text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(understood, set_zone),
		cmocka_unit_test_setup(refused, set_zone),
		cmocka_unit_test_setup(midnight_over_a_change_of_clocks, set_zone),
		cmocka_unit_test_setup(shown, set_zone),
		cmocka_unit_test(elapsed),
	};

	return cmocka_run_group_tests_name("cli_when", tests, NULL, NULL);
}
