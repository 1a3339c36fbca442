/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/stat: first the input as it is, then as the name that a program gives itself. */
#include "common/proc_stat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char rest[] = ") S 13 0 0 0 -1 4 0 0 0 0 0 0 0 0 0 0 3 0 17 0 0 0 0 0 0 0 0 0 "
				   "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 2 4 5 9\n";
	_cleanup_free_ char *text = malloc(size + 1), *named = NULL;
	struct proc_stat stat;
	size_t len;

	memcpy(text, data, size);
	text[size] = '\0';
	if (!proc_stat_parse(text, &stat) &&
	    (stat.pid < 0 || stat.ppid < 0 || strnlen(stat.comm, 16) == 16 ||
	     !strstr(text, stat.comm) || (stat.is_zombie && !stat.is_exiting)))
		abort();
	if (asprintf(&named, "19 (%s%s", text, rest) < 0)
		return 0;
	len = MIN(strlen(text), sizeof(stat.comm) - 1);
	if (proc_stat_parse(named, &stat) || memcmp(stat.comm, text, len) || stat.comm[len] ||
	    stat.pid != 19 || stat.ppid != 13 || stat.start_ticks != 17 || stat.argv_start != 1 ||
	    stat.env_end != 5 || stat.wait_status != 9 || !stat.is_exiting)
		abort();
	return 0;
}
