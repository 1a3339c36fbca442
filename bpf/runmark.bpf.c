// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side of Runmark. For each fact (exec, fork, mapping, exit) there is one worker that
 * builds and sends the event, and a program for each hook that can tell it;
 * userspace/daemon/hooks.c chooses which of them are loaded.
 */
#include "bpf/exec.h"
#include "bpf/exit.h"
#include "bpf/mapping.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROT_EXEC     4
#define MAP_ANONYMOUS 0x20
#define MAX_ERRNO     4095

/* --- mappings */

/*
 * Tracepoint rung. The system call's arguments are still in its registers, and the descriptor's
 * file is the one mapped, unless another thread of the same process changed the descriptor in
 * between. Not seen: 32-bit programs, mprotect(+x).
 */
SEC("tp/syscalls/sys_exit_mmap")
int mapping_tracepoint(struct trace_event_raw_sys_exit *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct file **slot, *file = NULL;
	struct fdtable *fdt;
	u32 fd;

	if ((unsigned long)ctx->ret >= (unsigned long)-MAX_ERRNO)
		return 0;
	if (!(SYSCALL_PROT(regs) & PROT_EXEC) || (SYSCALL_FLAGS(regs) & MAP_ANONYMOUS))
		return 0;
	fd = SYSCALL_FD(regs);
	fdt = READ(READ(task, files), fdt);
	slot = READ(fdt, fd);
	if (fd < READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), slot + fd);
	preempt_off();
	tell_mapping(task, file, 0);
	preempt_on();
	return 0;
}

/* Trampoline and probe rungs: security_mmap_file() is asked about every mapping, the kernel's own
 * of program and loader and those of 32-bit programs included, just before it is made. */
static __always_inline int tell_asked_mapping(struct file *file, unsigned long prot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mm_struct *mm = READ(task, mm);

	if (!file || !(prot & PROT_EXEC))
		return 0;
	preempt_off();
	tell_mapping(task, file, READ(mm, exe_file) == file ? TRAIT_BEFORE_MAIN : 0);
	preempt_on();
	return 0;
}

SEC("fentry/security_mmap_file")
int BPF_PROG(mapping_fentry, struct file *file, unsigned long prot)
{
	return tell_asked_mapping(file, prot);
}

SEC("kprobe/security_mmap_file")
int BPF_KPROBE(mapping_kprobe, struct file *file, unsigned long prot)
{
	return tell_asked_mapping(file, prot);
}

/* --- exec */

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_tracepoint, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	preempt_off();
	tell_exec(task, bprm);
	preempt_on();
	return 0;
}

/* --- fork */

static __always_inline int tell_fork(struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *leader = READ(parent, group_leader);
	struct event_fork e;

	if (!event_is_wanted(EVENT_FORK))
		return 0;
	__builtin_memset(&e, 0, sizeof(e));
	event_init(&e.head, EVENT_FORK, child);
	e.parent_start_ns = READ(leader, start_boottime);
	e.parent_pid = READ(leader, tgid);
	e.parent_exec_id = READ(leader, self_exec_id);
	event_send(&e.head, sizeof(e));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork_tracepoint, struct task_struct *parent, struct task_struct *child)
{
	if (child->pid != child->tgid || (child->flags & PF_KTHREAD))
		return 0;
	preempt_off();
	tell_fork(parent, child);
	preempt_on();
	return 0;
}

/* --- exit */

static __always_inline int tell_end(struct task_struct *task)
{
	preempt_off();
	tell_exit(task);
	preempt_on();
	return 0;
}

/* 6.16 and later, where the tracepoint says that this is the last thread and mm is still there. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_tracepoint_dead, struct task_struct *task, bool group_dead)
{
	return group_dead ? tell_end(task) : 0;
}

/* Before: called from do_exit() before exit_mm(), so the notes can be read. */
SEC("fentry/taskstats_exit")
int BPF_PROG(exit_fentry, struct task_struct *task, int group_dead)
{
	return group_dead ? tell_end(task) : 0;
}

SEC("kprobe/taskstats_exit")
int BPF_KPROBE(exit_kprobe, struct task_struct *task, int group_dead)
{
	return group_dead ? tell_end(bpf_get_current_task_btf()) : 0;
}

/* Last rung: no memory any more, and two last threads may both see live == 0; the daemon drops
 * doubles. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_tracepoint_live, struct task_struct *task)
{
	return READ(READ(task, signal), live.counter) ? 0 : tell_end(task);
}

/* --- what runs already */

SEC("iter/task")
int scan_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct event_task e;

	if (!task || task->pid != task->tgid || (task->flags & PF_KTHREAD))
		return 0;
	e.start_ns = task->start_boottime;
	e.pid = task->tgid;
	e.exec_id = task->self_exec_id;
	namespaces_learn(task);
	e.traits = namespace_traits(task);
	e.pad = 0;
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}
