/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librunmark.so: where BPF is unavailable, a program tells of itself. Loaded before the program's
 * own libraries by /etc/ld.so.preload or LD_PRELOAD.
 *
 * A guest in every process, it must not be noticed. It allocates nothing, waits for nothing, keeps
 * no descriptor, starts no thread, handles no signal, prints nothing, exports nothing, changes
 * neither errno nor the environment, and of libc calls only dl_iterate_phdr: a program may have its
 * own of everything else.
 *
 * At the begin it sends one message to runmarkd. At the end it makes no system call at all: by then
 * a program may have forbidden them to itself on pain of death (seccomp(2)). What it tells then
 * (objects that were opened since) it leaves in memory that outlives the process. The daemon sees
 * the end itself.
 */
#include "preload/facts.h"
#include "preload/file.h"
#include "preload/filter.h"
#include "preload/objects.h"
#include "preload/socket.h"
#include "preload/strings.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#ifndef RUNMARK_SOCKET
#define RUNMARK_SOCKET "/run/runmark/runmark.sock"
#endif
#ifndef RUNMARK_DROP
#define RUNMARK_DROP "/var/spool/runmark-drop"
#endif

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#ifdef __aarch64__
#define PAGE 65536 /* the largest one */
#else
#define PAGE 4096
#endif
#define LETTER_SIZE                                                                                \
	2560 /* of most messages: on the stack, in pages that the loader has used before */

/*
 * What is kept for the end, in a page of its own. A copy of the process that fork makes finds zeros
 * there (MADV_WIPEONFORK): what it shares with its origin is not its to write.
 */
struct kept {
	struct run_end_area *end; /* NULL: nothing to tell */
	size_t end_size;
	iterate_fn *iterate;
	const void *vdso;
	struct objects_mark mark;
	uint64_t begin_ns, random[2];
	uint32_t pid;
};
static struct kept *kept; /* NULL: nothing to tell */

/* A message: what all get, besides arguments and environment where they lie. */
struct letter {
	const struct start *start;
	struct writer begin;
	struct kept kept;
	bool may_open; /* objects later */
};

static void assemble(const struct letter *letter, const struct writer *more, struct parts *ret)
{
	struct run_message *head = (struct run_message *)letter->begin.data;

	memset(ret, 0, sizeof(*ret));
	parts_add(ret, letter->begin.data, letter->begin.used);
	parts_add(ret, more->data, more->used);
	if (head->phase == RUN_BEGIN)
		strings_refer(ret, letter->start);
}

static void set_size(const struct letter *letter, const struct parts *parts)
{
	((struct run_message *)letter->begin.data)->size = (uint32_t)parts->size;
}

/* False on kernels before 4.14, which can't wipe: then nothing is told at the end. */
static bool keep(struct letter *letter)
{
	long page;

	if (kept)
		return true;
	page = CALL_MMAP(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (IS_ERROR(page))
		return false;
	if (CALL(SYS_madvise, page, PAGE, MADV_WIPEONFORK) < 0) {
		CALL(SYS_munmap, page, PAGE);
		return false;
	}
	kept = (struct kept *)page;
	*kept = letter->kept;
	kept->vdso = (const void *)letter->start->auxiliary[AT_SYSINFO_EHDR];
	kept->begin_ns = facts_clock_ns(CLOCK_MONOTONIC_COARSE);
	return true;
}

/* Memory for the end that the daemon can open. */
static void share_end(struct letter *letter, struct writer *more)
{
	struct run_end_memory memory = {.size = RUN_END_AREA};
	long end;

	end = keep(letter) ? CALL_MMAP(RUN_END_AREA, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0)
			   : -1;
	if (IS_ERROR(end)) { /* what may be opened later won't be told */
		if (item_open(more, RUN_ITEM_END_MEMORY, 0))
			item_close(more, 0, RUN_ITEM_FAULT);
		return;
	}
	kept->end = (struct run_end_area *)end;
	kept->end_size = RUN_END_AREA;
	memory.address = (uint64_t)(unsigned long)end;
	item_put(more, RUN_ITEM_END_MEMORY, &memory, sizeof(memory));
}

/* True if the message is there. The wall clock is told to files alone, whose readers may come a
 * boot later. */
__attribute__((noinline)) static bool write_spool(struct letter *letter)
{
	struct run_message *head = (struct run_message *)letter->begin.data;
	struct run_process *process = (struct run_process *)((struct run_item *)(head + 1) + 1);
	uint64_t place[FACTS_PLACE_MAX / sizeof(uint64_t)];
	struct writer more = {.data = (uint8_t *)place, .size = sizeof(place)};
	struct parts parts;
	long r;

	process->unix_ns = facts_clock_ns(CLOCK_REALTIME);
	facts_put_place(&more);
	assemble(letter, &more, &parts);
	set_size(letter, &parts);
	r = file_write(letter->start->spool, process->euid, letter->kept.random[0], &parts,
		       keep(letter) ? &kept->end : NULL);
	if (kept)
		kept->end_size = RUN_FILE_END;
	process->unix_ns = 0;
	return r == 0;
}

/* In the drop directory the message waits for the daemon, who then opens the end's memory. */
__attribute__((noinline)) static void write_drop(struct letter *letter, const char *folder,
						 const struct writer *end)
{
	uint64_t place[FACTS_PLACE_MAX / sizeof(uint64_t)];
	struct writer more = {.data = (uint8_t *)place, .size = sizeof(place)};
	struct parts parts;

	memcpy(more.data, end->data, end->used);
	more.used = end->used;
	facts_put_place(&more);
	assemble(letter, &more, &parts);
	set_size(letter, &parts);
	file_write(folder, FILE_ANYBODYS, letter->kept.random[0], &parts, NULL);
}

static void send_begin(long fd, struct letter *letter, bool is_in_file)
{
	const struct start *start = letter->start;
	/* another daemon's socket goes with its own drop directory, if any */
	const char *drop = start->drop ?: start->socket ? NULL : RUNMARK_DROP;
	uint64_t room[8];
	struct writer more = {.data = (uint8_t *)room, .size = sizeof(room)};
	char name[FILE_NAME_SIZE];
	struct parts parts;

	if (letter->may_open && !(kept && kept->end))
		share_end(letter, &more);
	assemble(letter, &more, &parts);
	if (is_in_file) {
		file_name(letter->kept.random[0], name);
		parts_add_item(&parts, (struct run_item){.kind = RUN_ITEM_SPOOL_FILE}, start->spool,
			       strlen(start->spool), name, sizeof(name) - 1);
	}
	set_size(letter, &parts);
	if (socket_send(fd, letter->kept.random[0], &parts) == -EAGAIN && !is_in_file && drop)
		write_drop(letter, drop, &more);
}

extern const char __ehdr_start __attribute__((visibility("hidden"))); /* the linker's: our base */

static void put_objects(struct letter *letter)
{
	const unsigned long *auxiliary = letter->start->auxiliary;
	const ElfW(Phdr) *phdr = (const ElfW(Phdr) *)auxiliary[AT_PHDR];
	/* none where the loader was called as a program: 0 is a program's base */
	uintptr_t loader = auxiliary[AT_BASE] ?: UINTPTR_MAX;
	ElfW(Addr) apart[OBJECTS_APART] = {(uintptr_t)&__ehdr_start, loader};
	struct kept *to = &letter->kept;

	to->iterate = symbol_find_iterate(phdr, auxiliary[AT_PHNUM], &apart[2]);
	if (to->iterate)
		letter->may_open = objects_put(&letter->begin, to->iterate, apart, &to->mark);
	else if (item_open(&letter->begin, RUN_ITEM_PROGRAM, 0))
		item_close(&letter->begin, 0, RUN_ITEM_FAULT);
}

static void tell_begin(long fd, struct letter *letter)
{
	const struct start *start = letter->start;
	bool is_in_file;

	item_begin(&letter->begin, RUN_BEGIN, letter->kept.pid, letter->kept.random);
	facts_put(&letter->begin, start);
	strings_copy(&letter->begin, start);
	put_objects(letter);
	is_in_file = start->spool && write_spool(letter);
	if (fd >= 0)
		send_begin(fd, letter, is_in_file);
	item_done(&letter->begin);
}

static void tell_opt_out(long fd, struct letter *letter)
{
	struct writer nothing = {};
	struct parts parts;

	item_begin(&letter->begin, RUN_OPT_OUT, letter->kept.pid, letter->kept.random);
	assemble(letter, &nothing, &parts);
	set_size(letter, &parts);
	socket_send(fd, letter->kept.random[0], &parts);
}

__attribute__((noinline)) static void tell(long fd, const struct start *start)
{
	uint64_t room[LETTER_SIZE / sizeof(uint64_t)];
	struct letter letter = {
		.start = start,
		.begin = {.data = (uint8_t *)room, .size = sizeof(room), .may_grow = true},
		.kept.pid = (uint32_t)CALL(SYS_getpid, 0),
	};

	start_random(start, letter.kept.random);
	if (!start->is_opted_out)
		tell_begin(fd, &letter);
	else if (fd >= 0)
		tell_opt_out(fd, &letter);
}

/* Where there is nobody to tell, nothing is asked. */
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	struct start start;
	const char *path;
	long fd;

	if (!start_find(argc, argv, envp, &start))
		return;
	path = start.socket ?: RUNMARK_SOCKET;
	if (!(start.spool || filter_path_exists(path)) || !filter_is_absent())
		return;
	fd = socket_connect(path);
	if (fd >= 0 || start.spool)
		tell(fd, &start);
	if (fd >= 0)
		CALL(SYS_close, fd);
}

__attribute__((destructor)) static void end(void)
{
	struct run_end_area *area = kept ? kept->end : NULL;
	struct writer writer = {.data = (uint8_t *)(area + 1)};

	if (!area)
		return;
	writer.size = kept->end_size - sizeof(*area);
	item_begin(&writer, RUN_END, kept->pid, kept->random);
	if (kept->iterate)
		area->closed = objects_put_since(&writer, kept->iterate, &kept->mark);
	((struct run_message *)writer.data)->size = (uint32_t)writer.used;
	area->begin_ns = kept->begin_ns;
	area->monotonic_ns = symbol_coarse_ns(kept->vdso);
	__atomic_store_n(&area->is_told, 1, __ATOMIC_RELEASE);
}
