/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things every file needs: cleanup by attribute, bounds, spans of bytes. */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	  (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	  ((a) < (b) ? (a) : (b))
#define MAX(a, b)	  ((a) > (b) ? (a) : (b))
#define NS_PER_S	  1000000000ULL
#define NS_PER_MS	  1000000ULL
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Bytes that somebody else owns. Not terminated; may hold anything. */
struct bytes {
	const char *data;
	size_t len;
};

static inline struct bytes bytes_of(const char *text)
{
	return (struct bytes){text, text ? strlen(text) : 0};
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(fn)	 __attribute__((cleanup(fn)))
#define _cleanup_close_	 _cleanup_(cleanup_close)
#define _cleanup_free_	 _cleanup_(cleanup_free)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Hands over what a cleanup attribute would otherwise release. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		typeof(p) taken_ = (p);                                                            \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})
