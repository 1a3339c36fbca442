// SPDX-License-Identifier: BSD-2-Clause
/*
 * One generation after another, with nothing lost or doubled.
 *
 * For a moment the gate names both, so that each event is told by one at least. Then the older one
 * is silent, its totals are carried over, and its ring, which nobody writes to any more, is drained
 * before the new one's. What both have told of is met the second time with its process known or
 * among those that ended last, and dropped (live.h).
 *
 * Killed at any point, the next start finds the gate, and folders of generations: those behind the
 * one that the gate names first never were alone and are removed; those before it are drained.
 */
#include "daemon/capture_state.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>

#define GRACE_US 100000 /* a program runs for some microseconds */

/* Every program that has begun before has ended: they run with preemption off or under RCU. */
static void grace(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(GRACE_US);
}

static void gate_set(struct capture *c, unsigned int at, uint32_t number)
{
	__atomic_store_n(&c->gate->active[at], number, __ATOMIC_SEQ_CST);
	grace();
}

/* A process' state of the older generation, unless the new one has one of its own by now. */
static void state_copy(const struct generation *from, const struct generation *to, size_t size,
		       uint32_t pid)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);
	_Alignas(8) char theirs[1024];
	struct task_state ours;

	if (fd < 0 || size > sizeof(theirs) || bpf_map_lookup_elem(from->states_fd, &fd, theirs))
		return;
	if (!layout_struct(from->layout, "task_state", (struct bytes){theirs, size}, &ours,
			   sizeof(ours)))
		(void)bpf_map_update_elem(to->states_fd, &fd, &ours, BPF_NOEXIST);
}

static void states_copy(struct capture *c, const struct generation *from)
{
	_cleanup_free_ struct event_task *tasks = NULL;
	ssize_t count = capture_scan(c, &tasks);

	for (ssize_t i = 0; i < count; i++)
		state_copy(from, &c->now, layout_size(from->layout, "task_state"), tasks[i].pid);
}

void capture_swap(struct capture *c, struct generation *from)
{
	gate_set(c, 1, c->now.number);
	if (from->layout && !layout_is_same(from->layout, "task_state"))
		states_copy(c, from);
	gate_set(c, 0, c->now.number);
}

/* An older generation's control, in this version's layout. */
static int control_read(const struct generation *g, struct control *ret)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	_cleanup_free_ char *value = NULL;

	if (g->control_fd < 0 || bpf_obj_get_info_by_fd(g->control_fd, &info, &len))
		return -errno;
	value = malloc(info.value_size);
	if (!value || bpf_map_lookup_elem(g->control_fd, &zero, value))
		return -errno;
	if (g->layout)
		return layout_struct(g->layout, "control", (struct bytes){value, info.value_size},
				     ret, sizeof(*ret));
	if (info.value_size != sizeof(*ret))
		return -EINVAL;
	memcpy(ret, value, sizeof(*ret));
	return 0;
}

void capture_carry(struct capture *c)
{
	struct control *now = c->now.control;

	for (unsigned int i = 0; i < c->old_count; i++) {
		struct generation *old = &c->old[i];
		struct capture_totals totals = {};
		struct control control = {};

		if (old->number <= now->carried || old->is_unreadable ||
		    control_read(old, &control) || generation_totals(old, &totals))
			continue;
		if (control.carried && i) /* it has those before it, which are counted here */
			control.before = (struct counters){}, control.missed_before = 0;
		counters_add(&now->before, &totals.sum);
		counters_add(&now->before, &control.before);
		now->missed_before += totals.missed_runs + control.missed_before;
		now->began_ns = MIN(now->began_ns, control.began_ns);
		now->told = control.told;
		now->missed_told = control.missed_told;
		now->carried = old->number;
	}
}

struct old_event {
	struct capture *capture;
	const struct generation *from;
};

static int take_old(void *arg, void *data, size_t len)
{
	static _Alignas(8) char converted[EVENT_MAX_BYTES];
	struct old_event *old = arg;
	struct capture *c = old->capture;
	const struct event *event;

	if (old->from->layout) {
		if (layout_event(old->from->layout, (struct bytes){data, len}, converted)) {
			c->unread++;
			return 0;
		}
		data = converted;
		len = ((struct event *)converted)->size;
	}
	if (event_check((struct bytes){data, len}, &event)) {
		c->unread++;
		return 0;
	}
	return c->sink(c->sink_arg, event);
}

/* Takes what is in the ring. 0 when nothing is left, or can't be had; else what stopped it. */
static int drain(struct capture *c, struct generation *old)
{
	struct old_event arg = {c, old};
	struct ring_buffer *ring;
	uint64_t used, size;
	int r = 0;

	if (old->ring_fd < 0)
		return 0;
	ring_size(old->ring_fd, &used, &size);
	if (!used)
		return 0;
	ring = old->is_unreadable ? NULL : ring_buffer__new(old->ring_fd, take_old, &arg, NULL);
	if (!ring) {
		c->unread += used / sizeof(struct event_exit) + 1; /* about so many */
		return 0;
	}
	r = ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return MIN(r, 0);
}

int capture_drain_old(struct capture *c)
{
	while (c->old_count) {
		struct generation *old = &c->old[0];
		uint32_t number = old->number;
		int r = drain(c, old);

		if (r < 0)
			return r;
		generation_close(old);
		pin_remove_generation(c->pin, number);
		c->old_count--;
		memmove(&c->old[0], &c->old[1], c->old_count * sizeof(c->old[0]));
	}
	return 0;
}
