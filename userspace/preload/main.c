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
#include "preload/objects.h"
#include "preload/socket.h"
#include "preload/strings.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
#define SELF_SIZE MAX(PAGE, 16384)
#define MORE_MAX  6144 /* bytes of what depends on where the message goes */

/*
 * All that is written to. A copy of the process that fork makes finds zeros here (MADV_WIPEONFORK):
 * what it shares with its origin is not its to write. The message stands behind, so that for most
 * programs one page is all that is touched.
 */
static union {
	struct {
		struct run_end_area *end; /* NULL: nothing to tell */
		size_t end_size;
		iterate_fn *iterate;
		const void *vdso;
		struct objects_mark mark;
		uint64_t begin_ns, random[2];
		uint32_t pid;
		bool is_wiped; /* in copies */
		uint8_t message[] __attribute__((aligned(8)));
	};
	uint8_t pages[SELF_SIZE];
} self __attribute__((aligned(PAGE)));

/* A message: what all get, arguments and environment where they lie, and what one destination gets
 * besides, for which there is room behind the first. */
struct letter {
	const struct start *start;
	struct writer begin;
};

static struct writer more_of(const struct letter *letter)
{
	return (struct writer){.data = letter->begin.data + letter->begin.used, .size = MORE_MAX};
}

static void assemble(struct letter *letter, const struct writer *more, struct parts *ret)
{
	struct run_message *head = (struct run_message *)letter->begin.data;

	memset(ret, 0, sizeof(*ret));
	parts_add(ret, letter->begin.data, letter->begin.used);
	parts_add(ret, more->data, more->used);
	if (head->phase == RUN_BEGIN)
		strings_refer(ret, letter->start);
	head->size = (uint32_t)ret->size;
}

/* Memory for the end that the daemon can open. */
static void share_end(struct writer *more)
{
	struct run_end_memory memory = {.size = RUN_END_AREA};
	long end;

	if (!self.is_wiped)
		return;
	end = CALL_MMAP(RUN_END_AREA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (IS_ERROR(end))
		return;
	self.end = (struct run_end_area *)end;
	self.end_size = RUN_END_AREA;
	memory.address = (uint64_t)(unsigned long)end;
	item_put(more, RUN_ITEM_END_MEMORY, &memory, sizeof(memory));
}

/* The clock is told to files alone, whose readers may have come a boot later. True if the message
 * is there. */
__attribute__((noinline)) static bool write_spool(struct letter *letter)
{
	struct run_message *head = (struct run_message *)letter->begin.data;
	struct run_process *process = (struct run_process *)((struct run_item *)(head + 1) + 1);
	struct writer more = more_of(letter);
	struct parts parts;
	long r;

	process->unix_ns = facts_clock_ns(CLOCK_REALTIME);
	facts_put_place(&more);
	assemble(letter, &more, &parts);
	r = file_write(letter->start->spool, true, process->euid, self.random[0], &parts,
		       self.is_wiped ? &self.end : NULL);
	self.end_size = RUN_FILE_END;
	process->unix_ns = 0;
	return r == 0;
}

/* In the drop directory the message waits for the daemon, who then opens the end's memory. */
__attribute__((noinline)) static void write_drop(struct letter *letter, const char *folder,
						 struct writer *more)
{
	struct parts parts;

	facts_put_place(more);
	assemble(letter, more, &parts);
	file_write(folder, false, 0, self.random[0], &parts, NULL);
}

static void put_spool_file(struct writer *more, const char *folder)
{
	char name[FILE_NAME_SIZE];
	size_t len = strlen(folder);

	file_name(self.random[0], name);
	if (len + sizeof(name) <= RUN_MESSAGE_PATH)
		item_put_two(more, RUN_ITEM_SPOOL_FILE, folder, len, name, sizeof(name) - 1);
}

static void send_begin(long fd, struct letter *letter, bool is_in_file)
{
	const struct start *start = letter->start;
	/* another daemon's socket goes with its own drop directory, if any */
	const char *drop = start->drop ?: start->socket ? NULL : RUNMARK_DROP;
	struct writer more = more_of(letter);
	struct parts parts;

	if (is_in_file)
		put_spool_file(&more, start->spool);
	if (!self.end)
		share_end(&more);
	assemble(letter, &more, &parts);
	if (socket_send(fd, self.random[0], &parts) == -EAGAIN && !is_in_file && drop)
		write_drop(letter, drop, &more);
}

static void put_objects(struct writer *writer, const struct start *start)
{
	self.iterate = symbol_find_iterate((const ElfW(Phdr) *)start->auxiliary[AT_PHDR],
					   start->auxiliary[AT_PHNUM]);
	if (self.iterate)
		objects_put(writer, self.iterate, &self.mark);
	else if (item_open(writer, RUN_ITEM_PROGRAM, 0))
		item_close(writer, 0, RUN_ITEM_FAULT);
}

static void tell_begin(long fd, const struct start *start)
{
	struct letter letter = {
		.start = start,
		.begin = {.data = self.message,
			  .size = SELF_SIZE - offsetof(typeof(self), message) - MORE_MAX,
			  .more = MORE_MAX,
			  .may_grow = true},
	};
	bool is_in_file;

	item_begin(&letter.begin, RUN_BEGIN, self.pid, self.random);
	facts_put(&letter.begin, start);
	strings_copy(&letter.begin, start);
	put_objects(&letter.begin, start);
	self.vdso = (const void *)start->auxiliary[AT_SYSINFO_EHDR];
	self.begin_ns = facts_clock_ns(CLOCK_MONOTONIC_COARSE);
	is_in_file = start->spool && write_spool(&letter);
	if (fd >= 0)
		send_begin(fd, &letter, is_in_file);
	item_done(&letter.begin);
}

static void tell_opt_out(long fd)
{
	struct letter letter = {
		.begin = {.data = self.message, .size = sizeof(struct run_message)}};
	struct writer nothing = {};
	struct parts parts;

	item_begin(&letter.begin, RUN_OPT_OUT, self.pid, self.random);
	assemble(&letter, &nothing, &parts);
	socket_send(fd, self.random[0], &parts);
}

/* Where there is nobody to tell, nothing is asked. */
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	struct start start;
	long fd;

	/* a filter that was inherited may let the program die of any further call */
	if (CALL(SYS_prctl, PR_GET_SECCOMP) != 0 || !start_find(argc, argv, envp, &start))
		return;
	fd = socket_connect(start.socket ?: RUNMARK_SOCKET);
	if (fd < 0 && !start.spool)
		return;
	/* kernels before 4.14 can't: then nothing is told at the end */
	if (!start.is_opted_out && CALL(SYS_madvise, &self, sizeof(self), MADV_WIPEONFORK) == 0)
		self.is_wiped = true;
	start_random(&start, self.random);
	self.pid = (uint32_t)CALL(SYS_getpid, 0);
	if (!start.is_opted_out)
		tell_begin(fd, &start);
	else if (fd >= 0)
		tell_opt_out(fd);
	if (fd >= 0)
		CALL(SYS_close, fd);
}

__attribute__((destructor)) static void end(void)
{
	struct run_end_area *area = self.end;
	struct writer writer = {.data = (uint8_t *)(area + 1),
				.size = self.end_size - sizeof(*area)};

	if (!area)
		return;
	item_begin(&writer, RUN_END, self.pid, self.random);
	if (self.iterate)
		area->closed = objects_put_since(&writer, self.iterate, &self.mark);
	((struct run_message *)writer.data)->size = (uint32_t)writer.used;
	area->begin_ns = self.begin_ns;
	area->monotonic_ns = symbol_coarse_ns(self.vdso);
	__atomic_store_n(&area->is_told, 1, __ATOMIC_RELEASE);
}
