// SPDX-License-Identifier: BSD-2-Clause
/*
 * The files of RUNMARK_SPOOL beside a daemon of the same user: the module writes each message there
 * as well. Their folder is the daemon's to know; what a message says of it is only a name.
 */
#include "daemon/preload_state.h"
#include "common/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#define NAME_LEN (16 + 4) /* "<16 hex digits>.run" */

/* A file of ours, by the last part of its path; its head is read. Negative errno. */
static int open_own(struct preload *p, struct bytes path, struct run_file_head *ret_head)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	_cleanup_close_ int fd = -1;
	char name[NAME_LEN + 1];
	struct stat st;

	if (p->options.spool_fd < 0 || !slash || path.data + path.len - slash - 1 != NAME_LEN)
		return -ENOENT;
	memcpy(name, slash + 1, NAME_LEN);
	name[NAME_LEN] = '\0';
	if (strspn(name, "0123456789abcdef") != 16 || strcmp(name + 16, ".run"))
		return -EINVAL;
	fd = openat(p->options.spool_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    fs_pread_all(fd, ret_head, sizeof(*ret_head), 0) != sizeof(*ret_head) ||
	    ret_head->magic != RUN_FILE_MAGIC)
		return -EINVAL;
	return TAKE_FD(fd);
}

void told_file_open(struct preload *p, struct told *t, struct bytes path)
{
	struct run_file_head head;
	int fd = open_own(p, path, &head);

	if (fd < 0)
		return;
	t->is_in_spool = true;
	t->file_offset = head.end_offset;
	if (head.end_offset)
		t->file = fd;
	else
		close(fd);
}

int preload_file_read(struct preload *p, struct bytes path, struct run_read *ret, char **ret_data)
{
	struct run_file_head head;
	_cleanup_close_ int fd = open_own(p, path, &head);
	_cleanup_free_ char *data = NULL;
	struct bytes area;
	ssize_t len;
	int r;

	if (fd < 0)
		return fd;
	if (head.message_size > RUN_MESSAGE_MAX)
		return -EINVAL;
	data = malloc(sizeof(head) + head.message_size);
	if (!data)
		return -ENOMEM;
	len = fs_pread_all(fd, data, sizeof(head) + head.message_size, 0);
	if (len < 0)
		return (int)len;
	r = run_read_file((struct bytes){data, (size_t)len}, ret, &area);
	if (r < 0)
		return r;
	*ret_data = TAKE_PTR(data);
	return 0;
}

uint64_t preload_file_start(struct preload *p, const struct run_read *m)
{
	_cleanup_free_ char *data = NULL;
	struct run_read read;

	if (!m->spool_file.is_there || preload_file_read(p, m->spool_file.text, &read, &data) ||
	    read.random[0] != m->random[0])
		return 0;
	return read.start_ticks;
}

void told_file_remove(struct preload *p, uint64_t token)
{
	char name[32];

	snprintf(name, sizeof(name), "%016" PRIx64 ".run", token);
	if (p->options.spool_fd >= 0)
		(void)unlinkat(p->options.spool_fd, name, 0);
}
