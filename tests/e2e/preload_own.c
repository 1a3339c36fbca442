// SPDX-License-Identifier: BSD-2-Clause
/*
 * A program that has its own of what libc has: memory from a fixed heap, an `environ` that is no
 * environment, and functions that nobody but itself may call. It includes no header that would
 * know better. Whoever calls one of the fatal ones ends it with status 99.
 */
typedef unsigned long size_t;

long syscall(long number, ...);

static char heap[1 << 20];
static size_t used;
char **environ = (char **)16;

void *malloc(size_t size)
{
	void *at = heap + used;

	used += (size + 15) & ~(size_t)15;
	return used <= sizeof(heap) ? at : 0;
}

void free(void *at)
{
	(void)at;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size);
}

void *realloc(void *at, size_t size)
{
	char *to = malloc(size);

	for (size_t i = 0; at && i < size; i++)
		to[i] = ((char *)at)[i];
	return to;
}

static void say(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	syscall(1, 1, text, len);
}

#define FATAL(name)                                                                                \
	long name(void);                                                                           \
	long name(void)                                                                            \
	{                                                                                          \
		say(#name " was called\n");                                                        \
		return syscall(231, 99);                                                           \
	}
FATAL(dl_iterate_phdr)
FATAL(getauxval)
FATAL(connect)
FATAL(socket)
FATAL(sendmsg)
FATAL(getcwd)
FATAL(readlink)
FATAL(open)
FATAL(openat)
FATAL(read)
FATAL(close)
FATAL(mmap)
FATAL(madvise)
FATAL(getpid)
FATAL(getppid)
FATAL(getrusage)
FATAL(clock_gettime)
FATAL(prctl)
FATAL(memcpy)
FATAL(memset)
FATAL(memcmp)
FATAL(memchr)
FATAL(strlen)
FATAL(strchr)
FATAL(strncmp)
FATAL(regcomp)
FATAL(getenv)
FATAL(dlopen)

int main(int argc, char **argv)
{
	say(argc > 1 ? argv[1] : "nothing");
	say(environ == (char **)16 ? "\nmine\n" : "\nnot mine\n");
	return 17;
}
