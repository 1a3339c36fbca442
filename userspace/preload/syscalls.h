/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls without libc: a program may have its own open(), read() or malloc(), and errno is
 * its, not ours. All return what the kernel does: negative errno on failure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#if defined(__x86_64__)

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__i386__)

/* More arguments than registers are left to a compiler: they are handed over in memory. */
static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	long arguments[] = {a, b, c, d, e, f}, *at = arguments;

	__asm__ volatile(
		"pushl %%ebx\n\tpushl %%esi\n\tpushl %%edi\n\tpushl %%ebp\n\t"
		"movl (%%edx), %%ebx\n\tmovl 4(%%edx), %%ecx\n\tmovl 12(%%edx), %%esi\n\t"
		"movl 16(%%edx), %%edi\n\tmovl 20(%%edx), %%ebp\n\tmovl 8(%%edx), %%edx\n\t"
		"int $0x80\n\t"
		"popl %%ebp\n\tpopl %%edi\n\tpopl %%esi\n\tpopl %%ebx"
		: "+a"(number), "+d"(at)
		:
		: "ecx", "memory", "cc");
	return number;
}

#elif defined(__aarch64__)

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#else
#error "system_call() has to be written for this machine: see the kernel's arch/*/entry"
#endif

#define CALL(number, ...) CALL_(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(number, a, b, c, d, e, f, ...)                                                       \
	system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The calls of which 32-bit machines have another form. */
#ifdef SYS_mmap2
#define CALL_MMAP(size, prot, flags, fd, offset)                                                   \
	CALL(SYS_mmap2, 0, size, prot, flags, fd, (offset) / 4096)
#else
#define CALL_MMAP(size, prot, flags, fd, offset) CALL(SYS_mmap, 0, size, prot, flags, fd, offset)
#endif

/* Of an address that mmap(2) returned. */
#define IS_ERROR(address) ((unsigned long)(address) >= -4095UL)
