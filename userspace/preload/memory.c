/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few functions of string.h that the module uses, or that a compiler takes for granted: its
 * own, hidden, since a program may have replaced libc's. Short is better than fast here, but for
 * copies: of them there are a kilobyte.
 */
#include <stdint.h>
#include <string.h>

#define WORD sizeof(uint64_t)

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
	char *out = to;
	const char *in = from;

	for (; len >= WORD; len -= WORD, in += WORD, out += WORD)
		__builtin_memcpy(out, in, WORD);
	while (len--)
		*out++ = *in++;
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	const uint64_t word = 0x0101010101010101ULL * (unsigned char)byte;
	char *out = to;

	for (; len >= WORD; len -= WORD, out += WORD)
		__builtin_memcpy(out, &word, WORD);
	while (len--)
		*out++ = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

void *memchr(const void *data, int byte, size_t len)
{
	const unsigned char *at = data;

	for (; len; len--, at++)
		if (*at == (unsigned char)byte)
			return (void *)at;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

char *strchr(const char *text, int byte)
{
	for (; *text != (char)byte; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

char *strrchr(const char *text, int byte)
{
	const char *found = NULL;

	do
		if (*text == (char)byte)
			found = text;
	while (*text++);
	return (char *)found;
}

int strncmp(const char *a, const char *b, size_t len)
{
	for (; len; len--, a++, b++) {
		if (*a != *b)
			return *a < *b ? -1 : 1;
		if (!*a)
			break;
	}
	return 0;
}
