/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a link record goes: the daemon's socket, else a file in the drop directory. */
#include "report.h"

#include "common/fs.h"
#include "common/id.h"
#include "common/message.h"

#include <errno.h>

/* The directory may be written, not read (1733), so it is opened as a place only. */
static int drop_file(const char *directory, struct bytes record)
{
	_cleanup_close_ int dir = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char id[ID_TEXT_SIZE], name[64], temporary[64];
	_cleanup_close_ int fd = -1;
	uuid_t uuid;
	int r;

	if (dir < 0)
		return -errno;
	id_new(uuid);
	uuid_unparse_lower(uuid, id);
	snprintf(name, sizeof(name), "%s.json", id);
	snprintf(temporary, sizeof(temporary), "%s.json.tmp", id);
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fs_write_all(fd, record.data, record.len);
	if (!r && renameat(dir, temporary, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, temporary, 0);
	return r;
}

int report_deliver(const struct config *config, struct bytes record)
{
	int r = message_send(config->socket, MESSAGE_LINK, record);

	return r < 0 ? drop_file(config->drop, record) : 0;
}
