/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages, end areas and files of the preload module, from any bytes: what is read lies inside of
 * the input, which is a copy of just that size; and what a message makes are whole events.
 */
#include "common/run_read.h"
#include "daemon/preload_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bytes whole;

static void check_inside(struct bytes part)
{
	if (part.len && (part.data < whole.data || part.len > whole.len ||
			 (size_t)(part.data - whole.data) > whole.len - part.len))
		abort();
}

static void check_text(const struct run_text *text, size_t max, bool has_nul)
{
	check_inside(text->text);
	if (text->text.len > max || (text->text.len && !text->is_there) ||
	    (!has_nul && text->text.len && memchr(text->text.data, '\0', text->text.len)))
		abort();
}

static void check_event(union preload_room *room)
{
	/* of just its size: a read behind it is found */
	_cleanup_free_ char *copy = malloc(room->head.size);
	const struct event *event;

	memcpy(copy, room, room->head.size);
	if (event_check((struct bytes){copy, room->head.size}, &event))
		abort();
}

static void check_objects(const struct run_read *m, const struct live_key *key)
{
	static union preload_room room;
	struct bytes items = m->items, path;
	struct run_object object;
	unsigned int count = 0;

	while (run_read_object(&items, &object, &path)) {
		check_inside(path);
		if (!path.len || object.build_id_len > sizeof(object.build_id))
			abort();
		preload_make_object(&object, path, key, 1, &room);
		check_event(&room);
		count++;
	}
	if (count != m->object_count)
		abort();
}

static void check(const struct run_read *m)
{
	static union preload_room room;
	struct preload_about about = {.key = {1, 7, 3}, .cgroup = m->cgroup.text};

	if (m->pid > RUN_PID_MAX || m->process.ppid > RUN_PID_MAX ||
	    m->process.boot_ns > RUN_SPAN_MAX || m->start_ticks > RUN_TICKS_MAX ||
	    (m->has_usage && m->process.read_bytes > RUN_USAGE_MAX))
		abort();
	check_text(&m->exe, RUN_MESSAGE_PATH, false);
	check_text(&m->requested, RUN_MESSAGE_PATH, false);
	check_text(&m->cwd, RUN_MESSAGE_PATH, false);
	check_text(&m->cgroup, RUN_MESSAGE_CGROUP, false);
	check_text(&m->argv, RUN_MESSAGE_ARGV, true);
	check_text(&m->env, RUN_MESSAGE_ENV, true);
	check_text(&m->host, RUN_HOST_MAX, false);
	check_text(&m->boot, RUN_BOOT_LEN, false);
	check_text(&m->spool_file, RUN_MESSAGE_PATH, false);
	preload_make_exec(m, &about, &room);
	check_event(&room);
	if (m->has_program) {
		preload_make_program(m, &about.key, 1, &room);
		check_event(&room);
	}
	check_objects(m, &about.key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size + 1);
	struct run_read message;
	struct run_end end;
	struct bytes area;

	memcpy(copy, data, size);
	copy = realloc(copy, MAX(size, 1));
	whole = (struct bytes){copy, size};
	if (!run_read(whole, &message))
		check(&message);
	if (!run_read_end(whole, 0x1122334455667788u, &end))
		check(&end.message);
	if (!run_read_file(whole, &message, &area)) {
		check(&message);
		check_inside(area);
		(void)run_read_end(area, message.random[0], &end);
	}
	return 0;
}
