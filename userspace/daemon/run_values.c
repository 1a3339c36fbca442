// SPDX-License-Identifier: BSD-2-Clause
/* From an image to numbers. */
#include "daemon/run_values.h"
#include "common/record.h"
#include "daemon/live_image.h"
#include "daemon/run_record.h"

#include <sys/wait.h>

static const char *const names[RUN_VALUES] = {
	[RUN_ELAPSED_US] = "elapsed_s",
	[RUN_USER_US] = "user_s",
	[RUN_SYSTEM_US] = "system_s",
	[RUN_MAX_RSS] = "max_rss",
	[RUN_READ_BYTES] = "read_bytes",
	[RUN_WRITE_BYTES] = "write_bytes",
	[RUN_MINOR_FAULTS] = "minor_faults",
	[RUN_MAJOR_FAULTS] = "major_faults",
	[RUN_FORKS] = "forks",
};

const char *run_value_name(enum run_value value)
{
	return names[value];
}

double run_value_shown(enum run_value value, uint64_t number)
{
	return value <= RUN_SYSTEM_US ? number / 1e6 : (double)number;
}

bool run_value_fits(enum run_value value, uint64_t number)
{
	return value <= RUN_SYSTEM_US ? number / 1e6 < RECORD_SECONDS_MAX
				      : number <= RECORD_NUMBER_MAX;
}

/* cputime_adjust() of kernel/sched/cputime.c: ticks say how, the scheduler how much. */
static void usage_times(const struct event_usage *u, uint64_t *ret_user_us, uint64_t *ret_system_us)
{
	uint64_t total_us = u->runtime_ns / 1000, system_us = 0;
	double ticks = (double)u->user_ns + u->system_ns;

	if (u->system_ns)
		system_us = total_us * (u->system_ns / ticks);
	*ret_system_us = system_us;
	*ret_user_us = total_us - system_us;
}

bool run_rss_is_own(const struct image *image)
{
	return image->s.traits & TRAIT_RSS_EXACT;
}

bool run_value_is_known(const struct image *image, enum run_value value)
{
	switch (value) {
	case RUN_MAX_RSS:
		return run_rss_is_own(image);
	case RUN_READ_BYTES:
	case RUN_WRITE_BYTES:
		return !(image->s.traits & TRAIT_USAGE_TIMES);
	case RUN_FORKS: /* copies tell nothing of themselves */
		return !image_is_told(image) || image->s.knows_forks;
	default:
		return true;
	}
}

void run_values(const struct image *image, uint64_t ret[RUN_VALUES])
{
	struct event_usage all = image->s.usage;

	usage_fold(&all, &image->s.folded);
	ret[RUN_ELAPSED_US] = image->s.end_ns > image->s.begin_ns
				      ? (image->s.end_ns - image->s.begin_ns) / 1000
				      : 0;
	usage_times(&all, &ret[RUN_USER_US], &ret[RUN_SYSTEM_US]);
	ret[RUN_MAX_RSS] = all.max_rss;
	ret[RUN_READ_BYTES] = all.read_bytes;
	ret[RUN_WRITE_BYTES] = all.write_bytes;
	ret[RUN_MINOR_FAULTS] = all.minor_faults;
	ret[RUN_MAJOR_FAULTS] = all.major_faults;
	ret[RUN_FORKS] = image->s.forks;
}

bool exit_json_add(cJSON *record, uint32_t wait_status, bool oom)
{
	int number = wait_status & 0x7f;
	cJSON *exit = cJSON_AddObjectToObject(record, "exit");
	char name[32];

	if (!exit || !number)
		return exit && record_add_number(exit, "code", (wait_status >> 8) & 0xff);
	if (sigabbrev_np(number))
		snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(number));
	else
		snprintf(name, sizeof(name), "SIGRTMIN%+d", number - 34); /* the C library has 34 */
	return record_add_number(exit, "signal", number) &&
	       cJSON_AddStringToObject(exit, "name", name) &&
	       cJSON_AddBoolToObject(exit, "core", wait_status & 0x80) &&
	       cJSON_AddBoolToObject(exit, "oom", oom);
}
