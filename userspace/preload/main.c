/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librunmark.so: where BPF is unavailable, a program tells of itself. Loaded before the program's
 * own libraries by /etc/ld.so.preload or LD_PRELOAD.
 *
 * A guest in every process, it must not be noticed. It allocates nothing, waits for nothing, keeps
 * no descriptor, starts no thread, handles no signal, prints nothing, exports nothing, changes
 * neither errno nor the environment, and of libc calls only dl_iterate_phdr and getauxval: a
 * program may have its own of everything else.
 *
 * At the begin it sends one message to runmarkd. At the end it makes no system call at all: by then
 * a program may have forbidden them to itself on pain of death (seccomp(2)). What it tells then
 * (objects that were opened since) it leaves in memory that the daemon has opened meanwhile. The
 * daemon sees the end itself.
 */
#include "preload/facts.h"
#include "preload/objects.h"
#include "preload/syscalls.h"
#include "common/message.h"
#include "common/opt_out.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef RUNMARK_SOCKET
#define RUNMARK_SOCKET "/run/runmark/runmark.sock"
#endif

extern unsigned long getauxval(unsigned long type) __attribute__((weak));
extern char **environ __attribute__((weak));

static uint8_t message[RUN_MESSAGE_MAX]; /* untouched pages of it cost nothing */

static struct {
	uint8_t *end;		 /* RUN_END_AREA bytes, shared with the daemon; NULL: none */
	const uint8_t *is_first; /* 1; a copy that fork makes reads 0 there */
	uint64_t random[2];
	uint64_t added; /* objects_added() at the begin */
	uint32_t pid;
} self;

static long map(size_t size, int flags)
{
#ifdef SYS_mmap2
	return CALL(SYS_mmap2, 0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
#else
	return CALL(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
#endif
}

#define IS_ERROR(address) ((unsigned long)(address) >= -4095UL)
#define PAGE_MAX	  65536

/*
 * Memory for the end, and a mark by which a copy of this process knows that it is one: what it
 * shares with its origin is not its to write. On kernels that can't make the mark (before 4.14)
 * nothing is told at the end.
 */
static void share_end(struct writer *writer)
{
	struct run_end_memory memory = {.size = RUN_END_AREA};
	long mark = map(PAGE_MAX, MAP_PRIVATE), end;

	if (IS_ERROR(mark))
		return;
	if (CALL(SYS_madvise, mark, PAGE_MAX, MADV_WIPEONFORK) < 0 ||
	    (end = map(RUN_END_AREA, MAP_SHARED), IS_ERROR(end))) {
		CALL(SYS_munmap, mark, PAGE_MAX);
		return;
	}
	*(uint8_t *)mark = 1;
	self.is_first = (const uint8_t *)mark;
	self.end = (uint8_t *)end;
	memory.address = (uint64_t)(unsigned long)end;
	item_put(writer, RUN_ITEM_END_MEMORY, &memory, sizeof(memory));
}

static bool is_secure(void)
{
	return getauxval && getauxval(AT_SECURE);
}

/* The variable's value; NULL if it isn't set, or has no say here. */
static const char *variable(char *const *envp, const char *name)
{
	size_t len = strlen(name);

	for (; envp && *envp && !is_secure(); envp++)
		if (!memcmp(*envp, name, MIN(len, strlen(*envp))) && (*envp)[len] == '=')
			return *envp + len + 1;
	return NULL;
}

static bool is_opted_out(char *const *envp)
{
	for (; envp && *envp; envp++)
		if (opt_out_is_entry(bytes_of(*envp)))
			return true;
	return false;
}

/* A datagram socket that never waits; negative errno. */
static long connect_daemon(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	long fd, r;

	if (len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, len);
	fd = CALL(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	r = CALL(SYS_connect, fd, &address, sizeof(address));
	if (r < 0) {
		CALL(SYS_close, fd);
		return r;
	}
	return fd;
}

static void send_message(const char *path, size_t len)
{
	struct message_header header = {.magic = MESSAGE_MAGIC,
					.kind = MESSAGE_RUN,
					.id = self.random[0],
					.total = (uint32_t)len};
	long fd = connect_daemon(path), r = 0;

	while (fd >= 0 && r >= 0 && header.offset < len) {
		size_t piece = MIN(len - header.offset, (size_t)MESSAGE_PIECE_MAX);
		struct iovec parts[] = {{&header, sizeof(header)},
					{message + header.offset, piece}};
		struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};

		r = CALL(SYS_sendmsg, fd, &datagram, MSG_DONTWAIT | MSG_NOSIGNAL);
		header.offset += (uint32_t)piece;
	}
	if (fd >= 0)
		CALL(SYS_close, fd);
}

/* AT_RANDOM is the seed of the program's own secrets: only a digest of it leaves the process. */
static void take_random(void)
{
	const uint64_t *seed = getauxval ? (const uint64_t *)getauxval(AT_RANDOM) : NULL;
	uint64_t words[2] = {};

	if (seed)
		memcpy(words, seed, sizeof(words));
	for (int i = 0; i < 2; i++) {
		uint64_t x = words[i] ^ (words[!i] >> 29);

		/* the finaliser of MurmurHash3, with half of the other word lost before */
		x = (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
		x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ULL;
		self.random[i] = x ^ x >> 33;
	}
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	struct start start = {.argv = argv, .envp = envp};
	struct writer writer = {.data = message, .size = sizeof(message)};
	const char *path;

	/* musl calls constructors without arguments */
	if (argc < 0 || !envp || envp != argv + argc + 1)
		start = (struct start){.envp = &environ ? environ : NULL};
	self.pid = (uint32_t)CALL(SYS_getpid, 0);
	take_random();
	path = variable(start.envp, "RUNMARK_SOCKET") ?: RUNMARK_SOCKET;
	if (is_opted_out(start.envp)) {
		item_begin(&writer, RUN_OPT_OUT, self.pid, self.random);
	} else {
		item_begin(&writer, RUN_BEGIN, self.pid, self.random);
		share_end(&writer);
		facts_put(&writer, &start);
		self.added = objects_added();
		objects_put(&writer);
	}
	send_message(path, item_finish(&writer));
}

__attribute__((destructor)) static void end(void)
{
	struct run_end_area *area = (struct run_end_area *)self.end;
	struct writer writer = {.data = (uint8_t *)(area + 1),
				.size = RUN_END_AREA - sizeof(*area)};

	if (!self.end || !*self.is_first)
		return;
	item_begin(&writer, RUN_END, self.pid, self.random);
	if (objects_added() != self.added)
		objects_put(&writer);
	item_finish(&writer);
	__atomic_store_n(&area->is_told, 1, __ATOMIC_RELEASE);
}
