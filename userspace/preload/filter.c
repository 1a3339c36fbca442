/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/filter.h"
#include "preload/syscalls.h"

#include <fcntl.h>

#define PIECE 2048

/*
 * The character behind the line's name, or 0: it hasn't come yet. *matched: how much of the name
 * has. The process's own name can't forge it: the kernel writes its newlines as two characters.
 */
static char value_in(const char *text, long len, unsigned int *matched)
{
	static const char name[] = "\nSeccomp:\t";

	for (long i = 0; i < len; i++) {
		if (*matched == sizeof(name) - 1)
			return text[i];
		if (text[i] == name[*matched])
			++*matched;
		else
			*matched = text[i] == name[0];
	}
	return 0;
}

bool filter_path_exists(const char *path)
{
	long fd = CALL(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return false;
	CALL(SYS_close, fd);
	return true;
}

/* A kernel without the line has no filters. */
bool filter_is_absent(void)
{
	long fd = CALL(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC), len;
	unsigned int matched = 0;
	char text[PIECE], value = 0;

	if (fd < 0)
		return false;
	while (!value && (len = CALL(SYS_read, fd, text, sizeof(text))) > 0)
		value = value_in(text, len, &matched);
	CALL(SYS_close, fd);
	return value == '0' || (!value && len == 0);
}
