/* SPDX-License-Identifier: BSD-2-Clause */
/* Events as the kernel side would send them, for tests of the daemon's parts. */
#pragma once

#include "daemon/event.h"

union event_room {
	struct event head;
	struct event_exec exec;
	struct event_fork fork;
	struct event_mmap mmap;
	struct event_exit exit;
	char bytes[EVENT_MAX_BYTES];
};

static inline void event_put(union event_room *room, struct span *span, struct bytes data)
{
	*span = (struct span){room->head.size, data.len};
	if (data.len)
		memcpy(room->bytes + span->off, data.data, data.len);
	room->head.size += (data.len + 7) & ~7U;
}

struct exec_texts { /* NULL: as a plain program has it */
	struct bytes exe, requested, interp, cwd, cgroup, cgroup_v1, argv, env;
};

static inline struct bytes text_or(struct bytes text, const char *other)
{
	return text.data ? text : bytes_of(other);
}

/* The head is filled in by the caller but for kind and size. */
static inline void event_make_exec(union event_room *room, const struct event *head,
				   const struct exec_texts *texts)
{
	struct event_exec *e = &room->exec;

	memset(e, 0, sizeof(*e));
	e->head = *head;
	e->head.kind = EVENT_EXEC;
	e->head.size = sizeof(*e);
	e->uid = e->euid = 1009;
	e->gid = 1013;
	e->login_uid = (uint32_t)-1;
	e->file = (struct event_file){
		.inode = 77, .size = 9001, .mtime_ns = 1700000000123456789, .device = 8 << 20 | 1};
	strcpy(e->file.fstype, "ext4");
	event_put(room, &e->exe, text_or(texts->exe, "/usr/bin/program"));
	event_put(room, &e->requested, text_or(texts->requested, "./program"));
	event_put(room, &e->interp, text_or(texts->interp, ""));
	event_put(room, &e->cwd, text_or(texts->cwd, "/home/alice"));
	event_put(room, &e->cgroup, text_or(texts->cgroup, "/user.slice"));
	event_put(room, &e->cgroup_v1, text_or(texts->cgroup_v1, ""));
	event_put(room, &e->argv,
		  texts->argv.data ? texts->argv : (struct bytes){"program\0-n\0", 11});
	event_put(room, &e->env, text_or(texts->env, ""));
}

static inline void event_make_mmap(union event_room *room, const struct event *head, uint64_t inode,
				   struct bytes path)
{
	struct event_mmap *e = &room->mmap;

	memset(e, 0, sizeof(*e));
	e->head = *head;
	e->head.kind = EVENT_MMAP;
	e->head.size = sizeof(*e);
	e->file = (struct event_file){.inode = inode, .size = 17, .device = 8 << 20 | 1};
	strcpy(e->file.fstype, "ext4");
	event_put(room, &e->path, path);
	e->notes = (struct span){room->head.size, 0};
}

static inline void event_make_exit(union event_room *room, const struct event *head,
				   uint32_t wait_status)
{
	struct event_exit *e = &room->exit;

	memset(e, 0, sizeof(*e));
	e->head = *head;
	e->head.kind = EVENT_EXIT;
	e->head.size = sizeof(*e);
	e->uid = 1009;
	e->wait_status = wait_status;
	strcpy(e->comm, "program");
	e->notes = (struct span){sizeof(*e), 0};
}
