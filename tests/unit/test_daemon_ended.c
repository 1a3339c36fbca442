// SPDX-License-Identifier: BSD-2-Clause
/* The processes that ended last: against a plain list, and what the table makes of events about
 * them. */
#include "tests/unit/unit.h"

#include "daemon/live_ended.h"
#include "tests/unit/daemon_script.h"

#define STEPS 40009

static struct ended_process process_of(uint32_t number)
{
	/* few pids, and starts that differ in their low bits or their high ones */
	struct live_key key = {(uint64_t)(number / 97) << (number % 2 ? 0 : 30), 100 + number % 97,
			       number};

	return (struct ended_process){.key = key, .run = {number, 1 + number, 1}};
}

static void the_last_ones_are_found_and_no_other(void **state)
{
	static uint32_t list[ENDED_KEPT]; /* numbers, oldest first from the first-th on */
	struct ended *ended = ended_new();
	uint32_t random = 1, count = 0, first = 0;

	(void)state;
	assert_non_null(ended);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t number = step, other, back;
		struct ended_process process = process_of(number);
		const struct ended_process *found;

		assert_null(ended_find(ended, process.key.pid, process.key.start_ns));
		ended_add(ended, &process);
		if (count == ENDED_KEPT)
			first = (first + 1) % ENDED_KEPT;
		else
			count++;
		list[(first + count - 1) % ENDED_KEPT] = number;
		random = random * 1103515245 + 12345;
		back = (random >> 8) % (2 * ENDED_KEPT);
		if (back > step)
			continue;
		other = step - back;
		process = process_of(other);
		found = ended_find(ended, process.key.pid, process.key.start_ns);
		if (back < count)
			assert_memory_equal(found, &process, sizeof(process));
		else
			assert_null(found);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct ended_process want = process_of(list[(first + i) % ENDED_KEPT]);

		assert_memory_equal(ended_at(ended, i), &want, sizeof(want));
	}
	assert_int_equal(count, ENDED_KEPT);
	assert_null(ended_at(ended, count));
	ended_free(ended);
}

static void told_again_it_is_replaced(void **state)
{
	struct ended *ended = ended_new();
	struct ended_process process = process_of(7);

	(void)state;
	for (uint32_t i = 0; i < 3 * ENDED_KEPT; i++) {
		process.run.exec_id = i;
		ended_add(ended, &process);
	}
	assert_int_equal(ended_find(ended, process.key.pid, process.key.start_ns)->run.exec_id,
			 3 * ENDED_KEPT - 1);
	assert_null(ended_at(ended, 1));
	ended_free(ended);
}

/* Whatever is told of a process that ended begins nothing, unless ENDED_KEPT others have ended
 * since. */
static void an_ended_process_stays_ended(void **state)
{
	static const char *const late[] = {"E7.1", "M7.1a", "F6.1>7", "X7.1", "S7.1", "X7.0"};
	static union event_room room;
	static struct facts *facts; /* facts_free() leaves it to workers */

	(void)state;
	assert_int_equal(facts_new(0, &facts), 0);
	for (size_t i = 0; i < ARRAY_SIZE(late); i++) {
		struct live_counts counts;
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		script_apply(live, "E7.1 M7.1a X7.1", 0, UINT32_MAX);
		for (uint32_t n = 0; n < ENDED_KEPT - 1; n++) {
			struct script_word word = {.kind = 'X', .key = {n + 1, 1000 + n, 1}};

			script_event(&word, 5, &room);
			live_apply(live, &room.head, false);
		}
		script_apply(live, late[i], 0, 1);
		live_counts(live, &counts);
		assert_int_equal(counts.processes, 0);
		script_apply(live, "X6.1", 0, 1);
		script_apply(live, late[i], 0, 1);
		live_counts(live, &counts);
		assert_int_equal(counts.processes, *late[i] != 'X');
		live_free(live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_ones_are_found_and_no_other),
		cmocka_unit_test(told_again_it_is_replaced),
		cmocka_unit_test(an_ended_process_stays_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
