// SPDX-License-Identifier: BSD-2-Clause
/*
 * Programs that have functions and variables of their own under libc's names, for preload_life.t.
 * Linked with life.c, and one of OWN_... defined. Each works as libc's does, but it is this
 * program's: a call from before its constructors or after its destructors is a stranger's, and said
 * on standard error.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <regex.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_ours; /* from this program's constructors to its destructors */

__attribute__((constructor)) static void program_begins(void)
{
	is_ours = 1;
}

__attribute__((destructor)) static void program_ends(void)
{
	is_ours = 0;
}

__attribute__((unused)) static void heard(const char *name)
{
	size_t len = 0;

	if (is_ours)
		return;
	while (name[len])
		len++;
	syscall(SYS_write, 2, name, len);
	syscall(SYS_write, 2, " was called by a stranger\n", 26);
}

#ifdef OWN_MALLOC
static _Alignas(16) uint8_t heap[64 << 20];
static size_t used;

/* 16 bytes before each block hold its size */
void *memalign(size_t alignment, size_t size)
{
	size_t at;

	heard("malloc");
	alignment = alignment < 16 ? 16 : alignment;
	at = (used + 16 + alignment - 1) & ~(alignment - 1);
	if (size > sizeof(heap) - at)
		return NULL;
	used = at + size;
	*(size_t *)(heap + at - 16) = size;
	return heap + at;
}

void *malloc(size_t size)
{
	return memalign(16, size);
}

void *calloc(size_t count, size_t size)
{
	return memalign(16, count * size); /* never used before: zeros */
}

void *realloc(void *old, size_t size)
{
	uint8_t *new = memalign(16, size);
	size_t len = old ? ((size_t *)old)[-2] : 0;

	for (size_t i = 0; new &&i < len &&i < size; i++)
		new[i] = ((uint8_t *)old)[i];
	return new;
}

void free(void *memory)
{
	if (memory)
		heard("free");
}
#endif

#ifdef OWN_REGCOMP
int regcomp(regex_t *regex, const char *pattern, int flags)
{
	(void)regex, (void)pattern, (void)flags;
	heard("regcomp");
	abort();
}

int regexec(const regex_t *regex, const char *text, size_t count, regmatch_t matches[], int flags)
{
	(void)regex, (void)text, (void)count, (void)matches, (void)flags;
	heard("regexec");
	abort();
}

void regfree(regex_t *regex)
{
	(void)regex;
	heard("regfree");
	abort();
}
#endif

#ifdef OWN_OPEN
int open(const char *path, int flags, ...)
{
	va_list more;
	int mode;

	heard("open");
	va_start(more, flags);
	mode = va_arg(more, int);
	va_end(more);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OWN(type, name, parameters, ...)                                                           \
	type name parameters                                                                       \
	{                                                                                          \
		heard(#name);                                                                      \
		return (type)syscall(__VA_ARGS__);                                                 \
	}
OWN(ssize_t, read, (int fd, void *to, size_t len), SYS_read, fd, to, len)
OWN(ssize_t, write, (int fd, const void *from, size_t len), SYS_write, fd, from, len)
OWN(int, close, (int fd), SYS_close, fd)
OWN(int, socket, (int domain, int type, int protocol), SYS_socket, domain, type, protocol)
OWN(int, connect, (int fd, __CONST_SOCKADDR_ARG to, socklen_t len), SYS_connect, fd,
    to.__sockaddr__, len)
OWN(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), SYS_sendmsg, fd, message,
    flags)
OWN(pid_t, getpid, (void), SYS_getpid)
OWN(ssize_t, readlink, (const char *path, char *to, size_t size), SYS_readlinkat, AT_FDCWD, path,
    to, size)
#endif

#ifdef OWN_ENVIRON
/* this program's is something else: who follows it crashes */
char **environ = (char **)1;

char *getenv(const char *name)
{
	(void)name;
	heard("getenv");
	return NULL;
}
#endif

#ifdef OWN_MEMCPY
void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	heard("memcpy");
	for (size_t i = 0; i < len; i++)
		((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	heard("memset");
	for (size_t i = 0; i < len; i++)
		((volatile uint8_t *)to)[i] = (uint8_t)byte;
	return to;
}

size_t strlen(const char *text)
{
	size_t len = 0;

	heard("strlen");
	while (((const volatile char *)text)[len])
		len++;
	return len;
}
#endif

#ifdef OWN_LOADER
/* what the module does ask of libc: here it gets this program's word, which is none */
int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t size, void *arg), void *arg)
{
	(void)callback, (void)arg;
	return 0;
}

unsigned long getauxval(unsigned long type)
{
	(void)type;
	return 0;
}
#endif
