/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Paths of files and control groups. bpf_d_path() is refused at sched_process_exec, so the dentries
 * are walked as prepend_path() in fs/d_path.c does: up to the root of the mount, then on at its
 * mountpoint, until the process's own root; written backwards. Paths are as the process sees them.
 *
 * Both walks are functions of their own, to be there once and not inlined at each call.
 */
#pragma once

#include "bpf/core.h"

#define PATH_RESULT_CUT	    (1 << 16)
#define PATH_RESULT_DELETED (1 << 17)
#define PATH_RESULT_LEN	    0xffff

/* One component in front of what is there. False if there is no room. */
static __always_inline bool path_prepend(struct scratch *s, const unsigned char *name, u64 len)
{
	u64 pos = s->walk.pos;

	if (len > 255)
		len = 255;
	if (pos < len + 1)
		return false;
	pos -= len + 1;
	HIDE(pos);
	if (pos > PATH_MAX_BYTES)
		return false;
	s->path[pos] = '/';
	bpf_probe_read_kernel(&s->path[pos + 1], len, name);
	s->walk.pos = pos;
	return true;
}

/* Copies what was built backwards to the event at offset off. Length and PATH_RESULT_ bits. */
static __always_inline u32 path_finish(struct scratch *s, u64 off)
{
	u64 pos = s->walk.pos, len;

	if (pos == PATH_MAX_BYTES) {
		s->path[--pos] = '/';
		HIDE(pos);
	}
	if (pos > PATH_MAX_BYTES || off > EVENT_MAX_BYTES - PATH_MAX_BYTES)
		return PATH_RESULT_CUT;
	len = PATH_MAX_BYTES - pos;
	HIDE(len);
	if (len > PATH_MAX_BYTES)
		return PATH_RESULT_CUT;
	bpf_probe_read_kernel(&s->event[off], len, &s->path[pos]);
	return len | s->walk.bits;
}

/* One step of path_write(); false when the root is reached or the path has no more room. */
static __always_inline bool path_step(struct scratch *s, struct dentry *root,
				      struct vfsmount *root_mount)
{
	struct dentry *dentry = s->walk.at;
	struct mount *mount = s->walk.mount;
	struct dentry *parent = READ(dentry, d_parent);
	const unsigned char *name = READ(dentry, d_name.name);
	u32 len = READ(dentry, d_name.len);
	bool is_mount_root = dentry == READ(mount, mnt.mnt_root);
	struct mount *above = READ(mount, mnt_parent);

	if ((dentry == root && &mount->mnt == root_mount) || (is_mount_root && above == mount)) {
		/* the process's root, or its mount namespace's */
		s->walk.bits &= ~PATH_RESULT_CUT;
		return false;
	}
	if (is_mount_root) {
		s->walk.at = READ(mount, mnt_mountpoint);
		s->walk.mount = above;
		return true;
	}
	if (!path_prepend(s, name, len))
		return false;
	s->walk.at = parent;
	if (dentry != parent)
		return true;
	/* memfd, pipe: a leaf that is its own parent */
	s->walk.bits &= ~PATH_RESULT_CUT;
	return false;
}

/*
 * Writes the path of s->walk.at below s->walk.mount (a vfsmount) to the event at off; s->walk.fs's
 * root ends it. Returns length | PATH_RESULT_CUT | PATH_RESULT_DELETED.
 */
static __noinline u32 path_walk(u64 off)
{
	struct scratch *s = scratch_get();
	struct vfsmount *root_mount;
	struct dentry *dentry, *root;
	struct fs_struct *fs;

	if (!s)
		return PATH_RESULT_CUT;
	fs = s->walk.fs;
	dentry = s->walk.at;
	root = READ(fs, root.dentry);
	root_mount = READ(fs, root.mnt);
	s->walk.mount -= bpf_core_field_offset(struct mount, mnt);
	s->walk.pos = PATH_MAX_BYTES;
	s->walk.bits = PATH_RESULT_CUT;
	/* d_unlinked(): a name that nobody can look up any more, and no root */
	if (!READ(dentry, d_hash.pprev) && READ(dentry, d_parent) != dentry)
		s->walk.bits |= PATH_RESULT_DELETED;
	for (int i = 0; i < PATH_DEPTH_MAX; i++)
		if (!path_step(s, root, root_mount))
			break;
	return path_finish(s, off);
}

static __always_inline u32 path_write(struct scratch *s, struct dentry *dentry,
				      struct vfsmount *mount, struct fs_struct *fs, u64 off)
{
	s->walk.at = dentry;
	s->walk.mount = mount;
	s->walk.fs = fs;
	return path_walk(off);
}

/* The same for a control group's node (s->walk.at), from its hierarchy's root. */
static __noinline u32 cgroup_walk(u64 off)
{
	struct scratch *s = scratch_get();

	if (!s)
		return PATH_RESULT_CUT;
	s->walk.pos = PATH_MAX_BYTES;
	s->walk.bits = PATH_RESULT_CUT;
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		struct kernfs_node *node = s->walk.at;
		struct kernfs_node *parent = kernfs_parent(node);
		const char *name = READ(node, name);
		long len;

		if (!parent) {
			s->walk.bits &= ~PATH_RESULT_CUT;
			break;
		}
		/* kernfs keeps no length: read once behind the path to learn it */
		len = bpf_probe_read_kernel_str(&s->path[PATH_MAX_BYTES], 256, name);
		if (len <= 0 || s->walk.pos < PATH_MAX_BYTES - CGROUP_MAX_BYTES + len ||
		    !path_prepend(s, (const unsigned char *)name, len - 1))
			break;
		s->walk.at = parent;
	}
	return path_finish(s, off);
}

static __always_inline u32 cgroup_write(struct scratch *s, struct cgroup *cgroup, u64 off)
{
	s->walk.at = READ(cgroup, kn);
	return cgroup_walk(off);
}
