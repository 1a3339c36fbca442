// SPDX-License-Identifier: BSD-2-Clause
/* One pass over the items, by a table of what each kind may be. */
#include "common/run_read.h"

#include <errno.h>

#define PAD_8(n)       (((n) + 7) & ~(size_t)7)
#define END_MEMORY_MAX (1u << 20)
#define END_PAGE       4096u

enum form {
	FORM_UNKNOWN,
	FORM_STRUCT,  /* to offset, size bytes at most; that it was there to has */
	FORM_TEXT,    /* to the struct run_text at offset, size bytes at most, without NUL */
	FORM_STRINGS, /* the same with NULs */
	FORM_OBJECT,
};

#define MEMBER(name)	  offsetof(struct run_read, name), sizeof(((struct run_read *)0)->name)
#define TEXT(name, limit) offsetof(struct run_read, name), (limit)

static const struct kind {
	enum form form;
	size_t offset, size;
	size_t has; /* offset of a bool, 0: none */
} kinds[RUN_ITEM_KINDS] = {
	[RUN_ITEM_PROCESS] = {FORM_STRUCT, MEMBER(process), offsetof(struct run_read, has_process)},
	[RUN_ITEM_FILE] = {FORM_STRUCT, MEMBER(file), offsetof(struct run_read, has_file)},
	[RUN_ITEM_EXE] = {FORM_TEXT, TEXT(exe, RUN_MESSAGE_PATH), 0},
	[RUN_ITEM_REQUESTED] = {FORM_TEXT, TEXT(requested, RUN_MESSAGE_PATH), 0},
	[RUN_ITEM_CWD] = {FORM_TEXT, TEXT(cwd, RUN_MESSAGE_PATH), 0},
	[RUN_ITEM_CGROUP] = {FORM_TEXT, TEXT(cgroup, RUN_MESSAGE_CGROUP), 0},
	[RUN_ITEM_ARGV] = {FORM_STRINGS, TEXT(argv, RUN_MESSAGE_ARGV), 0},
	[RUN_ITEM_ENV] = {FORM_STRINGS, TEXT(env, RUN_MESSAGE_ENV), 0},
	[RUN_ITEM_PROGRAM] = {FORM_STRUCT, MEMBER(program), offsetof(struct run_read, has_program)},
	[RUN_ITEM_OBJECT] = {FORM_OBJECT, 0, 0, 0},
	[RUN_ITEM_END_MEMORY] = {FORM_STRUCT, MEMBER(end_memory),
				 offsetof(struct run_read, has_later)},
	[RUN_ITEM_HOST] = {FORM_TEXT, TEXT(host, RUN_HOST_MAX), 0},
	[RUN_ITEM_BOOT] = {FORM_TEXT, TEXT(boot, RUN_BOOT_LEN), 0},
	[RUN_ITEM_START] = {FORM_STRUCT, MEMBER(start_ticks), 0},
	[RUN_ITEM_SPOOL_FILE] = {FORM_TEXT, TEXT(spool_file, RUN_MESSAGE_PATH), 0},
};

struct item {
	struct run_item head;
	struct bytes data;
};

/* The next item, and items behind it. 0, -ENODATA at the end, -EINVAL. */
static int item_next(struct bytes *items, struct item *ret)
{
	size_t step;

	if (!items->len)
		return -ENODATA;
	if (items->len < sizeof(ret->head))
		return -EINVAL;
	memcpy(&ret->head, items->data, sizeof(ret->head));
	ret->data = (struct bytes){items->data + sizeof(ret->head), ret->head.len};
	if (ret->data.len > items->len - sizeof(ret->head))
		return -EINVAL;
	step = MIN(sizeof(ret->head) + PAD_8(ret->data.len), items->len);
	items->data += step;
	items->len -= step;
	return 0;
}

static bool object_is_sound(const struct run_object *object)
{
	return object->has_watermark <= 1 && object->build_id_len <= sizeof(object->build_id);
}

static bool take_object(struct bytes data, struct run_object *ret, struct bytes *ret_path)
{
	if (data.len <= sizeof(*ret) || data.len - sizeof(*ret) >= RUN_MESSAGE_PATH)
		return false;
	memcpy(ret, data.data, sizeof(*ret));
	*ret_path = (struct bytes){data.data + sizeof(*ret), data.len - sizeof(*ret)};
	return object_is_sound(ret) && !memchr(ret_path->data, '\0', ret_path->len) &&
	       memchr(ret_path->data, '/', ret_path->len);
}

static bool take_text(const struct kind *kind, const struct item *item, struct run_read *m)
{
	struct run_text *text = (void *)((char *)m + kind->offset);

	if (item->data.len > kind->size || (kind->form == FORM_TEXT && item->data.len &&
					    memchr(item->data.data, '\0', item->data.len)))
		return false;
	*text = (struct run_text){.text = item->data,
				  .is_there = true,
				  .is_cut = item->head.flags & RUN_ITEM_CUT,
				  .is_fault = item->head.flags & RUN_ITEM_FAULT};
	return !text->is_fault || !item->data.len;
}

static bool take_item(const struct item *item, struct run_read *m)
{
	const struct kind *kind = &kinds[item->head.kind];
	struct run_object object;
	struct bytes path;

	switch (kind->form) {
	case FORM_STRUCT:
		memcpy((char *)m + kind->offset, item->data.data, MIN(item->data.len, kind->size));
		if (kind->has)
			*((bool *)m + kind->has) = true;
		return true;
	case FORM_TEXT:
	case FORM_STRINGS:
		return take_text(kind, item, m);
	case FORM_OBJECT:
		m->object_count++;
		m->has_more |= item->head.flags & RUN_ITEM_MORE;
		return take_object(item->data, &object, &path);
	default:
		return true;
	}
}

static bool has_usage(const struct run_process *p)
{
	return (p->user_ns || p->system_ns || p->minor_faults || p->major_faults) &&
	       p->user_ns <= RUN_CPU_MAX && p->system_ns <= RUN_CPU_MAX &&
	       p->minor_faults <= RUN_USAGE_MAX && p->major_faults <= RUN_USAGE_MAX &&
	       p->read_bytes <= RUN_USAGE_MAX && p->write_bytes <= RUN_USAGE_MAX &&
	       p->max_rss <= RUN_USAGE_MAX;
}

/* Numbers of processes, and times: a record of others would be refused by all of its readers. */
static bool process_is_sound(const struct run_read *m)
{
	const struct run_process *p = &m->process;

	return m->pid <= RUN_PID_MAX && p->ppid <= RUN_PID_MAX && p->boot_ns <= RUN_SPAN_MAX &&
	       m->start_ticks <= RUN_TICKS_MAX && p->unix_ns <= RUN_UNIX_MAX &&
	       (!p->unix_ns || p->unix_ns >= p->boot_ns);
}

/* What items alone don't show to be wrong. */
static bool message_is_sound(struct run_read *m)
{
	const struct run_end_memory *end = &m->end_memory;

	m->has_later |= m->spool_file.is_there;
	m->has_usage = has_usage(&m->process);
	if (!process_is_sound(m))
		return false;
	if (m->has_program && !object_is_sound(&m->program))
		return false;
	if (m->boot.is_there && m->boot.text.len != RUN_BOOT_LEN)
		return false;
	if (m->host.is_there &&
	    (!m->host.text.len || memchr(m->host.text.data, '/', m->host.text.len)))
		return false;
	return !end->size ||
	       (end->size >= sizeof(struct run_end_area) + sizeof(struct run_message) &&
		end->size <= END_MEMORY_MAX && end->address % END_PAGE == 0 &&
		end->size % END_PAGE == 0 && end->address <= UINT64_MAX - end->size);
}

int run_read(struct bytes message, struct run_read *ret)
{
	struct run_read m = {};
	struct run_message head;
	uint32_t seen = 0;
	struct bytes items;
	struct item item;
	int r;

	if (message.len < sizeof(head))
		return -EINVAL;
	memcpy(&head, message.data, sizeof(head));
	if (head.magic != RUN_MESSAGE_MAGIC || head.size < sizeof(head) ||
	    head.size > MIN(message.len, (size_t)RUN_MESSAGE_MAX) || head.phase < RUN_BEGIN ||
	    head.phase > RUN_OPT_OUT)
		return -EINVAL;
	m.phase = head.phase;
	m.pid = head.pid;
	memcpy(m.random, head.random, sizeof(m.random));
	m.items = items = (struct bytes){message.data + sizeof(head), head.size - sizeof(head)};
	while (!(r = item_next(&items, &item))) {
		uint32_t bit;

		if (item.head.kind >= RUN_ITEM_KINDS || kinds[item.head.kind].form == FORM_UNKNOWN)
			continue;
		bit = 1u << item.head.kind;
		if ((seen & bit) && kinds[item.head.kind].form != FORM_OBJECT)
			return -EINVAL;
		seen |= bit;
		m.has_more |= item.head.flags & RUN_ITEM_MORE;
		if (!take_item(&item, &m))
			return -EINVAL;
	}
	if (r != -ENODATA || !message_is_sound(&m))
		return -EINVAL;
	*ret = m;
	return 0;
}
_Static_assert(RUN_ITEM_KINDS <= 32, "a bit for each kind");

bool run_read_object(struct bytes *items, struct run_object *ret, struct bytes *ret_path)
{
	struct item item;

	while (!item_next(items, &item))
		if (item.head.kind == RUN_ITEM_OBJECT)
			return take_object(item.data, ret, ret_path);
	return false;
}

int run_read_end(struct bytes area, uint64_t token, struct run_end *ret)
{
	struct run_end_area head;
	struct run_end end = {};
	int r;

	if (area.len < sizeof(head))
		return -EINVAL;
	memcpy(&head, area.data, sizeof(head));
	if (!head.is_told)
		return -ENODATA;
	if (head.is_told != 1)
		return -EINVAL;
	r = run_read((struct bytes){area.data + sizeof(head), area.len - sizeof(head)},
		     &end.message);
	if (r)
		return r;
	if (end.message.phase != RUN_END || end.message.random[0] != token)
		return -EINVAL;
	if (head.monotonic_ns && head.begin_ns && head.monotonic_ns >= head.begin_ns)
		end.elapsed_ns = head.monotonic_ns - head.begin_ns;
	if (end.elapsed_ns > RUN_SPAN_MAX)
		end.elapsed_ns = 0;
	end.closed = head.closed;
	*ret = end;
	return 0;
}

int run_read_file(struct bytes file, struct run_read *ret, struct bytes *ret_area)
{
	struct run_file_head head;
	struct bytes area = {file.data, 0};
	struct run_read m;
	int r;

	if (file.len < sizeof(head))
		return -EINVAL;
	memcpy(&head, file.data, sizeof(head));
	if (head.magic != RUN_FILE_MAGIC || head.message_size > RUN_MESSAGE_MAX ||
	    head.message_size > file.len - sizeof(head) || head.end_offset % RUN_END_AREA)
		return -EINVAL;
	if (head.end_offset && head.end_offset < sizeof(head) + head.message_size)
		return -EINVAL;
	r = run_read((struct bytes){file.data + sizeof(head), head.message_size}, &m);
	if (r)
		return r;
	if (m.phase != RUN_BEGIN && m.phase != RUN_OPT_OUT)
		return -EINVAL;
	/* one whose end found no room on its disk has none */
	if (head.end_offset && head.end_offset < file.len)
		area = (struct bytes){file.data + head.end_offset,
				      MIN(file.len - head.end_offset, (size_t)RUN_END_AREA)};
	*ret = m;
	*ret_area = area;
	return 0;
}
