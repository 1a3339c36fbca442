/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of sacct's columns. Their forms are those of Slurm's src/sacct/print.c, 20.11 to 25.11.
 * Times may be seconds since 1970 (SLURM_TIME_FORMAT=%s, as the manual asks for) or Slurm's own
 * form, which is local time.
 */
#include "ingest/sacct_values.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#define US_PER_S   INT64_C(1000000)
#define NUMBER_MAX (INT64_MAX / 2)
#define PART_MAX   10000000 /* of a time: days, hours, ... */

static int take_number(const char *text, struct sacct_job *job, int where)
{
	char *end;
	long long number;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || *end || number > NUMBER_MAX)
		return -EINVAL;
	job->numbers[where] = number;
	return 0;
}

static int take_seconds(const char *text, struct sacct_job *job, int where)
{
	int r = take_number(text, job, where);

	if (r || job->numbers[where] > NUMBER_MAX / US_PER_S)
		return -EINVAL;
	job->numbers[where] *= US_PER_S;
	return 0;
}

/* Minutes, UNLIMITED or Partition_Limit. */
static int take_limit(const char *text, struct sacct_job *job, int where)
{
	if (isalpha((unsigned char)*text))
		return 0;
	if (take_seconds(text, job, where) || job->numbers[where] > NUMBER_MAX / 60)
		return -EINVAL;
	job->numbers[where] *= 60;
	return 0;
}

/* "1795254741", "2026-11-21T09:52:21", "Unknown", "None". */
static int take_time(const char *text, struct sacct_job *job, int where)
{
	struct tm tm = {.tm_isdst = -1};
	int len = 0;
	time_t time;

	if (!strcmp(text, "Unknown") || !strcmp(text, "None"))
		return 0;
	if (!text[strspn(text, "0123456789")])
		return take_seconds(text, job, where);
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &len) != 6 ||
	    text[len])
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	time = mktime(&tm);
	if (time < 0)
		return -EINVAL;
	job->numbers[where] = time * US_PER_S;
	return 0;
}

/* "[days-][hours:]minutes:seconds[.thousandths]" */
static int take_cpu_time(const char *text, struct sacct_job *job, int where)
{
	int64_t parts[3] = {0}, days = 0, us = 0;
	size_t count = 0;
	char *end;

	for (;;) {
		if (!isdigit((unsigned char)*text) || count == ARRAY_SIZE(parts))
			return -EINVAL;
		errno = 0;
		parts[count++] = strtoll(text, &end, 10);
		if (errno || parts[count - 1] > PART_MAX)
			return -EINVAL;
		text = end + 1;
		if (*end == '-' && count == 1 && !days) {
			days = parts[--count];
			continue;
		}
		if (*end != ':')
			break;
	}
	if (*end == '.')
		for (int64_t unit = US_PER_S / 10; isdigit((unsigned char)*++end); unit /= 10)
			us += (*end - '0') * unit;
	if (*end || count < 2)
		return -EINVAL;
	if (count == 2) {
		parts[2] = parts[1];
		parts[1] = parts[0];
		parts[0] = 0;
	}
	us += (((days * 24 + parts[0]) * 60 + parts[1]) * 60 + parts[2]) * US_PER_S;
	/* 00:00:00 stands where it isn't gathered, and for an allocation without its steps */
	if (us)
		job->numbers[where] = us;
	return 0;
}

/* "100M", "1.50G", "2000Mc" (of each CPU), "4Gn" (of each node), "0", as bytes. A step's may be
 * "?". */
static int take_size(const char *text, struct sacct_job *job, int where)
{
	static const char units[] = "KMGTPE";
	const char *unit;
	char *end;
	double size;

	if (!strcmp(text, "?"))
		return 0;
	if (!isdigit((unsigned char)*text) || strspn(text, "0123456789.") > 18)
		return -EINVAL;
	size = strtod(text, &end);
	if (end != text + strspn(text, "0123456789."))
		return -EINVAL;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		size *= (double)(INT64_C(1) << (10 * (unit - units + 1)));
		end++;
	}
	if (where == SACCT_REQUESTED_MEMORY && (*end == 'c' || *end == 'n')) {
		int64_t factor = job->numbers[*end == 'c' ? SACCT_REQUESTED_CPUS : SACCT_NODES];

		if (factor == SACCT_UNKNOWN)
			return 0;
		size *= (double)factor;
		end++;
	}
	if (*end || !(size < (double)NUMBER_MAX))
		return -EINVAL;
	job->numbers[where] = (int64_t)size;
	return 0;
}

/* "code:signal" */
static int take_exit(const char *text, struct sacct_job *job, int where)
{
	int code, signal, len = 0;

	(void)where;
	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%9d:%9d%n", &code, &signal, &len) != 2 || text[len] || signal < 0)
		return -EINVAL;
	job->numbers[SACCT_EXIT_CODE] = code;
	job->numbers[SACCT_EXIT_SIGNAL] = signal;
	return 0;
}

static int take_text(const char *text, struct sacct_job *job, int where)
{
	if (strlen(text) >= SACCT_TEXT_MAX)
		return -EINVAL;
	strcpy(job->texts[where], text);
	return 0;
}

/* "COMPLETED", "CANCELLED by 1009". REQUEUED is the end of a submission: the next has its own time.
 */
static int take_state(const char *text, struct sacct_job *job, int where)
{
	static const char *const waiting[] = {"PENDING",     "CONFIGURING",  "REQUEUE_HOLD",
					      "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"};
	static const char *const running[] = {"RUNNING", "SUSPENDED", "COMPLETING", "RESIZING",
					      "STOPPED", "SIGNALING", "STAGE_OUT"};
	size_t len = strcspn(text, " +");

	if (!len || len >= SACCT_TEXT_MAX || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") < len)
		return -EINVAL;
	memcpy(job->texts[where], text, len);
	job->stage = SACCT_ENDED;
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		if (!strcmp(job->texts[where], waiting[i]))
			job->stage = SACCT_WAITS;
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		if (!strcmp(job->texts[where], running[i]))
			job->stage = SACCT_RUNS;
	return 0;
}

/* "123", and "123.0", "123.batch" of steps. */
static int take_raw_id(const char *text, struct sacct_job *job, int where)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 20 || (text[digits] && text[digits] != '.'))
		return -EINVAL;
	job->is_step = text[digits];
	memcpy(job->texts[where], text, digits);
	return 0;
}

/* "123", "120_3", "120_[4-7%2]" of tasks that wait, "123+1"; a step's has its name behind. */
static int take_id(const char *text, struct sacct_job *job, int where)
{
	size_t digits = strspn(text, "0123456789"), part;

	(void)where;
	if (!digits || digits > 20)
		return -EINVAL;
	part = strcspn(text + digits, ".");
	if (text[digits] == '_') {
		memcpy(job->texts[SACCT_ARRAY_ID], text, digits);
		if (text[digits + 1] == '[')
			return 0;
		if (strspn(text + digits + 1, "0123456789") != part - 1 || part == 1 || part > 20)
			return -EINVAL;
		memcpy(job->texts[SACCT_ARRAY_TASK], text + digits + 1, part - 1);
	} else if (text[digits] == '+') {
		char number[24] = "";

		if (part < 2 || part > 10)
			return -EINVAL;
		memcpy(job->texts[SACCT_HET_ID], text, digits);
		memcpy(number, text + digits + 1, part - 1);
		return take_number(number, job, SACCT_HET_OFFSET);
	} else if (part) {
		return -EINVAL;
	}
	return 0;
}

/* As in a cgroup's name: s and 13 of Crockford's base 32. */
static int take_sluid(const char *text, struct sacct_job *job, int where)
{
	if (*text != 's' || strlen(text) != 14 ||
	    strspn(text + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != 13)
		return -EINVAL;
	return take_text(text, job, where);
}

static int take_nodes(const char *text, struct sacct_job *job, int where)
{
	(void)where;
	if (!strcmp(text, "None assigned"))
		return 0;
	if (strlen(text) < SACCT_NODES_MAX)
		strcpy(job->node_list, text);
	return 0;
}

const struct sacct_column sacct_columns[SACCT_COLUMNS] = {
	{"JobIDRaw", take_raw_id, SACCT_JOB_ID},
	{"State", take_state, SACCT_STATE},
	{"NNodes", take_number, SACCT_NODES},
	{"ReqCPUS", take_number, SACCT_REQUESTED_CPUS},
	{"JobID", take_id, 0},
	{"Cluster", take_text, SACCT_CLUSTER},
	{"SLUID", take_sluid, SACCT_SLUID},
	{"User", take_text, SACCT_USER},
	{"UID", take_number, SACCT_UID},
	{"Account", take_text, SACCT_ACCOUNT},
	{"Partition", take_text, SACCT_QUEUE},
	{"QOS", take_text, SACCT_QOS},
	{"ExitCode", take_exit, 0},
	{"Submit", take_time, SACCT_SUBMIT_US},
	{"Start", take_time, SACCT_START_US},
	{"End", take_time, SACCT_END_US},
	{"ElapsedRaw", take_seconds, SACCT_ELAPSED_US},
	{"TimelimitRaw", take_limit, SACCT_REQUESTED_US},
	{"AllocCPUS", take_number, SACCT_CPUS},
	{"ReqMem", take_size, SACCT_REQUESTED_MEMORY},
	{"NodeList", take_nodes, SACCT_NODE_LIST},
	{"TotalCPU", take_cpu_time, SACCT_CPU_US},
	{"MaxRSS", take_size, SACCT_MAX_RSS},
};
