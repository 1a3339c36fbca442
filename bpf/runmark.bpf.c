// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side of Runmark. For each fact (exec, fork, mapping, exit) there is one worker that
 * builds and sends the event, and a program for each hook that can tell it;
 * userspace/daemon/hooks.c chooses which of them are loaded.
 */
#include "bpf/core.h"
#include "bpf/file.h"
#include "bpf/path.h"
#include "bpf/task.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PF_KTHREAD	  0x00200000
#define SIGNAL_GROUP_EXIT 0x00000004
#define PROT_EXEC	  4
#define VM_EXEC		  4
#define MAP_ANONYMOUS	  0x20
#define MAX_ERRNO	  4095

/* --- mappings */

/*
 * One executable mapping of file into the current process. traits: TRAIT_BEFORE_MAIN when exec
 * itself maps. The first one of an image brings the program's notes along: from here on they can be
 * read (never before the program's pages were touched).
 */
static __always_inline int tell_mapping(struct task_struct *task, struct file *file, u32 traits)
{
	struct task_struct *leader = task->group_leader;
	struct fs_struct *fs = READ(task, fs);
	struct mm_struct *mm = READ(task, mm);
	struct scratch *s = scratch_get();
	struct task_state *state;
	struct event_mmap *e;
	u32 off = sizeof(*e), path;

	if (!s || !event_is_wanted(EVENT_MMAP, READ(task, tgid)))
		return 0;
	e = (void *)s->event;
	event_init(&e->head, EVENT_MMAP, leader);
	e->head.traits = traits;
	state = bpf_task_storage_get(&states, leader, 0, 0);
	if (state && state->objects++ >= OBJECTS_MAX) {
		if (state->objects > OBJECTS_MAX + 1)
			return 0;
		e->head.flags |= EVENT_OBJECTS_LIMIT;
	}
	e->path.off = off;
	e->path.len = 0;
	if (file) {
		file_user_path(file, &s->walk.at, &s->walk.mount);
		file_read(&e->file, READ((struct dentry *)s->walk.at, d_inode));
		s->walk.fs = fs;
		path = path_walk(off);
		if (path & PATH_RESULT_CUT)
			e->head.flags |= EVENT_OBJECT_CUT;
		if (path & PATH_RESULT_DELETED)
			e->head.traits |= TRAIT_DELETED;
		e->path.len = path & PATH_RESULT_LEN;
	} else {
		__builtin_memset(&e->file, 0, sizeof(e->file));
		e->head.flags |= EVENT_OBJECT_FAULT;
	}
	off += (e->path.len + 7) & ~7;
	e->notes.off = off;
	e->notes.len = 0;
	if (state && !state->notes_told && !(traits & TRAIT_BEFORE_MAIN)) {
		e->notes.len = notes_write(s, mm, off);
		if (e->notes.len)
			state->notes_told = true;
		off += e->notes.len;
	}
	event_send(&e->head, off);
	return 0;
}

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

/* [start, end) of the new image's memory to the event at off; bytes copied. Exec has just written
 * it, so it is there without a fault. */
static __always_inline u32 user_copy(struct event_exec *e, u32 off, u64 start, u64 end,
				     const u32 max, u32 cut, u32 fault)
{
	u64 len = end - start;

	if (end <= start)
		return 0;
	if (len > max) {
		len = max;
		e->head.flags |= cut;
	}
	if (off > EVENT_MAX_BYTES - max ||
	    bpf_probe_read_user((char *)e + off, len, (void *)start)) {
		e->head.flags |= fault;
		return 0;
	}
	return len;
}

/* A kernel string of at most max bytes (its NUL excluded) to the event at off. */
static __always_inline u32 string_copy(struct event_exec *e, u32 off, const char *string,
				       const u32 max, u32 cut)
{
	long len;

	if (off > EVENT_MAX_BYTES - max)
		return 0;
	len = bpf_probe_read_kernel_str((char *)e + off, max, string);
	if (len <= 0)
		return 0;
	if (len == max)
		e->head.flags |= cut;
	return len - 1;
}

/* The path's length out of a walk's result; its bits go to the event. */
static __always_inline u32 path_result(struct event_exec *e, u32 result, u32 cut)
{
	if (result & PATH_RESULT_CUT)
		e->head.flags |= cut;
	return result & PATH_RESULT_LEN;
}

#define ALIGN8(n) (((n) + 7) & ~7U)
/* keeps the running offset where the verifier can see its bounds */
#define ADVANCE(e, off, span, bytes)                                                               \
	do {                                                                                       \
		(e)->span.off = off;                                                               \
		(e)->span.len = (bytes);                                                           \
		off += ALIGN8((e)->span.len);                                                      \
	} while (0)

/* The deepest group among v1's controllers: a task of Slurm has its own only where one asked for
 * it. */
static __always_inline struct cgroup *cgroup_v1_deepest(struct css_set *set, struct cgroup *v2)
{
	struct cgroup *best = NULL;
	int level = 0;

#define TRY(controller)                                                                            \
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller)) {                       \
		int id = bpf_core_enum_value(enum cgroup_subsys_id, controller);                   \
		struct cgroup_subsys_state *css = NULL;                                            \
		struct cgroup *cgroup;                                                             \
                                                                                                   \
		bpf_probe_read_kernel(&css, sizeof(css),                                           \
				      (void *)set +                                                \
					      bpf_core_field_offset(struct css_set, subsys) +      \
					      id * sizeof(void *));                                \
		cgroup = READ(css, cgroup);                                                        \
		if (cgroup && cgroup != v2 && cgroup_level(cgroup) > level) {                      \
			level = cgroup_level(cgroup);                                              \
			best = cgroup;                                                             \
		}                                                                                  \
	}
	TRY(memory_cgrp_id)
	TRY(freezer_cgrp_id)
	TRY(cpuset_cgrp_id)
	TRY(pids_cgrp_id)
	TRY(devices_cgrp_id)
	TRY(cpuacct_cgrp_id)
#undef TRY
	return best;
}

static __always_inline u32 tell_cgroups(struct scratch *s, struct event_exec *e,
					struct task_struct *task, u32 off)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup *v2 = READ(set, dfl_cgrp);
	struct cgroup *v1 = cgroup_v1_deepest(set, v2);

	ADVANCE(e, off, cgroup, path_result(e, cgroup_write(s, v2, off), EVENT_CGROUP_CUT));
	e->cgroup_v1.off = off;
	e->cgroup_v1.len = 0;
	if (v1 && off <= EVENT_MAX_BYTES - PATH_MAX_BYTES)
		ADVANCE(e, off, cgroup_v1,
			path_result(e, cgroup_write(s, v1, off), EVENT_CGROUP_CUT));
	return off;
}

/* What the image that ends here has used, and the mark from which the new one is counted. */
static __always_inline void tell_usage_before(struct event_exec *e, struct task_struct *task)
{
	struct event_usage now;
	struct task_state *state;

	if (!usage_read(&now, task))
		e->head.flags |= EVENT_USAGE_PARTIAL;
	e->before = now;
	state = bpf_task_storage_get(&states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!state) {
		struct counters *n = counters_get();

		if (n)
			n->no_state++;
		return;
	}
	if (state->exec_id) {
		usage_subtract(&e->before, &state->at_exec);
		e->head.traits |= TRAIT_HAD_STATE;
		if (now.max_rss > state->at_exec.max_rss)
			e->head.traits |= TRAIT_RSS_EXACT;
	} else {
		e->head.traits |= TRAIT_RSS_EXACT;
	}
	state->at_exec = now;
	state->exec_id = e->head.exec_id;
	state->objects = 0;
	state->notes_told = false;
}

static long tell_loader(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	tell_mapping(bpf_get_current_task_btf(), READ(vma, vm_file), TRAIT_BEFORE_MAIN);
	return 0;
}

static __always_inline void tell_exec_ids(struct event_exec *e, struct task_struct *task,
					  struct file *file)
{
	struct cred *cred = READ(task, cred);

	parent_read(task, &e->parent_start_ns, &e->parent_pid, &e->parent_exec_id);
	e->uid = READ(cred, uid.val);
	e->euid = READ(cred, euid.val);
	e->gid = READ(cred, gid.val);
	e->login_uid = task_login_uid(task);
	file_read(&e->file, READ(file, f_inode));
	if (task_is_compat(task))
		e->head.traits |= TRAIT_COMPAT;
}

static __always_inline u32 tell_exec_paths(struct scratch *s, struct event_exec *e,
					   struct task_struct *task, struct linux_binprm *bprm,
					   struct file *file, u32 off)
{
	struct fs_struct *fs = READ(task, fs);
	const char *filename = READ(bprm, filename);
	const char *interp = READ(bprm, interp);
	u32 result = path_write(s, READ(file, f_path.dentry), READ(file, f_path.mnt), fs, off);

	if (result & PATH_RESULT_DELETED)
		e->head.traits |= TRAIT_DELETED;
	ADVANCE(e, off, exe, path_result(e, result, EVENT_EXE_CUT));
	ADVANCE(e, off, requested,
		string_copy(e, off, filename, PATH_MAX_BYTES, EVENT_REQUESTED_CUT));
	e->interp.off = off;
	e->interp.len = 0;
	if (interp != filename && off <= EVENT_MAX_BYTES - PATH_MAX_BYTES)
		ADVANCE(e, off, interp, string_copy(e, off, interp, 256, EVENT_REQUESTED_CUT));
	if (off > EVENT_MAX_BYTES - PATH_MAX_BYTES)
		return off;
	ADVANCE(e, off, cwd,
		path_result(e, path_write(s, READ(fs, pwd.dentry), READ(fs, pwd.mnt), fs, off),
			    EVENT_CWD_CUT));
	return off;
}

static __always_inline int tell_exec(struct task_struct *task, struct linux_binprm *bprm)
{
	struct scratch *s = scratch_get();
	struct file *file = READ(bprm, file);
	struct mm_struct *mm = READ(task, mm);
	struct event_exec *e;
	u32 off = sizeof(*e);
	u64 base;

	if (!s || !event_is_wanted(EVENT_EXEC, READ(task, tgid)))
		return 0;
	e = (void *)s->event;
	event_init(&e->head, EVENT_EXEC, task);
	tell_exec_ids(e, task, file);
	tell_usage_before(e, task);
	off = tell_exec_paths(s, e, task, bprm, file, off);
	if (off > EVENT_MAX_BYTES - PATH_MAX_BYTES)
		return 0;
	off = tell_cgroups(s, e, task, off);
	ADVANCE(e, off, argv,
		user_copy(e, off, READ(mm, arg_start), READ(mm, arg_end), ARGV_MAX_BYTES,
			  EVENT_ARGV_CUT, EVENT_ARGV_FAULT));
	ADVANCE(e, off, env,
		user_copy(e, off, READ(mm, env_start), READ(mm, env_end), ENV_MAX_BYTES,
			  EVENT_ENV_CUT, EVENT_ENV_FAULT));
	event_send(&e->head, off);
	/* no system call maps the loader */
	if (loader_at_exec) {
		base = auxv_value(mm, AT_BASE);
		if (base)
			bpf_find_vma(task, base, tell_loader, NULL, 0);
	}
	return 0;
}

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

	if (!event_is_wanted(EVENT_FORK, child->tgid))
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

	if (!s || (READ(task, flags) & PF_KTHREAD) ||
	    !event_is_wanted(EVENT_EXIT, READ(task, tgid)))
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
	if (!state || !state->notes_told)
		e->notes.len = notes_write(s, mm, off);
	event_send(&e->head, off + e->notes.len);
	return 0;
}

/* 6.16 and later, where the tracepoint says that this is the last thread and mm is still there. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_tracepoint_dead, struct task_struct *task, bool group_dead)
{
	if (!group_dead)
		return 0;
	preempt_off();
	tell_exit(task);
	preempt_on();
	return 0;
}

/* Before: called from do_exit() before exit_mm(), so the notes can be read. */
SEC("fentry/taskstats_exit")
int BPF_PROG(exit_fentry, struct task_struct *task, int group_dead)
{
	if (!group_dead)
		return 0;
	preempt_off();
	tell_exit(task);
	preempt_on();
	return 0;
}

SEC("kprobe/taskstats_exit")
int BPF_KPROBE(exit_kprobe, struct task_struct *task, int group_dead)
{
	if (!group_dead)
		return 0;
	preempt_off();
	tell_exit(bpf_get_current_task_btf());
	preempt_on();
	return 0;
}

/* Last rung: no memory any more, and two last threads may both see live == 0; the daemon drops
 * doubles. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exit_tracepoint_live, struct task_struct *task)
{
	if (READ(READ(task, signal), live.counter))
		return 0;
	preempt_off();
	tell_exit(task);
	preempt_on();
	return 0;
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
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}
