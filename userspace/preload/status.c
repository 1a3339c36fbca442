/* SPDX-License-Identifier: BSD-2-Clause */
/* statx(2) is as good and the same on all machines, but kernels before 4.11 don't have it. Nothing
 * of libc's that has a struct stat of its own may be included here. */
#include "preload/status.h"
#include "preload/syscalls.h"

#include <asm/stat.h>
#include <linux/fcntl.h>

#ifdef SYS_fstatat64
#define SYS_STATUS SYS_fstatat64
typedef struct stat64 status_form;
#else
#define SYS_STATUS SYS_newfstatat
typedef struct stat status_form;
#endif

long status_get(long dir, const char *path, struct run_file *ret, uint32_t *ret_mode)
{
	status_form status;
	long r = CALL(SYS_STATUS, dir, path, &status, AT_EMPTY_PATH);

	if (r < 0)
		return r;
	*ret = (struct run_file){
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = (uint64_t)status.st_size,
		.mtime_ns = (uint64_t)status.st_mtime * 1000000000 + status.st_mtime_nsec,
		.owner_uid = status.st_uid,
	};
	if (ret_mode)
		*ret_mode = status.st_mode;
	return 0;
}
