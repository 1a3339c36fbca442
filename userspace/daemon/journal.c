// SPDX-License-Identifier: BSD-2-Clause
/*
 * The journal's file: a header with the description of the entries behind it, then entries {length,
 * kind, data padded to 8}; a length of 0 ends. The length is stored last, so an entry is whole or
 * not there.
 */
#include "daemon/journal.h"
#include "bpf/event.h"
#include "daemon/layout.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define JOURNAL_MAGIC	    0x324a4d52u /* "RMJ2" */
#define JOURNAL_RESTART_MIN (4u << 20)	/* starting anew before that isn't worth it */
#define RESERVE_STEP	    (1u << 20)	/* bytes had from the file system at one go */

struct header {
	uint32_t magic;
	uint32_t layout_len; /* of the description behind this header */
	uint64_t layout;
};

/* What an entry begins with, to convert another version's; what follows is bytes in any version. */
static const char *const shapes[JOURNAL_KINDS] = {
	[JOURNAL_EVENT] = "event", /* with its spans */
	[JOURNAL_IMAGE] = "live_image_state",
	[JOURNAL_LINK] = "",
	[JOURNAL_DONE] = "",
	[JOURNAL_SEQUENCES] = "",
	[JOURNAL_CLOCK] = "",
	[JOURNAL_PROCESS] = "live_process_state",
	[JOURNAL_ENDED] = "ended_process",
	[JOURNAL_MEMBER] = "group_member",
	[JOURNAL_GROUP] = "group_state",
	[JOURNAL_FILE] = "live_file_state",
	[JOURNAL_OBJECTS] = "live_key",
	[JOURNAL_ANNOUNCED] = "",
	[JOURNAL_JOB] = "live_job_state",
};

struct entry {
	_Atomic uint32_t len; /* of data, + 1 */
	uint32_t kind;
	char data[];
};

struct area {
	int fd;
	char *map;
	size_t size, used;
	size_t reserved; /* bytes that are surely there: a store behind them may end in SIGBUS */
	int *grow_error; /* of the file system, when they were last asked for */
};
#define AREA_NONE ((struct area){.fd = -1})

struct journal {
	int folder_fd;
	uint64_t unread;
	size_t max;
	size_t first; /* bytes that were there when it was started anew */
	int grow_error;
	struct area now, next;
};

#define PADDED(len) (((len) + 7) & ~(size_t)7)

/* Room for len bytes behind what is used, or -ENOSPC. */
static int area_reserve(struct area *area, size_t len)
{
	size_t need, step;

	if (len > area->size - area->used)
		return -ENOSPC;
	need = area->used + len;
	if (need <= area->reserved)
		return 0;
	step = MIN(MAX(need - area->reserved, (size_t)RESERVE_STEP), area->size - area->reserved);
	*area->grow_error = -posix_fallocate(area->fd, area->reserved, step);
	if (*area->grow_error)
		return -ENOSPC;
	area->reserved += step;
	return 0;
}

static int area_open(struct journal *j, const char *name, int flags, struct area *ret)
{
	_cleanup_close_ int fd =
		openat(j->folder_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	struct stat st;
	size_t size;
	char *map;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* a longer one, of when more was allowed, is read whole */
	size = MAX((size_t)st.st_size, j->max);
	if ((size_t)st.st_size != size && ftruncate(fd, size))
		return -errno;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret = (struct area){
		.fd = TAKE_FD(fd), .map = map, .size = size, .grow_error = &j->grow_error};
	return area_reserve(ret, sizeof(struct header) + sizeof(struct entry));
}

static int area_init(struct area *area)
{
	size_t len;
	const void *own = layout_own(&len);
	struct header header = {JOURNAL_MAGIC, len, layout_hash()};
	int r = area_reserve(area, sizeof(header) + PADDED(len));

	if (r)
		return r;
	if (own)
		memcpy(area->map + sizeof(header), own, len);
	memcpy(area->map, &header, sizeof(header));
	area->used = sizeof(header) + PADDED(len);
	return 0;
}

static void area_close(struct area *area)
{
	if (area->map)
		munmap(area->map, area->size);
	cleanup_close(&area->fd);
	*area = AREA_NONE;
}

/* Tells each whole entry; ends where one makes no sense, which counts. True if nothing but zeros
 * can follow, so that it can be appended to. */
static bool area_read(struct area *area, size_t max, journal_reader reader, void *arg,
		      uint64_t *unread)
{
	while (area->size - area->used >= sizeof(struct entry)) {
		struct entry *entry = (void *)(area->map + area->used);
		size_t len = atomic_load(&entry->len);

		if (!len)
			break;
		if (PADDED(len - 1) > area->size - area->used - sizeof(*entry)) {
			(*unread)++;
			return false;
		}
		reader(arg, entry->kind, (struct bytes){entry->data, len - 1});
		area->used += sizeof(*entry) + PADDED(len - 1);
	}
	return area->size == max;
}

/* The file's header: sets where entries begin. False if it is none. */
static bool area_begin(struct area *area, struct header *ret)
{
	memcpy(ret, area->map, sizeof(*ret));
	if (ret->magic != JOURNAL_MAGIC || ret->layout_len > LAYOUT_BYTES_MAX ||
	    area->size - sizeof(*ret) < PADDED(ret->layout_len))
		return false;
	area->used = sizeof(*ret) + PADDED(ret->layout_len);
	return true;
}

/* What was read, to a file in which nothing follows. */
static int journal_copy(struct journal *j, size_t begin)
{
	size_t len = j->now.used - begin;
	int r = journal_begin(j);

	if (r)
		return r;
	r = area_reserve(&j->next, len);
	if (!r && len) {
		memcpy(j->next.map + j->next.used, j->now.map + begin, len);
		j->next.used += len;
	}
	return journal_finish(j, r);
}

struct conversion {
	struct journal *journal;
	struct layout *from;
	journal_reader reader;
	void *arg;
	int error;
	_Alignas(8) char room[EVENT_MAX_BYTES + 65536];
};

/* An entry in this version's layout, in room. Its length, or negative errno. */
static ssize_t entry_convert(struct conversion *c, uint32_t kind, struct bytes data)
{
	const char *shape = kind < JOURNAL_KINDS ? shapes[kind] : NULL;
	size_t theirs, ours;
	int r = 0;

	if (!shape)
		return -ENOENT;
	if (kind == JOURNAL_EVENT) {
		r = layout_event(c->from, data, c->room);
		return r ? r : (ssize_t)((struct event *)c->room)->size;
	}
	theirs = *shape ? layout_size(c->from, shape) : 0;
	ours = *shape ? layout_size(NULL, shape) : 0;
	if (theirs > data.len || data.len - theirs > sizeof(c->room) - ours)
		return -EINVAL;
	if (*shape)
		r = layout_struct(c->from, shape, data, c->room, ours);
	memcpy(c->room + ours, data.data + theirs, data.len - theirs);
	return r ? r : (ssize_t)(ours + data.len - theirs);
}

static void entry_take(void *arg, uint32_t kind, struct bytes data)
{
	struct conversion *c = arg;
	ssize_t len = entry_convert(c, kind, data);

	if (len < 0) {
		c->journal->unread++;
		return;
	}
	if (!c->error)
		c->error = journal_append(c->journal, kind, c->room, len);
	c->reader(c->arg, kind, (struct bytes){c->room, len});
}

/* The journal of another version becomes one of ours. What can't be converted is counted. */
static int journal_convert(struct journal *j, const struct header *header, journal_reader reader,
			   void *arg)
{
	struct conversion *c = malloc(sizeof(*c));
	struct bytes description = {j->now.map + sizeof(*header), header->layout_len};
	int r = c ? journal_begin(j) : -ENOMEM;

	if (!r) {
		*c = (struct conversion){.journal = j, .reader = reader, .arg = arg};
		if (layout_new(description, &c->from))
			j->unread++;
		else
			(void)area_read(&j->now, j->max, entry_take, c, &j->unread);
		layout_free(c->from);
		/* what found no room stands in memory, and in the journal that is started next */
		r = journal_finish(j, c->error == -ENOSPC ? 0 : c->error);
	}
	free(c);
	return r;
}

static int journal_open(struct journal *j, journal_reader reader, void *arg)
{
	struct header header;
	size_t begin;
	int r;

	if (!area_begin(&j->now, &header)) {
		j->unread += header.magic != 0; /* a new file is all zeros */
		r = journal_begin(j);
		return r ? r : journal_finish(j, 0);
	}
	if (header.layout != layout_hash())
		return journal_convert(j, &header, reader, arg);
	begin = j->now.used;
	/* entries of a journal that was longer than is allowed now may not fit: they stay in it,
	 * and it goes when it is started anew */
	r = area_read(&j->now, j->max, reader, arg, &j->unread) ? 0 : journal_copy(j, begin);
	return r == -ENOSPC ? 0 : r;
}

int journal_new(const char *folder, size_t max_bytes, journal_reader reader, void *arg,
		struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->max = max_bytes;
	j->now = j->next = AREA_NONE;
	j->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = j->folder_fd < 0 ? -errno : area_open(j, "journal", O_CREAT, &j->now);
	if (!r) {
		unlinkat(j->folder_fd, "journal.new", 0);
		r = journal_open(j, reader, arg);
	}
	if (r) {
		journal_free(j);
		return r;
	}
	*ret = j;
	return 0;
}

uint64_t journal_unread(const struct journal *j)
{
	return j->unread;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	area_close(&j->now);
	area_close(&j->next);
	cleanup_close(&j->folder_fd);
	free(j);
}

static struct area *area_current(const struct journal *j)
{
	return (struct area *)(j->next.map ? &j->next : &j->now);
}

bool journal_has_room(const struct journal *j, size_t len)
{
	return !area_reserve(area_current(j), 2 * sizeof(struct entry) + PADDED(len));
}

int journal_append(struct journal *j, uint32_t kind, const void *data, size_t len)
{
	struct area *area = area_current(j);
	struct entry *entry = (void *)(area->map + area->used);

	if (!journal_has_room(j, len))
		return -ENOSPC;
	/* what follows reads as the end: it is always zero, since files are made empty and only
	 * appended to */
	entry->kind = kind;
	memcpy(entry->data, data, len);
	atomic_store_explicit(&entry->len, (uint32_t)len + 1, memory_order_release);
	area->used += sizeof(*entry) + PADDED(len);
	return 0;
}

int journal_grow_error(struct journal *j)
{
	struct area *area = area_current(j);

	if (j->grow_error) /* asked again: what it was refused for may have been larger */
		(void)area_reserve(area,
				   MIN(area->reserved - area->used + 1, area->size - area->used));
	return j->grow_error;
}

bool journal_is_long(const struct journal *j)
{
	size_t grown = j->now.used - MIN(j->first, j->now.used);

	/* what is copied each time is no more than what has come since, or a part of all */
	return j->now.used > MAX(MIN(j->max / 2, (size_t)JOURNAL_RESTART_MIN), 2 * j->first) ||
	       (j->now.used > j->max / 2 && grown > j->max / 8);
}

int journal_begin(struct journal *j)
{
	int r;

	unlinkat(j->folder_fd, "journal.new", 0);
	r = area_open(j, "journal.new", O_CREAT | O_EXCL, &j->next);
	if (!r)
		r = area_init(&j->next);
	return r ? journal_finish(j, r) : 0;
}

int journal_finish(struct journal *j, int error)
{
	if (!error && renameat(j->folder_fd, "journal.new", j->folder_fd, "journal"))
		error = -errno;
	if (error) {
		area_close(&j->next);
		unlinkat(j->folder_fd, "journal.new", 0);
		return error;
	}
	area_close(&j->now);
	j->now = j->next;
	j->next = AREA_NONE;
	j->first = j->now.used;
	return 0;
}

void journal_size(const struct journal *j, uint64_t *ret_used, uint64_t *ret_max)
{
	*ret_used = j->now.used;
	*ret_max = j->max;
}
