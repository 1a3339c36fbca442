// SPDX-License-Identifier: BSD-2-Clause
/* What another version stored is read member by member: each struct here has its members in reverse
 * order behind one that we don't know, so nothing stands where ours has it. */
#include "daemon/layout.h"
#include "bpf/event.h"
#include "daemon/event.h"
#include "daemon/journal.h"
#include "daemon/live.h"
#include "tests/unit/daemon_folder.h"

#include <bpf/btf.h>

static struct btf *own, *theirs;

static uint32_t size_theirs(uint32_t id);

/* An event's head comes first in any version. */
static bool has_head(const struct btf_type *type)
{
	return !strcmp(btf__name_by_offset(own, btf_members(type)->name_off), "head");
}

/* Where member number at of the struct stands in theirs. */
static uint32_t offset_theirs(const struct btf_type *type, uint16_t at)
{
	uint32_t offset = 8;

	if (has_head(type)) {
		if (!at)
			return 0;
		offset += size_theirs(btf_members(type)->type);
	}
	for (uint16_t i = btf_vlen(type) - 1; i > at; i--)
		offset += (size_theirs(btf_members(type)[i].type) + 7) & ~7U;
	return offset;
}

static uint32_t size_theirs(uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(own, btf__resolve_type(own, id));

	if (btf_is_array(type))
		return btf_array(type)->nelems * size_theirs(btf_array(type)->type);
	if (!btf_is_struct(type))
		return btf__resolve_size(own, id);
	if (has_head(type))
		return offset_theirs(type, 1) +
		       (btf_vlen(type) > 1 ? (size_theirs(btf_members(type)[1].type) + 7) & ~7U
					   : 0);
	return offset_theirs(type, 0) + ((size_theirs(btf_members(type)[0].type) + 7) & ~7U);
}

/* The same ids, names and numbers; other places. */
static int theirs_make(void **state)
{
	size_t len;
	const void *data = layout_own(&len);
	int number = 0;

	(void)state;
	own = btf__new(data, len);
	theirs = btf__new_empty();
	assert_non_null(own);
	for (uint32_t id = 1; id < btf__type_cnt(own); id++) {
		const struct btf_type *type = btf__type_by_id(own, id);

		if (btf_is_int(type) && type->size == 8)
			number = id;
	}
	for (uint32_t id = 1; id < btf__type_cnt(own); id++) {
		const struct btf_type *type = btf__type_by_id(own, id);

		if (!btf_is_struct(type)) {
			assert_int_equal(btf__add_type(theirs, own, type), id);
			continue;
		}
		assert_int_equal(btf__add_struct(theirs, btf__name_by_offset(own, type->name_off),
						 size_theirs(id)),
				 id);
		if (!has_head(type))
			assert_int_equal(btf__add_field(theirs, "unheard_of", number, 0, 0), 0);
		for (int i = btf_vlen(type) - 1; i >= 0; i--) {
			const struct btf_member *m = &btf_members(type)[i];

			assert_int_equal(btf__add_field(theirs,
							btf__name_by_offset(own, m->name_off),
							m->type, offset_theirs(type, i) * 8, 0),
					 0);
		}
	}
	return 0;
}

/* Where "a.b.c" of struct name stands, in theirs. */
static uint32_t place_of(const char *name, const char *path)
{
	const struct btf_type *type =
		btf__type_by_id(theirs, btf__find_by_name_kind(theirs, name, BTF_KIND_STRUCT));
	char copy[64], *rest = copy, *part;
	uint32_t offset = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((part = strsep(&rest, "."))) {
		const struct btf_member *m = btf_members(type);

		while (strcmp(btf__name_by_offset(theirs, m->name_off), part))
			m++;
		offset += m->offset / 8;
		type = btf__type_by_id(theirs, btf__resolve_type(theirs, m->type));
	}
	return offset;
}

#define PUT(data, name, member, value)                                                             \
	memcpy((data) + place_of(#name, #member), &(typeof(((struct name *)0)->member)){value},    \
	       sizeof(((struct name *)0)->member))

static struct layout *layout_theirs(void)
{
	struct layout *layout;
	uint32_t len;
	const void *data = btf__raw_data(theirs, &len);

	assert_int_equal(layout_new((struct bytes){data, len}, &layout), 0);
	return layout;
}

/* An mmap event of theirs, its path behind it. Its length. */
static size_t mapping_make(char *data, const char *path, uint32_t pid)
{
	uint32_t size = size_theirs(btf__find_by_name_kind(own, "event_mmap", BTF_KIND_STRUCT));

	memset(data, 0x5a, size);
	PUT(data, event_mmap, head.kind, EVENT_MMAP);
	PUT(data, event_mmap, head.size, size + strlen(path));
	PUT(data, event_mmap, head.pid, pid);
	PUT(data, event_mmap, head.start_ns, 123456789012ULL);
	PUT(data, event_mmap, head.exec_id, 3);
	PUT(data, event_mmap, head.seq, 41);
	PUT(data, event_mmap, head.cpu, 1);
	PUT(data, event_mmap, head.flags, 0);
	PUT(data, event_mmap, file.inode, 77);
	memcpy(data + place_of("event_mmap", "file.fstype"), "nfs4\0\0\0\0\0\0\0\0\0\0\0", 16);
	PUT(data, event_mmap, path.off, size);
	PUT(data, event_mmap, path.len, strlen(path));
	PUT(data, event_mmap, notes.off, 0);
	PUT(data, event_mmap, notes.len, 0);
	memcpy(data + size, path, strlen(path));
	return size + strlen(path);
}

static void an_event_is_read_by_its_names(void **state)
{
	static _Alignas(8) char data[4096], out[EVENT_MAX_BYTES];
	struct layout *layout = layout_theirs();
	const struct event_mmap *e = (void *)out;
	size_t len = mapping_make(data, "/opt/lib.so", 4711);

	(void)state;
	assert_int_equal(layout_event(layout, (struct bytes){data, len}, out), 0);
	assert_int_equal(e->head.kind, EVENT_MMAP);
	assert_int_equal(e->head.pid, 4711);
	assert_int_equal(e->head.start_ns, 123456789012ULL);
	assert_int_equal(e->head.exec_id, 3);
	assert_int_equal(e->file.inode, 77);
	assert_string_equal(e->file.fstype, "nfs4");
	assert_int_equal(e->path.len, 11);
	assert_memory_equal(event_bytes(&e->head, e->path).data, "/opt/lib.so", 11);
	/* one byte is missing; a span outside; another kind */
	assert_int_equal(layout_event(layout, (struct bytes){data, len - 1}, out), -EINVAL);
	PUT(data, event_mmap, path.len, 12);
	assert_int_equal(layout_event(layout, (struct bytes){data, len}, out), -EINVAL);
	mapping_make(data, "/opt/lib.so", 4711);
	PUT(data, event_mmap, head.kind, EVENT_KINDS);
	assert_int_equal(layout_event(layout, (struct bytes){data, len}, out), -EINVAL);
	layout_free(layout);
}

static void structs_are_compared_by_their_members(void **state)
{
	struct layout *layout = layout_theirs(), *same;
	size_t len;
	const void *data = layout_own(&len);

	(void)state;
	assert_int_equal(layout_new((struct bytes){data, len}, &same), 0);
	assert_true(layout_is_same(same, "event_exec"));
	assert_true(layout_is_same(same, "task_state"));
	assert_false(layout_is_same(layout, "task_state"));
	assert_false(layout_is_same(same, "no_such_struct"));
	assert_int_equal(layout_size(same, "event"), sizeof(struct event));
	assert_int_equal(layout_size(NULL, "event"), sizeof(struct event));
	assert_int_equal(layout_size(layout, "no_such_struct"), 0);
	layout_free(layout);
	layout_free(same);
}

static void a_description_of_nonsense_is_refused(void **state)
{
	static char garbage[997];
	struct layout *layout;

	(void)state;
	for (unsigned int seed = 0; seed < 101; seed++) {
		srandom(seed);
		for (size_t i = 0; i < sizeof(garbage); i++)
			garbage[i] = random();
		assert_int_equal(layout_new((struct bytes){garbage, sizeof(garbage)}, &layout),
				 -EINVAL);
	}
	assert_int_equal(layout_new((struct bytes){garbage, 0}, &layout), -EINVAL);
	assert_int_equal(layout_new((struct bytes){garbage, LAYOUT_BYTES_MAX + 1}, &layout),
			 -EINVAL);
}

struct told {
	unsigned int events, images, others;
	struct live_image_state image;
	uint32_t pids[4];
};

static void told_add(void *arg, uint32_t kind, struct bytes data)
{
	struct told *told = arg;
	const struct event *event;

	if (kind == JOURNAL_EVENT) {
		assert_int_equal(event_check(data, &event), 0);
		told->pids[told->events++] = event->pid;
	} else if (kind == JOURNAL_IMAGE) {
		assert_int_equal(data.len, sizeof(told->image));
		memcpy(&told->image, data.data, sizeof(told->image));
		told->images++;
	} else {
		assert_memory_equal(data.data, "{\"link\":1}", 10);
		told->others++;
	}
}

static size_t entry_put(char *at, uint32_t kind, const char *data, uint32_t len)
{
	uint32_t head[2] = {len + 1, kind};

	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), data, len);
	return sizeof(head) + ((len + 7) & ~7U);
}

/* The journal that their daemon left, killed: ours goes on with it, and has it in its own layout
 * from then on. */
static void a_journal_is_converted(void **state)
{
	static char file[65536], data[4096];
	char folder[64];
	uint32_t len, used = 16;
	const void *btf = btf__raw_data(theirs, &len);
	struct told told = {0};
	struct journal *journal;

	(void)state;
	folder_new(folder);
	memcpy(file, "RMJ2", 4);
	memcpy(file + 4, &len, 4);
	memcpy(file + 8, &(uint64_t){4711}, 8);
	memcpy(file + used, btf, len);
	used += (len + 7) & ~7U;
	len = mapping_make(data, "/a", 1001);
	used += entry_put(file + used, JOURNAL_EVENT, data, len);
	used += entry_put(file + used, JOURNAL_LINK, "{\"link\":1}", 10);
	len = size_theirs(btf__find_by_name_kind(own, "live_image_state", BTF_KIND_STRUCT));
	memset(data, 0, len);
	PUT(data, live_image_state, key.pid, 1001);
	PUT(data, live_image_state, begin_ns, 55);
	PUT(data, live_image_state, usage.read_bytes, 4096);
	memcpy(data + place_of("live_image_state", "comm"), "prog", 4);
	used += entry_put(file + used, JOURNAL_IMAGE, data, len);
	used += entry_put(file + used, 4711, "kind of the future", 18);
	len = mapping_make(data, "/b", 1002);
	used += entry_put(file + used, JOURNAL_EVENT, data, len);
	file_make(folder, "journal", (struct bytes){file, used});
	for (int again = 0; again < 2; again++) {
		told = (struct told){0};
		assert_int_equal(journal_new(folder, 1 << 20, told_add, &told, &journal), 0);
		assert_int_equal(journal_unread(journal), again ? 0 : 1);
		journal_free(journal);
		assert_int_equal(told.events, 2);
		assert_int_equal(told.images, 1);
		assert_int_equal(told.others, 1);
		assert_int_equal(told.pids[0], 1001);
		assert_int_equal(told.pids[1], 1002);
		assert_int_equal(told.image.key.pid, 1001);
		assert_int_equal(told.image.begin_ns, 55);
		assert_int_equal(told.image.usage.read_bytes, 4096);
		assert_string_equal(told.image.comm, "prog");
	}
	folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_read_by_its_names),
		cmocka_unit_test(structs_are_compared_by_their_members),
		cmocka_unit_test(a_description_of_nonsense_is_refused),
		cmocka_unit_test(a_journal_is_converted),
	};

	return cmocka_run_group_tests(tests, theirs_make, NULL);
}
