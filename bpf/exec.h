/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The worker of the fact "exec": the program, its arguments and where it stands. */
#pragma once

#include "bpf/mapping.h"
#include "bpf/task.h"

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
		if (state->exec_id + 1 == e->head.exec_id)
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
	state->is_ignored = false;
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
	e->token = e->end_memory = 0;
	e->head.traits |= namespace_traits(task);
	file_read(&e->file, READ(file, f_inode));
	if (task_is_compat(task)) {
		e->head.traits |= TRAIT_COMPAT;
		if (loader_at_exec) /* nor theirs: it is a hook of the system call */
			e->head.flags |= EVENT_OBJECTS_UNSEEN;
	}
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

/* True if a rule of the site's leaves the run out: then only its being is told, so that the table
 * of processes stays right, and neither its paths nor its mappings. */
static __always_inline bool exec_is_ignored(u32 uid)
{
	u32 zero = 0;
	struct control *c = bpf_map_lookup_elem(&control, &zero);
	u64 comm[2] = {};

	if (!c || !c->rule_count)
		return false;
	bpf_get_current_comm(comm, sizeof(comm));
	for (u32 i = 0; i < KERNEL_RULES_MAX; i++) {
		struct kernel_rule *rule = &c->rules[i];

		if (i >= c->rule_count)
			break;
		if (uid < rule->uid_low || uid > rule->uid_high)
			continue;
		if (!(rule->comm[0] | rule->comm[1]) ||
		    (rule->comm[0] == comm[0] && rule->comm[1] == comm[1]))
			return true;
	}
	return false;
}

static __always_inline int tell_ignored(struct event_exec *e, struct task_struct *task)
{
	struct task_state *state = bpf_task_storage_get(&states, task, 0, 0);

	if (state)
		state->is_ignored = true;
	e->head.traits |= TRAIT_IGNORED;
	e->exe.off = e->requested.off = e->interp.off = e->cwd.off = sizeof(*e);
	e->cgroup.off = e->cgroup_v1.off = e->argv.off = e->env.off = sizeof(*e);
	e->exe.len = e->requested.len = e->interp.len = e->cwd.len = 0;
	e->cgroup.len = e->cgroup_v1.len = e->argv.len = e->env.len = 0;
	event_send(&e->head, sizeof(*e));
	return 0;
}

static __always_inline int tell_exec(struct task_struct *task, struct linux_binprm *bprm)
{
	struct scratch *s = scratch_get();
	struct file *file = READ(bprm, file);
	struct mm_struct *mm = READ(task, mm);
	struct event_exec *e;
	u32 off = sizeof(*e);
	u64 base;

	if (!s || !event_is_wanted(EVENT_EXEC))
		return 0;
	e = (void *)s->event;
	event_init(&e->head, EVENT_EXEC, task);
	tell_exec_ids(e, task, file);
	tell_usage_before(e, task);
	if (exec_is_ignored(e->uid))
		return tell_ignored(e, task);
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
		base = auxv_read(s, mm) ? auxv_value(s, AT_BASE) : 0;
		if (base)
			bpf_find_vma(task, base, tell_loader, NULL, 0);
	}
	return 0;
}
