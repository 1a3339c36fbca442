// SPDX-License-Identifier: BSD-2-Clause
/*
 * For slurmd and slurmstepd on a host with both cgroup versions (LD_PRELOAD; tasks don't inherit
 * it): of /proc/PID/cgroup only v2's line is shown, since Slurm's cgroup/v2 plugin refuses hybrid
 * hosts.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int is_cgroup_file(const char *path)
{
	size_t len = strlen(path);

	return len > 12 && !strncmp(path, "/proc/", 6) && !strcmp(path + len - 7, "/cgroup");
}

static int open_v2_lines(const char *path)
{
	char text[8192];
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC), memory;
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len < 0)
		return -1;
	text[len] = '\0';
	memory = memfd_create("cgroup", MFD_CLOEXEC);
	for (char *line = text; *line;) {
		char *end = strchr(line, '\n');
		size_t line_len = end ? (size_t)(end - line + 1) : strlen(line);

		if (!strncmp(line, "0::", 3) && write(memory, line, line_len) < 0)
			return -1;
		line += line_len;
	}
	lseek(memory, 0, SEEK_SET);
	return memory;
}

#define OPENER(name)                                                                               \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		static int (*real)(const char *, int, ...);                                        \
		va_list args;                                                                      \
		int mode;                                                                          \
                                                                                                   \
		if (!real)                                                                         \
			real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name);           \
		va_start(args, flags);                                                             \
		mode = va_arg(args, int);                                                          \
		va_end(args);                                                                      \
		return is_cgroup_file(path) ? open_v2_lines(path) : real(path, flags, mode);       \
	}
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
int __open_2(const char *path, int flags, ...);
int __open64_2(const char *path, int flags, ...);
OPENER(open)
OPENER(open64)
OPENER(__open_2)
OPENER(__open64_2)
