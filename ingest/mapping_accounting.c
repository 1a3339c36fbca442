/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of jobs' accounting: its rows come from sacct, not from records (accounting.c). */
#include "ingest/mapping_make.h"

static const struct column columns[] = {
	[ACCOUNTING_JOB_ID] = MADE("job_id"),
	[ACCOUNTING_CLUSTER] = MADE("cluster"),
	[ACCOUNTING_MANAGER] = MADE("manager"),
	[ACCOUNTING_SUBMIT] = MADE("submit_us"),
	[ACCOUNTING_STAGE] = MADE("stage"),
	[ACCOUNTING_STATE] = MADE("state"),
	[ACCOUNTING_ARRAY_ID] = MADE("array_id"),
	[ACCOUNTING_ARRAY_TASK] = MADE("array_task"),
	[ACCOUNTING_HET_ID] = MADE("het_id"),
	[ACCOUNTING_HET_OFFSET] = MADE("het_offset"),
	[ACCOUNTING_SLUID] = MADE("sluid"),
	[ACCOUNTING_USER] = MADE("user"),
	[ACCOUNTING_UID] = MADE("uid"),
	[ACCOUNTING_ACCOUNT] = MADE("account"),
	[ACCOUNTING_QUEUE] = MADE("queue"),
	[ACCOUNTING_QOS] = MADE("qos"),
	[ACCOUNTING_NODES] = MADE("nodes"),
	[ACCOUNTING_NODE_LIST] = MADE("node_list"),
	[ACCOUNTING_REQUESTED_CPUS] = MADE("requested_cpus"),
	[ACCOUNTING_REQUESTED_MEMORY] = MADE("requested_memory"),
	[ACCOUNTING_REQUESTED_TIME] = MADE("requested_us"),
	[ACCOUNTING_CPUS] = MADE("cpus"),
	[ACCOUNTING_START] = MADE("start_us"),
	[ACCOUNTING_END] = MADE("end_us"),
	[ACCOUNTING_ELAPSED] = MADE("elapsed_us"),
	[ACCOUNTING_CPU] = MADE("cpu_us"),
	[ACCOUNTING_MAX_RSS] = MADE("max_rss"),
	[ACCOUNTING_EXIT_CODE] = MADE("exit_code"),
	[ACCOUNTING_EXIT_SIGNAL] = MADE("exit_signal"),
	[ACCOUNTING_IMPORTED] = MADE("imported_us"),
};

const struct table mapping_accounting =
	TABLE_OF("accounting", columns, TABLE_ACCOUNTING, ACCOUNTING_STAGE, true);
