// SPDX-License-Identifier: BSD-2-Clause
/* Strict: what the kernel doesn't write is no stat. */
#include "common/proc_stat.h"
#include "common/fs.h"

#include <ctype.h>
#include <errno.h>

#define PF_EXITING 0x4 /* include/linux/sched.h */
#define TEXT_MAX   2048

/* Numbers as in proc_pid_stat(5). */
enum field {
	PPID = 4,
	FLAGS = 9,
	MINOR_FAULTS = 10,
	MAJOR_FAULTS = 12,
	USER_TICKS = 14,
	SYSTEM_TICKS = 15,
	THREADS = 20,
	START_TICKS = 22,
	ARGV_START = 48,
	ARGV_END = 49,
	ENV_START = 50,
	ENV_END = 51,
	EXIT_CODE = 52,
	FIELDS = 53,
};

/* What stands behind the number; NULL if there is none, or a larger one than 64 bits hold. */
static const char *take_number(const char *text, uint64_t *ret)
{
	bool is_negative = *text == '-';
	uint64_t value = 0;

	text += is_negative;
	if (!isdigit((unsigned char)*text))
		return NULL;
	for (; isdigit((unsigned char)*text); text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return NULL;
	*ret = is_negative ? -value : value;
	return text;
}

int proc_stat_parse(const char *text, struct proc_stat *ret)
{
	const char *close = strrchr(text, ')'), *at;
	uint64_t pid, fields[FIELDS];
	struct proc_stat stat = {};

	at = take_number(text, &pid);
	if (!at || strncmp(at, " (", 2) || !close || close[1] != ' ' ||
	    !isalpha((unsigned char)close[2]))
		return -EBADMSG;
	memcpy(stat.comm, at + 2, MIN((size_t)(close - at - 2), sizeof(stat.comm) - 1));
	at = close + 3;
	for (int i = PPID; i < FIELDS; i++)
		if (*at != ' ' || !(at = take_number(at + 1, &fields[i])))
			return -EBADMSG;
	/* released while the kernel wrote: also its parent is 0 then (do_task_stat(),
	 * fs/proc/array.c) */
	if (!fields[THREADS])
		return -ESRCH;
	if (pid > INT32_MAX || fields[PPID] > INT32_MAX)
		return -EBADMSG;
	stat.pid = (pid_t)pid;
	stat.ppid = (pid_t)fields[PPID];
	stat.state = close[2];
	stat.is_zombie = stat.state == 'Z' || stat.state == 'X';
	stat.is_exiting = stat.is_zombie || fields[FLAGS] & PF_EXITING;
	stat.minor_faults = fields[MINOR_FAULTS];
	stat.major_faults = fields[MAJOR_FAULTS];
	stat.user_ticks = fields[USER_TICKS];
	stat.system_ticks = fields[SYSTEM_TICKS];
	stat.threads = fields[THREADS];
	stat.start_ticks = fields[START_TICKS];
	stat.argv_start = fields[ARGV_START];
	stat.argv_end = fields[ARGV_END];
	stat.env_start = fields[ENV_START];
	stat.env_end = fields[ENV_END];
	stat.wait_status = (uint32_t)fields[EXIT_CODE];
	*ret = stat;
	return 0;
}

int proc_stat_read(int folder, const char *path, struct proc_stat *ret)
{
	_cleanup_close_ int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX];
	ssize_t len = fd < 0 ? -errno : fs_read_all(fd, text, sizeof(text) - 1);

	if (len < 0)
		return len == -ENOENT ? -ESRCH : (int)len;
	text[len] = '\0';
	return proc_stat_parse(text, ret);
}
