// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends. What a program leaves at its end is the user's to write, also while it is read: it is read
 * once, into our own memory, and no more of it than an end area has.
 */
#include "daemon/preload_state.h"
#include "daemon/live_image.h"
#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>

#define DRAIN_MAX_NS NS_PER_S
#define LOOK_NS	     NS_PER_S

/* The object's place in the list: what the kernel maps first comes first. */
static bool is_in_turn(struct bytes path, bool loaders)
{
	return path_is_loader(path) == loaders;
}

void preload_tell_objects(struct preload *p, const struct run_read *m, const struct live_key *key,
			  uint64_t time_ns)
{
	for (int loaders = 1; loaders >= 0; loaders--) {
		struct bytes items = m->items, path;
		struct run_object object;

		while (run_read_object(&items, &object, &path)) {
			if (!is_in_turn(path, loaders))
				continue;
			preload_make_object(&object, path, key, time_ns, &p->room);
			tracker_told(p->options.tracker, &p->room.head);
		}
	}
}

/* --- where the end will stand */

void told_open_end(struct preload *p, struct told *t, const struct run_read *m)
{
	t->end_memory = m->end_memory.address ?: m->has_later;
	if (m->spool_file.is_there && p->options.spool_fd >= 0)
		told_file_open(p, t, m->spool_file.text);
	else if (m->end_memory.size)
		t->memory = facts_memory(tracker_facts(p->options.tracker), t->key.pid, t->uid,
					 m->end_memory.address, m->end_memory.size);
}

bool told_must_wait(struct told *t, uint64_t now_ns)
{
	return t->memory && t->memory->state == FACT_ASKED &&
	       now_ns < t->end_seen_ns + PRELOAD_END_WAIT_NS;
}

/* --- it ends */

/* What it left; -ENODATA: nothing. */
static int end_read(struct preload *p, const struct told *t, struct run_end *ret)
{
	int fd = t->file;
	ssize_t len;

	if (t->memory && t->memory->state == FACT_KNOWN)
		fd = t->memory->fd;
	if (fd < 0)
		return -ENODATA;
	len = fs_pread_all(fd, p->area, sizeof(p->area), fd == t->file ? t->file_offset : 0);
	if (len < 0)
		return -ENODATA;
	return run_read_end((struct bytes){p->area, len}, t->token, ret);
}

/* True if it told its end. */
static bool tell_left(struct preload *p, struct told *t, uint64_t time_ns)
{
	struct run_end left;

	if (t->is_copy || t->is_told_end || end_read(p, t, &left))
		return t->is_told_end;
	p->counts.end_memory++;
	t->has_closed = left.closed;
	preload_tell_objects(p, &left.message, &t->key, time_ns);
	return true;
}

static uint32_t exit_traits(const struct told *t, bool is_told)
{
	const struct end *end = &t->end;
	uint32_t traits = TRAIT_TOLD;

	traits |= is_told ? TRAIT_TOLD_END : 0;
	traits |= t->end_memory && (!is_told || t->has_closed) ? TRAIT_OBJECTS_BEGIN : 0;
	/* a program that tells of itself does so after its exec */
	traits |= end->exec_ns > t->begin_ns ? TRAIT_FOLLOWED : 0;
	traits |= end->has_status ? 0 : TRAIT_STATUS_UNKNOWN;
	traits |= end->has_usage ? TRAIT_RSS_EXACT : 0;
	traits |= end->has_usage || end->has_times ? 0 : TRAIT_USAGE_UNKNOWN;
	traits |= end->has_usage || end->has_io ? 0 : TRAIT_USAGE_TIMES;
	return traits;
}

void told_end(struct preload *p, struct told *t)
{
	uint64_t now_ns = p->options.node->is_past ? INT64_MAX : node_boot_ns();
	uint64_t time_ns = MIN(MAX(t->end.time_ns, t->begin_ns), now_ns);
	struct event_exit *e = &p->room.exit;
	struct live_found found;
	bool is_told;

	/* the kernel side may have told its end meanwhile */
	if (!live_find(tracker_live(p->options.tracker), t->key.pid, t->key.start_ns, 1, &found))
		return;
	if (t->is_lost_end) {
		live_gone(tracker_live(p->options.tracker), t->key.pid, t->key.start_ns);
		ended_put(p, &t->key, t->is_copy ? 0 : t->token, time_ns);
		return;
	}
	told_copies_end(p, t);
	is_told = tell_left(p, t, time_ns);
	memset(e, 0, sizeof(*e));
	e->head = (struct event){.kind = EVENT_EXIT,
				 .size = sizeof(*e),
				 .seq = 1,
				 .cpu = UINT32_MAX,
				 .time_ns = time_ns,
				 .start_ns = t->key.start_ns,
				 .pid = t->key.pid,
				 .exec_id = t->key.exec_id,
				 .traits = exit_traits(t, is_told)};
	if (t->end.is_partial)
		e->head.flags |= EVENT_USAGE_PARTIAL;
	e->uid = t->uid;
	e->wait_status = t->end.wait_status;
	e->usage = t->end.usage;
	memcpy(e->comm, t->end.comm, sizeof(e->comm));
	e->comm[sizeof(e->comm) - 1] = '\0';
	e->notes = (struct span){sizeof(*e), 0};
	tracker_told(p->options.tracker, &e->head);
	p->counts.ends++;
	ended_put(p, &t->key, t->is_copy ? 0 : t->token, time_ns);
}

static void end_set(struct preload *p, struct told *t, const struct end *end)
{
	if (t->is_unwatched)
		TAILQ_REMOVE(&p->unwatched, t, queue);
	t->is_unwatched = false;
	t->has_end = true;
	t->end = *end;
	t->end_seen_ns = node_boot_ns();
	TAILQ_INSERT_TAIL(&p->ending, t, queue);
}

void told_gone(struct preload *p, struct told *t)
{
	struct end end = {.pid = t->key.pid, .time_ns = node_boot_ns()};

	if (!t->has_end)
		end_set(p, t, &end);
}

void preload_end(void *arg, const struct end *end)
{
	struct preload *p = arg;
	struct told *t = told_find(p, end->pid);

	/* else of who had the number before */
	if (t && !t->has_end &&
	    (!t->has_start || !end->start_ns || end->start_ns == t->key.start_ns))
		end_set(p, t, end);
	else
		forks_free(end->forks);
}

void told_file_end(struct preload *p, struct told *t, const struct run_read *m, struct bytes area)
{
	struct end end = {.pid = t->key.pid, .time_ns = t->begin_ns};
	struct run_end left;
	bool is_told = !run_read_end(area, m->random[0], &left);

	if (p->look.is_there) { /* it goes on */
		told_watch(p, t, -1);
		return;
	}
	if (is_told) {
		p->counts.end_memory++;
		end.time_ns += left.elapsed_ns;
		preload_tell_objects(p, &left.message, &t->key, end.time_ns);
	}
	t->is_told_end = is_told;
	t->has_closed = is_told && left.closed;
	t->end_memory = area.len || m->has_later;
	t->is_lost_end = !is_told;
	if (!t->has_end)
		end_set(p, t, &end);
	forks_free(t->end.forks);
	t->end = end;
}

/* Whose end nobody tells. */
static void look_for_unwatched(struct preload *p)
{
	struct told *t, *next;
	uint64_t start_ns;
	uint32_t ppid;

	for (t = TAILQ_FIRST(&p->unwatched); t; t = next) {
		next = TAILQ_NEXT(t, queue);
		if (preload_look_stat(t->key.pid, p->options.node->tick_ns, &ppid, &start_ns) &&
		    (!t->has_start || start_ns == t->key.start_ns))
			continue;
		live_gone(tracker_live(p->options.tracker), t->key.pid, t->key.start_ns);
		told_remove(p, t);
	}
}

bool preload_is_settled(const struct preload *p)
{
	return TAILQ_EMPTY(&p->ending) && TAILQ_EMPTY(&p->waiting);
}

void preload_advance(struct preload *p, bool is_drained)
{
	uint64_t now_ns = node_boot_ns();
	struct told *t, *next;

	preload_folder_take(p, is_drained);
	for (t = TAILQ_FIRST(&p->ending); t; t = next) {
		next = TAILQ_NEXT(t, queue);
		if (!is_drained && now_ns < t->end_seen_ns + DRAIN_MAX_NS)
			break;
		if (!tracker_has_room(p->options.tracker))
			break;
		if (told_must_wait(t, now_ns))
			continue;
		told_end(p, t);
		told_remove(p, t);
	}
	preload_look_again(p, now_ns);
	if (now_ns >= p->look_due_ns) {
		p->look_due_ns = now_ns + LOOK_NS;
		look_for_unwatched(p);
	}
}
