/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a process has used, and its parent.
 *
 * Sums of threads that are gone stand in signal_struct (added under siglock in __exit_signal(),
 * which also takes the thread off thread_head); those of threads still listed, the leader's after
 * it exited first among them, are added here. So each thread counts once.
 */
#pragma once

#include "bpf/core.h"

#define PF_KTHREAD 0x00200000

static __always_inline void usage_add_thread(struct event_usage *u, struct task_struct *t)
{
	u->user_ns += READ(t, utime);
	u->system_ns += READ(t, stime);
	u->runtime_ns += READ(t, se.sum_exec_runtime);
	u->minor_faults += READ(t, min_flt);
	u->major_faults += READ(t, maj_flt);
	if (bpf_core_field_exists(t->ioac.read_bytes)) { /* CONFIG_TASK_IO_ACCOUNTING */
		u->read_bytes += READ(t, ioac.read_bytes);
		u->write_bytes += READ(t, ioac.write_bytes);
	}
}

/* All that the process has used since its fork, max_rss as the kernel inherits it. True if
 * complete. */
static __always_inline bool usage_read(struct event_usage *u, struct task_struct *task)
{
	struct signal_struct *signal = READ(task, signal);
	struct list_head *head =
		(void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	struct list_head *node = READ(head, next);

	u->user_ns = READ(signal, utime);
	u->system_ns = READ(signal, stime);
	u->runtime_ns = READ(signal, sum_sched_runtime);
	u->minor_faults = READ(signal, min_flt);
	u->major_faults = READ(signal, maj_flt);
	u->read_bytes = u->write_bytes = 0;
	if (bpf_core_field_exists(signal->ioac.read_bytes)) {
		u->read_bytes = READ(signal, ioac.read_bytes);
		u->write_bytes = READ(signal, ioac.write_bytes);
	}
	u->max_rss = READ(signal, maxrss) << page_shift;
	for (int i = 0; i < THREADS_MAX; i++) {
		if (node == head || !node)
			return true;
		usage_add_thread(u, (void *)node -
					    bpf_core_field_offset(struct task_struct, thread_node));
		node = READ(node, next);
	}
	return node == head;
}

#define LESS(a, b) ((a) > (b) ? (a) - (b) : 0)

/* now - then, but for max_rss, which is not a sum */
static __always_inline void usage_subtract(struct event_usage *now, const struct event_usage *then)
{
	now->user_ns = LESS(now->user_ns, then->user_ns);
	now->system_ns = LESS(now->system_ns, then->system_ns);
	now->runtime_ns = LESS(now->runtime_ns, then->runtime_ns);
	now->minor_faults = LESS(now->minor_faults, then->minor_faults);
	now->major_faults = LESS(now->major_faults, then->major_faults);
	now->read_bytes = LESS(now->read_bytes, then->read_bytes);
	now->write_bytes = LESS(now->write_bytes, then->write_bytes);
}

/* Where a CPU's part of per-CPU memory is: learnt from a map of ours, whose value for that CPU and
 * per-CPU pointer are both known, since data symbols may not be. */
static __always_inline u64 percpu_offset(u32 cpu)
{
	u32 zero = 0;
	void *pointers[2] = {&counters, bpf_map_lookup_percpu_elem(&counters, &zero, cpu)};
	u64 numbers[2] = {};
	struct bpf_array *array;

	/* pointers may be passed on but not reckoned with: read back from the stack they are
	 * numbers */
	bpf_probe_read_kernel(numbers, sizeof(numbers), pointers);
	array = (void *)numbers[0];
	return numbers[1] ? numbers[1] - (u64)BPF_CORE_READ(array, pptrs[0]) : 0;
}

const volatile __u32 cpu_count = 1;
#define RSS_CPUS_MAX                                                                               \
	64 /* above, the counter's own error (32 pages a CPU the process ran on) stays */

/* Resident pages of s->walk.mm, all kinds but swap (MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES). */
static __noinline u64 rss_walk(void)
{
	struct scratch *s = scratch_get();
	struct mm_struct *mm = s ? s->walk.mm : NULL;
	struct mm_struct___6_2 *new = (void *)mm;
	struct mm_struct___5_10 *old = (void *)mm;
	s64 pages = 0;

	if (!mm)
		return 0;
	if (!mm_rss_is_percpu(mm))
		return READ(old, rss_stat.count[0].counter) + READ(old, rss_stat.count[1].counter) +
		       READ(old, rss_stat.count[3].counter);
	pages = READ(new, rss_stat[0].count) + READ(new, rss_stat[1].count) +
		READ(new, rss_stat[3].count);
	u64 file = (u64)READ(new, rss_stat[0].counters);
	u64 anon = (u64)READ(new, rss_stat[1].counters);
	u64 shmem = (u64)READ(new, rss_stat[3].counters);

	for (u32 cpu = 0; cpu < RSS_CPUS_MAX; cpu++) {
		s32 part = 0;
		u64 offset;

		if (cpu >= cpu_count)
			break;
		offset = percpu_offset(cpu);
		if (!offset)
			continue;
		if (!bpf_probe_read_kernel(&part, sizeof(part), (void *)(file + offset)))
			pages += part;
		if (!bpf_probe_read_kernel(&part, sizeof(part), (void *)(anon + offset)))
			pages += part;
		if (!bpf_probe_read_kernel(&part, sizeof(part), (void *)(shmem + offset)))
			pages += part;
	}
	return pages > 0 ? pages : 0;
}

#define ANCESTORS_MAX 64

/* The host's namespaces are those of its first process, from which all others descend. */
static __always_inline void namespaces_learn(struct task_struct *task)
{
	u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c || c->host_mount_ns)
		return;
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		if (READ(task, tgid) <= 1) {
			c->host_user_ns = READ(READ(READ(task, cred), user_ns), ns.inum);
			c->host_mount_ns = READ(READ(READ(task, nsproxy), mnt_ns), ns.inum);
			return;
		}
		task = READ(task, real_parent);
	}
}

/* A user may mount anything over anything in a mount namespace of his own. */
static __always_inline u32 namespace_traits(struct task_struct *task)
{
	u32 zero = 0, traits = TRAIT_NAMESPACES;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	u32 mount_ns = READ(READ(READ(task, nsproxy), mnt_ns), ns.inum);
	u32 user_ns = READ(READ(READ(task, cred), user_ns), ns.inum);

	if (!c || !c->host_mount_ns || !c->host_user_ns || !mount_ns || !user_ns)
		return 0;
	if (mount_ns != c->host_mount_ns)
		traits |= TRAIT_MOUNT_OTHER;
	if (user_ns != c->host_user_ns)
		traits |= TRAIT_USER_OTHER;
	return traits;
}

static __always_inline void parent_read(struct task_struct *task, u64 *start_ns, u32 *pid,
					u32 *exec_id)
{
	struct task_struct *parent = READ(READ(task, real_parent), group_leader);

	*start_ns = READ(parent, start_boottime);
	*pid = READ(parent, tgid);
	*exec_id = READ(parent, self_exec_id);
}
