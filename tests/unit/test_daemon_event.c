// SPDX-License-Identifier: BSD-2-Clause
/* Events are whole or refused: sizes, spans, kinds; and each flag has its words. */
#include "tests/unit/unit.h"

#include "tests/unit/daemon_events.h"

#include <errno.h>

static union event_room room;

static int check(size_t len)
{
	const struct event *event = NULL;
	int r = event_check((struct bytes){room.bytes, len}, &event);

	assert_ptr_equal(event, r ? NULL : &room.head);
	return r;
}

static void make(uint32_t kind)
{
	struct event head = {.pid = 7};

	memset(&room, 0, sizeof(room));
	switch (kind) {
	case EVENT_EXEC:
		event_make_exec(&room, &head, &(struct exec_texts){.env = bytes_of("A=1")});
		break;
	case EVENT_MMAP:
		event_make_mmap(&room, &head, 5, bytes_of("/lib/a.so"));
		break;
	case EVENT_EXIT:
		event_make_exit(&room, &head, 0);
		break;
	case EVENT_FORK:
		room.head = (struct event){.kind = EVENT_FORK, .size = sizeof(room.fork)};
	}
}

static void whole_events_pass(void **state)
{
	(void)state;
	for (uint32_t kind = EVENT_EXEC; kind < EVENT_KINDS; kind++) {
		make(kind);
		assert_int_equal(check(room.head.size), 0);
		assert_int_equal(check(room.head.size + 8), 0);
	}
}

static void cut_events_are_refused(void **state)
{
	(void)state;
	for (uint32_t kind = EVENT_EXEC; kind < EVENT_KINDS; kind++) {
		make(kind);
		for (size_t len = 0; len < room.head.size; len++)
			assert_int_equal(check(len), -EINVAL);
	}
}

static void sizes_that_do_not_fit_the_kind_are_refused(void **state)
{
	static const size_t fixed[EVENT_KINDS] = {0, sizeof(room.exec), sizeof(room.fork),
						  sizeof(room.mmap), sizeof(room.exit)};

	(void)state;
	for (uint32_t kind = EVENT_EXEC; kind < EVENT_KINDS; kind++) {
		make(kind);
		room.head.size = fixed[kind] - 1;
		assert_int_equal(check(sizeof(room)), -EINVAL);
		room.head.size = UINT32_MAX;
		assert_int_equal(check(sizeof(room)), -EINVAL);
		room.head.size = 0;
		assert_int_equal(check(sizeof(room)), -EINVAL);
	}
}

static void unknown_kinds_are_refused(void **state)
{
	static const uint32_t unknown[] = {0, EVENT_KINDS, EVENT_KINDS + 1, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		make(EVENT_EXEC);
		room.head.kind = unknown[i];
		assert_int_equal(check(room.head.size), -EINVAL);
		assert_string_equal(event_kind_name(unknown[i]), "unknown");
	}
	assert_string_equal(event_kind_name(EVENT_MMAP), "mmap");
}

#define SPAN_AT(kind, type, member)                                                                \
	{                                                                                          \
		kind, offsetof(struct type, member)                                                \
	}

static void spans_stay_inside(void **state)
{
	static const struct {
		uint32_t kind;
		size_t at;
	} spans[] = {
		SPAN_AT(EVENT_EXEC, event_exec, exe),	 SPAN_AT(EVENT_EXEC, event_exec, requested),
		SPAN_AT(EVENT_EXEC, event_exec, interp), SPAN_AT(EVENT_EXEC, event_exec, cwd),
		SPAN_AT(EVENT_EXEC, event_exec, cgroup), SPAN_AT(EVENT_EXEC, event_exec, cgroup_v1),
		SPAN_AT(EVENT_EXEC, event_exec, argv),	 SPAN_AT(EVENT_EXEC, event_exec, env),
		SPAN_AT(EVENT_MMAP, event_mmap, path),	 SPAN_AT(EVENT_MMAP, event_mmap, notes),
		SPAN_AT(EVENT_EXIT, event_exit, notes),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		uint32_t size, bad[5][2];

		make(spans[i].kind);
		size = room.head.size;
		memcpy(bad,
		       (uint32_t[5][2]){{size, 1},
					{size + 1, 0},
					{0, size + 1},
					{UINT32_MAX, 2},
					{8, UINT32_MAX - 3}},
		       sizeof(bad));
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			make(spans[i].kind);
			memcpy(room.bytes + spans[i].at, bad[j], sizeof(bad[j]));
			assert_int_equal(check(size), -EINVAL);
		}
		memcpy(room.bytes + spans[i].at, (uint32_t[2]){size, 0}, sizeof(struct span));
		assert_int_equal(check(size), 0);
	}
}

static void a_file_systems_name_has_an_end(void **state)
{
	(void)state;
	make(EVENT_EXEC);
	memset(room.exec.file.fstype, 'x', sizeof(room.exec.file.fstype));
	assert_int_equal(check(room.head.size), -EINVAL);
	room.exec.file.fstype[15] = '\0';
	assert_int_equal(check(room.head.size), 0);
	make(EVENT_MMAP);
	memset(room.mmap.file.fstype, 'x', sizeof(room.mmap.file.fstype));
	assert_int_equal(check(room.head.size), -EINVAL);
}

static void misaligned_data_is_refused(void **state)
{
	const struct event *event;

	(void)state;
	make(EVENT_FORK);
	memmove(room.bytes + 4, room.bytes, room.head.size);
	assert_int_equal(event_check((struct bytes){room.bytes + 4, sizeof(room) - 4}, &event),
			 -EINVAL);
}

/* "FACT: reason" is what the schema asks for. */
static void each_flag_has_its_words(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < EVENT_FLAG_BITS; bit++) {
		const char *text = event_flag_text(bit);
		size_t fact = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.");

		assert_true(fact > 0 && !strncmp(text + fact, ": ", 2) && text[fact + 2]);
		assert_true(*event_flag_name(bit));
		for (unsigned int other = 0; other < bit; other++)
			assert_string_not_equal(event_flag_name(bit), event_flag_name(other));
	}
	assert_null(event_flag_text(EVENT_FLAG_BITS));
	assert_null(event_flag_name(EVENT_FLAG_BITS));
	assert_string_equal(event_flag_text(2), "argv: cut at 16384 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_events_pass),
		cmocka_unit_test(cut_events_are_refused),
		cmocka_unit_test(sizes_that_do_not_fit_the_kind_are_refused),
		cmocka_unit_test(unknown_kinds_are_refused),
		cmocka_unit_test(spans_stay_inside),
		cmocka_unit_test(a_file_systems_name_has_an_end),
		cmocka_unit_test(misaligned_data_is_refused),
		cmocka_unit_test(each_flag_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
