/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A write beyond RLIMIT_FSIZE would kill the program, a store into mapped memory that has no block
 * behind it as well: so the limit is asked first, and the end area is allocated before it is mapped
 * (where that can't be, there is none).
 */
#include "preload/file.h"
#include "preload/status.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define CREATE_FLAGS (O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC)

void file_name(uint64_t id, char ret[static FILE_NAME_SIZE])
{
	memcpy(ret, "/0123456789abcdef.run", FILE_NAME_SIZE);
	for (int i = 16; i > 0; i--, id >>= 4)
		ret[i] = "0123456789abcdef"[id & 15];
}

static uint64_t size_limit(void)
{
	uint64_t limit[2];

	return CALL(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, limit) < 0 ? 0 : limit[0];
}

/*
 * Others who may write there could put another file in its place: so it is the user's own, or one
 * for everybody in which nobody touches what is others' (a name in the environment is no reason to
 * write into any folder that its user may write to).
 */
static long open_folder(const char *path, uint32_t user)
{
	long fd = *path != '/' ? -EINVAL
			       : CALL(SYS_openat, AT_FDCWD, path,
				      FOLDER_FLAGS | (user == FILE_ANYBODYS ? O_NOFOLLOW : 0));
	struct run_file folder;
	uint32_t mode;
	long r;

	if (fd < 0)
		return fd;
	r = status_get(fd, "", &folder, &mode);
	if (r == 0 &&
	    (user == FILE_ANYBODYS ? !(mode & S_ISVTX) : folder.owner_uid != user || mode & 022))
		r = -EPERM;
	if (r < 0)
		CALL(SYS_close, fd);
	return r < 0 ? r : fd;
}

static long allocate(long fd, uint32_t offset, uint32_t len)
{
#if __SIZEOF_LONG__ == 4
	return CALL(SYS_fallocate, fd, 0, offset, 0, len, 0); /* of 64 bits each */
#else
	return CALL(SYS_fallocate, fd, 0, offset, len);
#endif
}

/* NULL: not to be had here. */
static struct run_end_area *map_end(long fd, uint32_t offset)
{
	long address;

	if (offset + RUN_FILE_END > size_limit() || allocate(fd, offset, RUN_FILE_END) < 0)
		return NULL;
	address = CALL_MMAP(RUN_FILE_END, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	return IS_ERROR(address) ? NULL : (struct run_end_area *)address;
}

static long fill(long fd, const struct parts *parts, struct run_end_area **ret_end)
{
	struct run_file_head head = {.magic = RUN_FILE_MAGIC,
				     .message_size = (uint32_t)parts->size};
	struct iovec all[1 + PARTS_MAX] = {{&head, sizeof(head)}};
	size_t size = sizeof(head) + parts->size;
	unsigned int count = 1 + parts_slice(parts, 0, parts->size, all + 1);
	uint32_t offset = (size + RUN_FILE_ALIGN - 1) / RUN_FILE_ALIGN * RUN_FILE_ALIGN;
	struct run_end_area *end;
	long r;

	if (size > size_limit())
		return -EFBIG;
	end = ret_end ? map_end(fd, offset) : NULL;
	head.end_offset = end ? offset : 0;
	r = CALL(SYS_writev, fd, all, count);
	if (r == (long)size) {
		if (ret_end)
			*ret_end = end;
		return 0;
	}
	if (end)
		CALL(SYS_munmap, end, RUN_FILE_END);
	return r < 0 ? r : -ENOSPC;
}

long file_write(const char *folder, uint32_t user, uint64_t id, const struct parts *parts,
		struct run_end_area **ret_end)
{
	char name[FILE_NAME_SIZE], hidden[FILE_NAME_SIZE];
	long dir = open_folder(folder, user), fd, r;

	if (dir < 0)
		return dir;
	file_name(id, name);
	memcpy(hidden, name, sizeof(hidden));
	hidden[0] = '.';
	memcpy(hidden + FILE_NAME_SIZE - sizeof(".tmp"), ".tmp", sizeof(".tmp"));
	fd = r = CALL(SYS_openat, dir, hidden, CREATE_FLAGS, 0600);
	if (fd >= 0) {
		CALL(SYS_fchmod, fd, 0600); /* whatever the program's umask takes away */
		r = fill(fd, parts, ret_end);
		CALL(SYS_close, fd);
		if (r == 0)
			r = CALL(SYS_renameat, dir, hidden, dir, name + 1);
		if (r < 0)
			CALL(SYS_unlinkat, dir, hidden, 0);
	}
	CALL(SYS_close, dir);
	return r;
}
