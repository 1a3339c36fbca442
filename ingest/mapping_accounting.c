/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of jobs' accounting: its rows come from sacct, not from records (accounting.c). */
#include "ingest/mapping.h"

#define TOLD(name_)                                                                                \
	{                                                                                          \
		.name = name_, .kind = COLUMN_CONTEXT, .context = CONTEXT_NONE                     \
	}

static const struct column columns[] = {
	[ACCOUNTING_JOB_ID] = TOLD("job_id"),
	[ACCOUNTING_CLUSTER] = TOLD("cluster"),
	[ACCOUNTING_MANAGER] = TOLD("manager"),
	[ACCOUNTING_SUBMIT] = TOLD("submit_us"),
	[ACCOUNTING_STAGE] = TOLD("stage"),
	[ACCOUNTING_STATE] = TOLD("state"),
	[ACCOUNTING_ARRAY_ID] = TOLD("array_id"),
	[ACCOUNTING_ARRAY_TASK] = TOLD("array_task"),
	[ACCOUNTING_HET_ID] = TOLD("het_id"),
	[ACCOUNTING_HET_OFFSET] = TOLD("het_offset"),
	[ACCOUNTING_SLUID] = TOLD("sluid"),
	[ACCOUNTING_USER] = TOLD("user"),
	[ACCOUNTING_UID] = TOLD("uid"),
	[ACCOUNTING_ACCOUNT] = TOLD("account"),
	[ACCOUNTING_QUEUE] = TOLD("queue"),
	[ACCOUNTING_QOS] = TOLD("qos"),
	[ACCOUNTING_NODES] = TOLD("nodes"),
	[ACCOUNTING_NODE_LIST] = TOLD("node_list"),
	[ACCOUNTING_REQUESTED_CPUS] = TOLD("requested_cpus"),
	[ACCOUNTING_REQUESTED_MEMORY] = TOLD("requested_memory"),
	[ACCOUNTING_REQUESTED_TIME] = TOLD("requested_us"),
	[ACCOUNTING_CPUS] = TOLD("cpus"),
	[ACCOUNTING_START] = TOLD("start_us"),
	[ACCOUNTING_END] = TOLD("end_us"),
	[ACCOUNTING_ELAPSED] = TOLD("elapsed_us"),
	[ACCOUNTING_CPU] = TOLD("cpu_us"),
	[ACCOUNTING_MAX_RSS] = TOLD("max_rss"),
	[ACCOUNTING_EXIT_CODE] = TOLD("exit_code"),
	[ACCOUNTING_EXIT_SIGNAL] = TOLD("exit_signal"),
	[ACCOUNTING_IMPORTED] = TOLD("imported_us"),
};

const struct table mapping_accounting = {.name = "accounting",
					 .columns = columns,
					 .count = ACCOUNTING_COLUMNS,
					 .key_count = ACCOUNTING_STAGE,
					 .number = TABLE_ACCOUNTING,
					 .has_id = true};
