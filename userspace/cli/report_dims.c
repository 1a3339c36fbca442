/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of rows: what a line of a report is of. */
#include "cli/report_dims.h"

typedef uint32_t key_function(const struct report_names *names, const struct report_row *row);

static const struct report_program *program_of(const struct report_names *names,
					       const struct report_row *row)
{
	return &names->programs[row->program_index];
}

static uint32_t key_none(const struct report_names *names, const struct report_row *row)
{
	(void)names, (void)row;
	return 0;
}

static uint32_t key_software(const struct report_names *names, const struct report_row *row)
{
	return names->paths[program_of(names, row)->path].software;
}

static uint32_t key_path(const struct report_names *names, const struct report_row *row)
{
	return program_of(names, row)->path;
}

static uint32_t key_module(const struct report_names *names, const struct report_row *row)
{
	return names->paths[program_of(names, row)->path].module;
}

static uint32_t key_user(const struct report_names *names, const struct report_row *row)
{
	(void)names;
	return row->user_index;
}

static uint32_t key_job(const struct report_names *names, const struct report_row *row)
{
	(void)names;
	return row->job_index;
}

static uint32_t key_host(const struct report_names *names, const struct report_row *row)
{
	(void)names;
	return row->host_index;
}

static uint32_t key_account(const struct report_names *names, const struct report_row *row)
{
	return row->job_index == REPORT_NO_INDEX ? LABEL_NONE : names->jobs[row->job_index].account;
}

static uint32_t key_compiler(const struct report_names *names, const struct report_row *row)
{
	const struct report_program *program = program_of(names, row);

	return program->link == LINK_UNKNOWN ? DIM_NO_LINK : program->compiler;
}

static uint32_t key_compiler_version(const struct report_names *names, const struct report_row *row)
{
	return program_of(names, row)->version;
}

static uint32_t key_compiled(const struct report_names *names, const struct report_row *row)
{
	const struct report_program *program = program_of(names, row);

	return program->link == LINK_UNKNOWN ? DIM_NO_LINK : program->compiled;
}

static uint32_t key_linker(const struct report_names *names, const struct report_row *row)
{
	const struct report_program *program = program_of(names, row);

	return program->link == LINK_UNKNOWN ? DIM_NO_LINK : program->linker;
}

static uint32_t key_linker_version(const struct report_names *names, const struct report_row *row)
{
	return program_of(names, row)->linker_version;
}

static uint32_t key_built(const struct report_names *names, const struct report_row *row)
{
	enum report_evidence evidence;
	enum report_built built;

	report_built_of(names, row, &built, &evidence);
	return built;
}

static uint32_t key_evidence(const struct report_names *names, const struct report_row *row)
{
	enum report_evidence evidence;
	enum report_built built;

	report_built_of(names, row, &built, &evidence);
	return evidence;
}

const struct report_bin report_bins[] = {
	{"under 30 s", 30},	 {"30 s to 2 min", 120}, {"2 to 10 min", 600},
	{"10 min to 1 h", 3600}, {"1 to 4 h", 4 * 3600}, {"4 to 24 h", 24 * 3600},
	{"a day or more", 0},	 {"not known", 0},
};
const size_t report_bins_count = ARRAY_SIZE(report_bins);

/* A group's runs are equal and short: how long they took in the mean is told of all. */
static uint32_t key_run_time(const struct report_names *names, const struct report_row *row)
{
	uint32_t bin = 0;
	int64_t us = row->count ? row->elapsed_us / (int64_t)row->count : row->elapsed_us;

	(void)names;
	if (row->elapsed_us < 0)
		return ARRAY_SIZE(report_bins) - 1;
	while (report_bins[bin].below_s && us >= report_bins[bin].below_s * 1000000)
		bin++;
	return bin;
}

uint32_t report_dim_key(enum report_dim dim, const struct report_names *names,
			const struct report_row *row)
{
	static key_function *const keys[DIMS] = {
		[DIM_NONE] = key_none,
		[DIM_SOFTWARE] = key_software,
		[DIM_PATH] = key_path,
		[DIM_MODULE] = key_module,
		[DIM_BUILD_ID] = key_none,
		[DIM_USER] = key_user,
		[DIM_JOB] = key_job,
		[DIM_HOST] = key_host,
		[DIM_ACCOUNT] = key_account,
		[DIM_COMPILER] = key_compiler,
		[DIM_COMPILER_VERSION] = key_compiler_version,
		[DIM_COMPILED] = key_compiled,
		[DIM_LINKER] = key_linker,
		[DIM_LINKER_VERSION] = key_linker_version,
		[DIM_BUILT] = key_built,
		[DIM_EVIDENCE] = key_evidence,
		[DIM_RUN_TIME] = key_run_time,
		[DIM_END] = key_none,
		[DIM_FAILED] = key_none,
	};

	return keys[dim](names, row);
}
