/* SPDX-License-Identifier: BSD-2-Clause */
/* How a run ended, as a number: bits of what it is above the code or signal. */
#include "cli/report_rows.h"

#define IS_CODE	    (UINT32_C(1) << 24)
#define IS_SIGNAL   (UINT32_C(1) << 25)
#define IS_OOM	    (UINT32_C(1) << 26)
#define NUMBER_MASK UINT32_C(0xffffff)

uint32_t report_end_make(bool is_signal, int64_t number, bool is_oom)
{
	return (is_signal ? IS_SIGNAL | (is_oom ? IS_OOM : 0) : IS_CODE) |
	       ((uint32_t)number & NUMBER_MASK);
}

const char *report_end_name(uint32_t end, char out[REPORT_END_SIZE])
{
	uint32_t number = end & NUMBER_MASK;
	const char *name = number < 65 ? sigabbrev_np((int)number) : NULL;

	if (end & IS_CODE)
		snprintf(out, REPORT_END_SIZE, "%u", number);
	else if (name)
		snprintf(out, REPORT_END_SIZE, "SIG%s%s", name, end & IS_OOM ? ",oom" : "");
	else
		snprintf(out, REPORT_END_SIZE, "signal %u%s", number, end & IS_OOM ? ",oom" : "");
	return out;
}

bool report_end_is_signal(uint32_t end)
{
	return end & IS_SIGNAL;
}

bool report_end_is_oom(uint32_t end)
{
	return end & IS_OOM;
}
