/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Maps, and how an event is built and sent: in this CPU's scratch, which has room for the largest
 * one, then copied into the ring at its exact size. Nothing is stored under a task but what its own
 * end needs (struct task_state), in task storage, which the kernel frees with the task.
 */
#pragma once

#include "bpf/drift.h"
#include "bpf/event.h"

/* Set before loading, by userspace/daemon/hooks.c. */
const volatile __u32 page_shift = 12;
const volatile bool has_preempt_disable = false;
const volatile bool loader_at_exec = true; /* no hook sees the kernel's own mappings */
const volatile __u64 generation = 0;	   /* ours */

/*
 * A walk's state stands in scratch, not in registers: the verifier forgets what it knew of it at
 * each step, so that steps look alike and are checked once.
 *
 * Walks are static functions, though global ones would be checked once and not at each call (exec:
 * 54,000 instead of 228,000 instructions of 1,000,000): kernels that have bpf_preempt_disable()
 * refused to call them behind it at first ("global function calls are not allowed with preemption
 * disabled"; 6.12 does, 6.18 does not).
 */
struct walk {
	void *at, *mount; /* dentry and vfsmount, later mount; or kernfs_node */
	void *fs, *mm;
	u32 pos;
	u32 bits;
};

struct scratch {
	struct walk walk;
	char event[EVENT_MAX_BYTES];
	char path[2 * PATH_MAX_BYTES]; /* paths are built backwards in the first half */
	char headers[1024];	       /* auxiliary vector or program headers of an ELF64 program */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); /* per-CPU arrays stop at 32 KiB a value */
	__uint(max_entries, 1);		  /* number of CPUs */
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* written without system calls, which hold up probes */
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct gate);
} gate SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_state);
} states SEC(".maps");

extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* Scratch is this CPU's, so nobody may take the CPU meanwhile. Tracepoints run their programs with
 * preemption off up to 6.18; where later kernels don't, the kfuncs are there. */
static __always_inline void preempt_off(void)
{
	if (has_preempt_disable)
		bpf_preempt_disable();
}

static __always_inline void preempt_on(void)
{
	if (has_preempt_disable)
		bpf_preempt_enable();
}

/* Hides from the compiler where a value comes from: what is checked is then what is used. */
#define HIDE(value) asm volatile("" : "+r"(value))

static __always_inline struct scratch *scratch_get(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&scratches, &cpu);
}

static __always_inline struct counters *counters_get(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/*
 * Counts the event and says whether it is to be built: not by a generation that the gate doesn't
 * name, and, when nobody has drained for HEARTBEAT_STALE_NS, only counted.
 */
static __always_inline bool event_is_wanted(u32 kind)
{
	u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	struct gate *g = bpf_map_lookup_elem(&gate, &zero);
	struct counters *n = counters_get();

	if (!c || !g || !n || kind >= EVENT_KINDS)
		return false;
	if (g->active[0] != generation && g->active[1] != generation)
		return false;
	n->seen[kind]++;
	/* signed: the daemon may write it between our looking at the clock and at it */
	if ((s64)(bpf_ktime_get_boot_ns() - c->heartbeat_ns) < (s64)HEARTBEAT_STALE_NS)
		return true;
	n->not_watched[kind]++;
	return false;
}

static __always_inline void event_init(struct event *e, u32 kind, struct task_struct *leader)
{
	e->kind = kind;
	e->time_ns = bpf_ktime_get_boot_ns();
	e->start_ns = READ(leader, start_boottime);
	e->pid = READ(leader, tgid);
	e->exec_id = READ(leader, self_exec_id);
	e->cpu = bpf_get_smp_processor_id();
	e->flags = 0;
	e->traits = 0;
	e->pad = 0;
}

/* Sends size bytes of the event; false if the ring was full. The reader is woken only when much
 * waits: a wakeup for each event is what costs. */
static __always_inline bool event_send(struct event *e, u64 size)
{
	u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	struct counters *n = counters_get();
	u64 flags = BPF_RB_NO_WAKEUP;
	u32 kind = e->kind;

	if (!c || !n || size > EVENT_MAX_BYTES || kind >= EVENT_KINDS)
		return false;
	e->size = size;
	e->seq = ++n->seq;
	for (int bit = 0; bit < EVENT_FLAG_BITS; bit++)
		if (e->flags & (1 << bit))
			n->flagged[bit]++;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) >= c->wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, e, size, flags)) {
		n->ring_full[kind]++;
		return false;
	}
	return true;
}
