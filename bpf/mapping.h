/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The worker of the fact "mapping": what all its hooks call. */
#pragma once

#include "bpf/file.h"

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

	if (!s || !event_is_wanted(EVENT_MMAP))
		return 0;
	e = (void *)s->event;
	event_init(&e->head, EVENT_MMAP, leader);
	e->head.traits = traits;
	state = bpf_task_storage_get(&states, leader, 0, 0);
	if (state && state->is_ignored && !(traits & TRAIT_BEFORE_MAIN))
		return 0;
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
