/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Kernel drift, in one place: one flavoured struct and one getter for each field that was renamed,
 * moved or retyped. The running kernel's BTF decides; versions are only named to say when it
 * happened.
 */
#pragma once

#include "vmlinux/vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define CORE __attribute__((preserve_access_index))

const volatile bool has_rdonly_cast = false;
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

/*
 * A field of a kernel object. Where the kernel lets a pointer be cast to its type
 * (bpf_rdonly_cast, 6.2), that is a plain load, which faults safely; else a call of
 * bpf_probe_read_kernel(), some twenty times as slow.
 */
#define READ(pointer, field)                                                                       \
	({                                                                                         \
		typeof(pointer) pointer_ = (pointer);                                              \
		typeof(pointer_->field) value_;                                                    \
                                                                                                   \
		if (has_rdonly_cast)                                                               \
			value_ = ((typeof(pointer_))bpf_rdonly_cast(                               \
					  pointer_, bpf_core_type_id_kernel(typeof(*pointer_))))   \
					 ->field;                                                  \
		else                                                                               \
			bpf_core_read(&value_, sizeof(value_), &pointer_->field);                  \
		value_;                                                                            \
	})

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
} CORE;
struct inode___6_11 { /* 3aa63a569c64 ("fs: switch timespec64 fields in inode to discrete integers")
		       */
	s64 i_mtime_sec;
	u32 i_mtime_nsec;
} CORE;
struct inode___6_7 { /* 12cd44023651 ("fs: rename inode i_atime and i_mtime fields") */
	struct timespec64 __i_mtime;
} CORE;
struct inode___5_10 {
	struct timespec64 i_mtime;
} CORE;

static __always_inline u64 inode_mtime_ns(struct inode *inode)
{
	struct inode___6_11 *new = (void *)inode;
	struct inode___6_7 *middle = (void *)inode;
	struct inode___5_10 *old = (void *)inode;

	if (bpf_core_field_exists(new->i_mtime_sec))
		return READ(new, i_mtime_sec) * 1000000000ULL + READ(new, i_mtime_nsec);
	if (bpf_core_field_exists(middle->__i_mtime))
		return READ(middle, __i_mtime.tv_sec) * 1000000000ULL +
		       READ(middle, __i_mtime.tv_nsec);
	return READ(old, i_mtime.tv_sec) * 1000000000ULL + READ(old, i_mtime.tv_nsec);
}

/*
 * On overlayfs, vm_file is not what the process opened but overlayfs's own file of the layer below.
 * Its f_path shows the name that the process knows until "fs: store real path instead of fake path
 * in backing file f_path" (6.7), and then the layer's; the other one stands behind it. Its f_inode
 * is the layer's always: ask the dentry for the inode that stat(2) shows.
 */
struct backing_file___6_7 {
	struct file file;
	struct path user_path;
} CORE;
/* Bit 25 in 6.5, then 24, when 25 became FMODE_NONOTIFY; together with FMODE_NOACCOUNT, which all
 * of overlayfs's files have, either tells them. */
#define FMODE_BACKING	(3U << 24)
#define FMODE_NOACCOUNT (1U << 29)

static __always_inline void file_user_path(struct file *file, void **ret_dentry, void **ret_mount)
{
	struct backing_file___6_7 *backing =
		(void *)file - bpf_core_field_offset(struct backing_file___6_7, file);

	u32 mode = READ(file, f_mode);

	*ret_dentry = READ(file, f_path.dentry);
	*ret_mount = READ(file, f_path.mnt);
	if (bpf_core_field_exists(backing->user_path) && (mode & FMODE_BACKING) &&
	    (mode & FMODE_NOACCOUNT)) {
		*ret_dentry = READ(backing, user_path.dentry);
		*ret_mount = READ(backing, user_path.mnt);
	}
}

struct kernfs_node___6_15 { /* 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent.") */
	struct kernfs_node *__parent;
} CORE;
struct kernfs_node___5_10 {
	struct kernfs_node *parent;
} CORE;

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *node)
{
	struct kernfs_node___6_15 *new = (void *)node;
	struct kernfs_node___5_10 *old = (void *)node;

	if (bpf_core_field_exists(new->__parent))
		return READ(new, __parent);
	return READ(old, parent);
}

struct cgroup___level {
	int level;
} CORE;

static __always_inline int cgroup_level(struct cgroup *cgroup)
{
	struct cgroup___level *c = (void *)cgroup;

	return bpf_core_field_exists(c->level) ? READ(c, level) : 0;
}

/* Resident pages were atomic counters until f1a7941243c1 ("mm: convert mm's rss stats into
 * percpu_counter", 6.2). */
struct percpu_counter {
	s64 count;
	s32 *counters;
} CORE;
struct mm_struct___6_2 {
	struct percpu_counter rss_stat[4];
} CORE;
struct mm_rss_stat {
	atomic64_t count[4];
} CORE;
struct mm_struct___5_10 {
	struct mm_rss_stat rss_stat;
} CORE;

static __always_inline bool mm_rss_is_percpu(struct mm_struct *mm)
{
	return bpf_core_type_exists(struct percpu_counter) &&
	       !bpf_core_type_exists(struct mm_rss_stat);
}

struct task_struct___audit { /* only with CONFIG_AUDIT */
	kuid_t loginuid;
} CORE;

static __always_inline u32 task_login_uid(struct task_struct *task)
{
	struct task_struct___audit *t = (void *)task;

	return bpf_core_field_exists(t->loginuid) ? READ(t, loginuid.val) : (u32)-1;
}

struct mm_struct___5_11 { /* ff170cd05953 ("x86/mm: Convert mmu context ia32_compat into a proper
			      flags field") */
	struct {
		unsigned long flags; /* a short up to 6.3 */
	} context;
} CORE;

/* A 32-bit program: MM_CONTEXT_UPROBE_IA32 of its memory, or TIF_ADDR32 (x86), whose number is
 * another since 6.18; TIF_32BIT (arm64). */
static __always_inline bool task_is_compat(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	struct mm_struct___5_11 *mm = (void *)READ(task, mm);
	u8 flags = 0;

	if (!bpf_core_field_exists(mm->context.flags))
		return READ(task, thread_info.flags) & (1UL << 29);
	bpf_probe_read_kernel(
		&flags, sizeof(flags),
		(void *)mm + bpf_core_field_offset(struct mm_struct___5_11, context.flags));
	return flags & 1;
#elif defined(__TARGET_ARCH_arm64)
	return READ(task, thread_info.flags) & (1UL << 22);
#else
	return false;
#endif
}

/* Arguments 3 to 5 of the system call that is returning: its registers still hold them. */
#if defined(__TARGET_ARCH_x86)
#define SYSCALL_PROT(regs)  READ(regs, dx)
#define SYSCALL_FLAGS(regs) READ(regs, r10)
#define SYSCALL_FD(regs)    READ(regs, r8)
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_PROT(regs)  READ((struct user_pt_regs *)regs, regs[2])
#define SYSCALL_FLAGS(regs) READ((struct user_pt_regs *)regs, regs[3])
#define SYSCALL_FD(regs)    READ((struct user_pt_regs *)regs, regs[4])
#endif
