/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The worker of the fact "exit": how it ended and what it used. */
#pragma once

#include "bpf/file.h"
#include "bpf/task.h"

#define SIGNAL_GROUP_EXIT 0x00000004

/*
 * The end of a process: called in its last thread, before it gives up its memory where mm is true.
 * Status as do_wait() computes it: group_exit_code under SIGNAL_GROUP_EXIT, else the leader's.
 */
static __always_inline void tell_exit_usage(struct scratch *s, struct event_exit *e,
					    struct task_struct *task, struct task_state *state,
					    struct mm_struct *mm)
{
	u64 inherited = 0, own = 0, high;

	if (!usage_read(&e->usage, task))
		e->head.flags |= EVENT_USAGE_PARTIAL;
	if (state && state->exec_id) {
		inherited = state->at_exec.max_rss;
		usage_subtract(&e->usage, &state->at_exec);
		if (state->exec_id == e->head.exec_id) /* else killed inside an exec */
			e->head.traits |= TRAIT_HAD_STATE;
	}
	if (e->usage.max_rss > inherited) {
		e->head.traits |= TRAIT_RSS_EXACT;
		return;
	}
	/* the past of this process was larger than this image ever was: ask its own memory */
	if (!mm)
		return;
	s->walk.mm = mm;
	own = rss_walk();
	high = READ(mm, hiwater_rss);
	if (high > own)
		own = high;
	e->usage.max_rss = own << page_shift;
	e->head.traits |= TRAIT_RSS_EXACT;
}

static __always_inline int tell_exit(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct signal_struct *signal = READ(task, signal);
	struct mm_struct *mm = READ(task, mm);
	struct scratch *s = scratch_get();
	struct task_state *state;
	struct event_exit *e;
	u32 off = sizeof(*e);

	if (!s || (READ(task, flags) & PF_KTHREAD) || !event_is_wanted(EVENT_EXIT))
		return 0;
	e = (void *)s->event;
	event_init(&e->head, EVENT_EXIT, leader);
	parent_read(leader, &e->parent_start_ns, &e->parent_pid, &e->parent_exec_id);
	e->uid = READ(READ(task, cred), uid.val);
	e->wait_status = READ(signal, flags) & SIGNAL_GROUP_EXIT ? READ(signal, group_exit_code)
								 : READ(leader, exit_code);
	if (READ(signal, oom_mm))
		e->head.traits |= TRAIT_OOM;
	bpf_probe_read_kernel(e->comm, sizeof(e->comm),
			      (void *)leader + bpf_core_field_offset(struct task_struct, comm));
	state = bpf_task_storage_get(&states, leader, 0, 0);
	tell_exit_usage(s, e, task, state, mm);
	e->notes.off = off;
	e->notes.len = 0;
	if (!state || !(state->notes_told || state->is_ignored))
		e->notes.len = notes_write(s, mm, off);
	event_send(&e->head, off + e->notes.len);
	return 0;
}
