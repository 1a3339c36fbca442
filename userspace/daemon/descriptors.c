// SPDX-License-Identifier: BSD-2-Clause
/* close_range(2), around those that are kept. */
#include "daemon/descriptors.h"
#include "common/util.h"

#include <sched.h>
#include <sys/syscall.h>

void descriptors_own(const int *keep, size_t count)
{
	unsigned int from = 3, next;
	int null;

	if (unshare(CLONE_FILES))
		return;
	/* the caller's, when the daemon goes to the background */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	do {
		next = ~0U;
		for (size_t i = 0; i < count; i++)
			if ((unsigned int)keep[i] >= from)
				next = MIN(next, (unsigned int)keep[i]);
		if (next > from)
			syscall(SYS_close_range, from, next == ~0U ? next : next - 1, 0);
		from = next + 1;
	} while (next != ~0U);
}
