/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program says on standard error. */
#include "tests/unit/unit.h"

#include "common/log.h"

#include <errno.h>

/* Standard error goes to a file while say() runs; what was said. */
static char *hear(void (*say)(void))
{
	static char text[32768];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t len;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

static void say_error(void)
{
	errno = ENOSPC;
	assert_int_equal(log_err(-ENOENT, "cannot open spool %s", "/x"), -ENOENT);
	assert_int_equal(log_err(0, "plain"), 0);
	assert_int_equal(log_warn(-EINVAL, "odd"), -EINVAL);
	log_info("%d events", 23);
	assert_int_equal(errno, ENOSPC);
}

static void one_line_a_message(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(hear(say_error),
			    "test: cannot open spool /x: No such file or directory\n"
			    "test: plain\ntest: odd: Invalid argument\ntest: 23 events\n");
}

static void priorities_for_the_journal(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "8:1", 1);
	assert_string_equal(hear(say_error),
			    "<3>test: cannot open spool /x: No such file or directory\n"
			    "<3>test: plain\n<4>test: odd: Invalid argument\n"
			    "<6>test: 23 events\n");
	unsetenv("JOURNAL_STREAM");
}

static void say_hostile(void)
{
	log_info("%s", "a\nb\x1b[2J\tm\xc3\xbcll\xff\u202e\\");
}

static void users_text_is_escaped(void **state)
{
	(void)state;
	assert_string_equal(hear(say_hostile),
			    "test: a\\x0ab\\x1b[2J\\x09m\xc3\xbcll\\xff\\xe2\\x80\\xae\\\n");
}

static void say_long(void)
{
	char text[20011];

	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_err(-EIO, "%s", text);
}

static void long_messages_are_cut(void **state)
{
	char *text = hear(say_long);

	(void)state;
	assert_true(strlen(text) < 17000);
	assert_string_equal(text + strlen(text) - 25, "\\x0a: Input/output error\n");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void say_lines(void)
{
	assert_int_equal(log_err_lines(-EINVAL, "a: one\nb: two"), -EINVAL);
	assert_int_equal(log_err_lines(-ENOMEM, NULL), -ENOMEM);
}

static void lines_are_messages(void **state)
{
	(void)state;
	assert_string_equal(hear(say_lines), "test: a: one\ntest: b: two\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_a_message),
		cmocka_unit_test(priorities_for_the_journal),
		cmocka_unit_test(users_text_is_escaped),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(lines_are_messages),
	};

	log_init("test");
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
