// SPDX-License-Identifier: BSD-2-Clause
/*
 * Programs that run long are looked at again, after 1 s, 10 s, 100 s and so on: what they have
 * mapped by then is known if they are killed later. Only those that may open objects at all; one
 * after the other, by the thread that reads /proc and may hang (daemon/scan_thread.h).
 */
#include "daemon/preload_state.h"

#define FIRST_NS NS_PER_S
#define TIMES	 10		  /* as much longer each time */
#define EVERY_NS (20 * NS_PER_MS) /* one process in this time */

void told_look_again(struct preload *p, struct told *t)
{
	t->level = 0;
	t->again_due_ns = t->begin_ns + FIRST_NS;
	told_look_never(p, t);
	if (!p->options.scanner || t->end_memory == 0 || t->is_copy)
		return;
	t->is_looked_at = true;
	TAILQ_INSERT_TAIL(&p->again[0], t, again);
}

void told_look_never(struct preload *p, struct told *t)
{
	if (t->is_looked_at)
		TAILQ_REMOVE(&p->again[t->level], t, again);
	t->is_looked_at = false;
}

/* Another program may have taken its place without telling. */
static bool is_its_program(const struct preload *p, const struct told *t,
			   const struct scan_read *read)
{
	struct live_found found;
	const struct event_exec *e;

	if (!live_find(tracker_live(p->options.tracker), t->key.pid, t->key.start_ns, 1, &found) ||
	    !found.image || !found.image->exec || found.key.exec_id != t->key.exec_id)
		return false;
	e = found.image->exec;
	return e->file.inode && read->program.inode == e->file.inode;
}

static void tell_mapping(struct preload *p, const struct told *t, const struct scan_mapping *m)
{
	struct event_mmap *e = &p->room.mapping;

	memset(e, 0, sizeof(*e));
	e->head = (struct event){.kind = EVENT_MMAP,
				 .size = sizeof(*e) + m->path_len,
				 .seq = 1,
				 .cpu = UINT32_MAX,
				 .time_ns = node_boot_ns(),
				 .start_ns = t->key.start_ns,
				 .pid = t->key.pid,
				 .exec_id = t->key.exec_id,
				 .traits = TRAIT_TOLD | TRAIT_SCANNED};
	e->file.inode = m->inode;
	e->file.device = m->device;
	e->path = (struct span){sizeof(*e), m->path_len};
	e->notes = (struct span){sizeof(*e), 0};
	memcpy(e + 1, m->path, m->path_len);
	if (tracker_has_room(p->options.tracker))
		tracker_told(p->options.tracker, &e->head);
}

static void tell_mappings(struct preload *p, const struct told *t, const struct scan_read *read)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < read->maps_count; i++) {
		const struct scan_mapping *m = (const void *)(read->maps + at);

		/* the program itself: on overlayfs its file may show another device */
		if (m->inode != read->program.inode || m->device != read->program.device)
			tell_mapping(p, t, m);
		at += (sizeof(*m) + m->path_len + 7) & ~7U;
	}
}

static void look(struct preload *p, const struct told *t)
{
	unsigned int done;
	const struct scan_read *read = scanner_read(p->options.scanner, t->key.pid, &done);

	if (read && (done & SCAN_STATUS) && (done & SCAN_MAPS) && read->is_program &&
	    is_its_program(p, t, read))
		tell_mappings(p, t, read);
}

/* The lists are in the order of time: who enters one later is due later. */
void preload_look_again(struct preload *p, uint64_t now_ns)
{
	uint64_t after_ns = FIRST_NS;

	if (!p->options.scanner || now_ns < p->again_due_ns)
		return;
	for (unsigned int level = 0; level < PRELOAD_LEVELS; level++, after_ns *= TIMES) {
		struct told *t = TAILQ_FIRST(&p->again[level]);

		if (!t || now_ns < t->again_due_ns)
			continue;
		told_look_never(p, t);
		p->again_due_ns = now_ns + EVERY_NS;
		look(p, t);
		if (level + 1 == PRELOAD_LEVELS)
			return;
		t->level = level + 1;
		t->again_due_ns = t->begin_ns + after_ns * TIMES;
		t->is_looked_at = true;
		TAILQ_INSERT_TAIL(&p->again[t->level], t, again);
		return;
	}
}
