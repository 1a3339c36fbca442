/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of reports that are numbers and times: what each takes its value from. */
#pragma once

#include "cli/report_dims.h"

report_getter report_get_runs;
report_getter report_get_failed;
report_getter report_get_programs;
report_getter report_get_users;
report_getter report_get_jobs;
report_getter report_get_hosts;
report_getter report_get_links;
report_getter report_get_failed_percent;
report_getter report_get_of_runs;
report_getter report_get_end_percent;
report_getter report_get_cpu;
report_getter report_get_core;
report_getter report_get_node;
report_getter report_get_share;
report_getter report_get_first;
report_getter report_get_last;
