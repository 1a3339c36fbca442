// SPDX-License-Identifier: BSD-2-Clause
/*
 * The folder of RUNMARK_SPOOL while its programs run. Each writes its message there, and then sends
 * it; what a full socket did not take, only the file tells. Files are noticed as they come, and
 *wait for their datagram, which tells more (the kernel's word for the sender):
 *
 *	file ─► waits ─┬─ its datagram came: that is taken
 *	               ├─ a later one of its process or a child came, or its process ended: taken
 *now └─ it has waited for long: taken now
 *
 * A program sends before it does anything else: so once any word of what it did next is here, its
 * datagram came before, or never will. So images of one process are taken in their order.
 */
#include "daemon/preload_state.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/inotify.h>

#define WAIT_NS	    (20 * NS_PER_MS) /* from its file to its datagram */
#define WAIT_MAX_NS NS_PER_S	     /* the same, where the socket never gets empty */
#define FILES_MAX   16384	     /* that wait; others are for runmarkd --collect */
#define DEPTH_MAX   13		     /* parents that are looked for */

struct told_waiting {
	TAILQ_ENTRY(told_waiting) link;
	uint64_t token, noticed_ns;
	uint32_t pid, ppid; /* as it tells them; pid 0: not read yet */
};

void preload_folder_begin(struct preload *p)
{
	char path[64];

	TAILQ_INIT(&p->waiting);
	p->folder_fd = -1;
	if (p->options.spool_fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->options.spool_fd);
	p->folder_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->folder_fd >= 0 && inotify_add_watch(p->folder_fd, path, IN_MOVED_TO) < 0) {
		close(p->folder_fd);
		p->folder_fd = -1;
	}
}

static void forget(struct preload *p, struct told_waiting *w)
{
	TAILQ_REMOVE(&p->waiting, w, link);
	p->waiting_count--;
	free(w);
}

void preload_folder_done(struct preload *p)
{
	struct told_waiting *w;

	while ((w = TAILQ_FIRST(&p->waiting)))
		forget(p, w);
	cleanup_close(&p->folder_fd);
}

static void notice(struct preload *p, const char *name, uint64_t now_ns)
{
	struct told_waiting *w;

	if (strspn(name, "0123456789abcdef") != 16 || strcmp(name + 16, ".run") != 0 ||
	    p->waiting_count >= FILES_MAX)
		return;
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	w->token = strtoull(name, NULL, 16);
	w->noticed_ns = now_ns;
	TAILQ_INSERT_TAIL(&p->waiting, w, link);
	p->waiting_count++;
}

/* Files that came since. */
static void read_names(struct preload *p)
{
	_Alignas(struct inotify_event) char
		buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	uint64_t now_ns = node_boot_ns();
	ssize_t len;

	while (p->folder_fd >= 0 && p->waiting_count < FILES_MAX &&
	       (len = read(p->folder_fd, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *event;

		for (ssize_t at = 0; at < len; at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(buffer + at);
			if (event->len)
				notice(p, event->name, now_ns);
		}
	}
}

static struct bytes file_path(uint64_t token, char room[32])
{
	int len = snprintf(room, 32, "/%016" PRIx64 ".run", token);

	return (struct bytes){room, (size_t)len};
}

/* False: it is gone, or none of ours; what waits is forgotten. */
static bool identify(struct preload *p, struct told_waiting *w)
{
	_cleanup_free_ char *data = NULL;
	struct run_read read;
	char room[32];

	if (w->pid)
		return true;
	if (preload_file_read(p, file_path(w->token, room), &read, &data) || !read.pid ||
	    read.random[0] != w->token) {
		forget(p, w);
		return false;
	}
	w->pid = read.pid;
	w->ppid = read.process.ppid;
	return true;
}

static void take_those_of(struct preload *p, uint32_t pid, uint64_t until, unsigned int depth);

/* With those before it that it hangs on. */
static void take_one(struct preload *p, const struct told_waiting *w, unsigned int depth)
{
	uint64_t token = w->token;
	uint32_t pid = w->pid, ppid = w->ppid;
	_cleanup_free_ char *data = NULL;
	struct told_waiting *same;
	struct run_read read;
	struct bytes path;
	char room[32];

	if (depth)
		take_those_of(p, ppid, token, depth - 1);
	if (depth == DEPTH_MAX)
		take_those_of(p, pid, token, depth - 1);
	TAILQ_FOREACH (same, &p->waiting, link)
		if (same->token == token)
			break;
	if (!same)
		return;
	forget(p, same);
	path = file_path(token, room);
	if (!preload_file_read(p, path, &read, &data))
		preload_take_own(p, &read, path);
}

/* Those of a process that were noticed before that one of token until. */
static void take_those_of(struct preload *p, uint32_t pid, uint64_t until, unsigned int depth)
{
	struct told_waiting *w, *next;

	for (w = TAILQ_FIRST(&p->waiting); w && w->token != until; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!identify(p, w) || w->pid != pid)
			continue;
		take_one(p, w, depth);
		next = TAILQ_FIRST(&p->waiting); /* others may have gone with it */
	}
}

static struct told_waiting *waiting_find(struct preload *p, uint64_t token)
{
	struct told_waiting *w;

	TAILQ_FOREACH (w, &p->waiting, link)
		if (w->token == token)
			return w;
	return NULL;
}

void preload_folder_before(struct preload *p, const struct run_read *m)
{
	struct told_waiting *w;

	if (p->folder_fd < 0 || !m->spool_file.is_there)
		return;
	w = waiting_find(p, m->random[0]);
	if (!w) {
		read_names(p);
		w = waiting_find(p, m->random[0]);
	}
	if (!w)
		return;
	take_those_of(p, m->process.ppid, w->token, DEPTH_MAX - 1);
	take_those_of(p, m->pid, m->random[0], DEPTH_MAX - 1);
	w = waiting_find(p, m->random[0]);
	if (w)
		forget(p, w);
}

/* Its datagram will not come any more: the socket was read since the files were looked at last. */
static bool is_due(struct preload *p, const struct told_waiting *w, bool is_drained)
{
	const struct told *t = told_find(p, w->pid);
	uint64_t wait_ns = is_drained ? WAIT_NS : WAIT_MAX_NS;

	if (is_drained && t && t->has_end)
		return true;
	return p->folder_taken_ns >= w->noticed_ns + wait_ns;
}

void preload_folder_take(struct preload *p, bool is_drained)
{
	struct told_waiting *w, *next;

	if (p->folder_fd < 0)
		return;
	read_names(p);
	for (w = TAILQ_FIRST(&p->waiting); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!identify(p, w) || !is_due(p, w, is_drained))
			continue;
		if (!tracker_has_room(p->options.tracker))
			break;
		take_one(p, w, DEPTH_MAX);
		next = TAILQ_FIRST(&p->waiting);
	}
	p->folder_taken_ns = node_boot_ns();
}
