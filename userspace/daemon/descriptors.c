// SPDX-License-Identifier: BSD-2-Clause
/* close_range(2), around those that are kept. */
#include "daemon/descriptors.h"
#include "common/util.h"

#include <sched.h>
#include <sys/syscall.h>

void descriptors_own(const int *keep, size_t count)
{
	unsigned int from = 3, next;

	if (unshare(CLONE_FILES))
		return;
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
