/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --follow: a file is loaded when it appears under its own name (renamed into place, or written and
 * closed). Events are a help, not the truth: they may be lost when too many come, and another
 * machine's writes to a network file system cause none. So every directory is read again now and
 * then.
 */
#include "ingest/work.h"
#include "ingest/spool_name.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#define RESCAN_SECONDS 30
#define RETRY_SECONDS  5 /* after the database failed */
#define WATCH_MAX      64
#define EVENTS_SIZE    16384

struct watches {
	int fd;
	struct {
		const char *path;
		int number; /* inotify's, or negative */
	} items[WATCH_MAX];
	size_t count;
};

/* Watches what is not watched yet, perhaps because it did not exist. */
static void watch_all(struct watches *watches)
{
	for (size_t i = 0; i < watches->count; i++)
		watches->items[i].number =
			inotify_add_watch(watches->fd, watches->items[i].path,
					  IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
}

static int scan_all(struct work *work, struct watches *watches)
{
	watch_all(watches);
	for (size_t i = 0; i < watches->count; i++) {
		int r = work_directory(work, watches->items[i].path);

		if (r < 0)
			return r;
	}
	return 0;
}

static int take_event(struct work *work, const struct watches *watches,
		      const struct inotify_event *event)
{
	_cleanup_free_ char *path = NULL;

	if (!event->len || !spool_name_is_whole(event->name))
		return 0;
	for (size_t i = 0; i < watches->count; i++) {
		struct stat st;

		if (watches->items[i].number != event->wd)
			continue;
		if (asprintf(&path, "%s/%s", watches->items[i].path, event->name) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (lstat(path, &st) || !S_ISREG(st.st_mode))
			return 0;
		work->progress.file = work->progress.files = 1;
		return work_file(work, path, true);
	}
	return 0;
}

/* 0, or 1 if events were lost and all has to be read again; or as work_file(). */
static int take_events(struct work *work, const struct watches *watches)
{
	char buffer[EVENTS_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t len = read(watches->fd, buffer, sizeof(buffer));

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (ssize_t at = 0; at < len;) {
		const struct inotify_event *event = (const void *)(buffer + at);
		int r;

		if (event->mask & IN_Q_OVERFLOW)
			return 1;
		if (*work->stop)
			return -EINTR;
		r = take_event(work, watches, event);
		if (r < 0)
			return r;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return 0;
}

/* Signals come only while we wait here, so none is missed between looking and waiting. */
static int wait_for_event(const struct watches *watches, const volatile sig_atomic_t *stop,
			  int seconds)
{
	const struct timespec timeout = {.tv_sec = seconds};
	struct pollfd fd = {.fd = watches->fd, .events = POLLIN};
	sigset_t block, before;
	int r = 0;

	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigprocmask(SIG_BLOCK, &block, &before);
	if (!*stop)
		r = ppoll(&fd, 1, &timeout, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static uint64_t now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static int follow(struct work *work, struct watches *watches)
{
	bool is_due = true; /* to read all directories */
	uint64_t next = 0;

	while (!*work->stop) {
		int interval = RESCAN_SECONDS, r;

		if (is_due)
			r = scan_all(work, watches);
		else
			r = take_events(work, watches);
		if (r == -EINTR || r == -ENOMEM)
			return r;
		if (r < 0)
			interval = RETRY_SECONDS;
		/* A failure leaves files behind whose events are gone. */
		if (is_due || r)
			next = now_seconds() + (r == 1 ? 0 : (uint64_t)interval);
		if (wait_for_event(watches, work->stop,
				   (int)(next > now_seconds() ? next - now_seconds() : 0)) > 0 &&
		    r >= 0)
			is_due = false;
		else
			is_due = now_seconds() >= next;
		if (r < 0)
			is_due = true;
	}
	return -EINTR;
}

int work_follow(struct work *work, char *const *paths, size_t count)
{
	struct watches watches = {.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
	struct stat st;
	int r = 0;

	if (watches.fd < 0)
		return log_err(-errno, "cannot watch directories");
	for (size_t i = 0; i < count && r == 0; i++) {
		if (stat(paths[i], &st) == 0 && !S_ISDIR(st.st_mode))
			r = work_file(work, paths[i], false);
		else if (watches.count < WATCH_MAX)
			watches.items[watches.count++].path = paths[i];
		else
			r = log_err(-E2BIG, "cannot follow more than %d directories", WATCH_MAX);
	}
	if (r == 0)
		r = follow(work, &watches);
	close(watches.fd);
	return r;
}
