/* SPDX-License-Identifier: BSD-2-Clause */
/* The reports: what each can be told by, and in which columns. */
#include "cli/report.h"

/* The measures at the end of most lists. */
#define HOURS RC_CPU, RC_CORE, RC_NODE

static const struct report_view software_views[] = {
	{.word = "software",
	 .dims = {DIM_SOFTWARE},
	 .list = {RC_SOFTWARE, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
	{.word = "program",
	 .dims = {DIM_PATH},
	 .list = {RC_PROGRAM, RC_SOFTWARE, RC_MODULE, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS,
		  RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
	{.word = "module",
	 .dims = {DIM_MODULE},
	 .list = {RC_MODULE, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
};

static const struct report_view library_views[] = {
	{.word = "library",
	 .dims = {DIM_PATH},
	 .list = {RC_LIBRARY, RC_MODULE, RC_RUNS, RC_USERS, RC_JOBS, RC_CPU, RC_CORE, RC_LAST},
	 .sort = RC_CORE,
	 .is_of_libraries = true},
	{.word = "module",
	 .dims = {DIM_MODULE},
	 .list = {RC_MODULE, RC_RUNS, RC_USERS, RC_JOBS, RC_CPU, RC_CORE, RC_LAST},
	 .sort = RC_CORE,
	 .is_of_libraries = true},
	{.word = "build-id",
	 .dims = {DIM_PATH, DIM_BUILD_ID},
	 .list = {RC_LIBRARY, RC_BUILD_ID, RC_RUNS, RC_USERS, RC_JOBS, RC_CPU, RC_CORE, RC_LAST},
	 .sort = RC_CORE,
	 .is_of_libraries = true},
	{.word = "user",
	 .dims = {DIM_PATH, DIM_USER},
	 .list = {RC_LIBRARY, RC_USER, RC_RUNS, RC_JOBS, RC_CPU, RC_CORE, RC_LAST},
	 .sort = RC_CORE,
	 .is_of_libraries = true,
	 .needs_lib = true},
	{.word = "job",
	 .dims = {DIM_PATH, DIM_JOB},
	 .list = {RC_LIBRARY, RC_JOB, RC_CLUSTER, RC_JOB_USER, RC_JOB_ACCOUNT, RC_RUNS, RC_CPU,
		  RC_CORE, RC_LAST},
	 .sort = RC_CORE,
	 .is_of_libraries = true,
	 .needs_lib = true},
};

static const struct report_view user_views[] = {
	{.word = "user",
	 .dims = {DIM_USER},
	 .list = {RC_USER, RC_RUNS, RC_PROGRAMS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
	{.word = "account",
	 .dims = {DIM_ACCOUNT},
	 .list = {RC_ACCOUNT, RC_RUNS, RC_PROGRAMS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
	{.word = "software",
	 .dims = {DIM_USER, DIM_SOFTWARE},
	 .list = {RC_USER, RC_SOFTWARE, RC_RUNS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
};

static const struct report_view compiler_views[] = {
	{.word = "version",
	 .dims = {DIM_COMPILER, DIM_COMPILER_VERSION},
	 .list = {RC_COMPILER, RC_COMPILER_VERSION, RC_LINKS, RC_PROGRAMS, RC_RUNS, RC_USERS,
		  RC_JOBS, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
	{.word = "compiler",
	 .dims = {DIM_COMPILER},
	 .list = {RC_COMPILER, RC_LINKS, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
	{.word = "program",
	 .dims = {DIM_PATH, DIM_COMPILED},
	 .list = {RC_PROGRAM, RC_COMPILED, RC_RUNS, RC_USERS, RC_JOBS, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
};

static const struct report_view linker_views[] = {
	{.word = "version",
	 .dims = {DIM_LINKER, DIM_LINKER_VERSION},
	 .list = {RC_LINKER, RC_LINKER_VERSION, RC_LINKS, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS,
		  HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
	{.word = "linker",
	 .dims = {DIM_LINKER},
	 .list = {RC_LINKER, RC_LINKS, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
	{.word = "program",
	 .dims = {DIM_PATH, DIM_LINKER},
	 .list = {RC_PROGRAM, RC_LINKER, RC_RUNS, RC_USERS, RC_JOBS, HOURS, RC_SHARE, RC_LAST},
	 .sort = RC_CORE},
};

static const struct report_view built_views[] = {
	{.word = "built",
	 .dims = {DIM_BUILT},
	 .list = {RC_BUILT, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_BUILT},
	{.word = "evidence",
	 .dims = {DIM_BUILT, DIM_EVIDENCE},
	 .list = {RC_BUILT, RC_EVIDENCE, RC_PROGRAMS, RC_RUNS, RC_USERS, RC_JOBS, HOURS, RC_SHARE},
	 .sort = RC_BUILT},
	{.word = "software",
	 .dims = {DIM_SOFTWARE, DIM_BUILT},
	 .list = {RC_SOFTWARE, RC_BUILT, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
	{.word = "program",
	 .dims = {DIM_PATH, DIM_BUILT},
	 .list = {RC_PROGRAM, RC_BUILT, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
	{.word = "user",
	 .dims = {DIM_USER, DIM_BUILT},
	 .list = {RC_USER, RC_BUILT, RC_PROGRAMS, RC_RUNS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE,
		  RC_LAST},
	 .sort = RC_CORE},
};

static const struct report_view bin_views[] = {
	{.word = "run-time",
	 .dims = {DIM_RUN_TIME},
	 .list = {RC_RUN_TIME, RC_RUNS, RC_PROGRAMS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE},
	 .sort = RC_RUN_TIME},
	{.word = "software",
	 .dims = {DIM_SOFTWARE, DIM_RUN_TIME},
	 .list = {RC_SOFTWARE, RC_RUN_TIME, RC_RUNS, RC_USERS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE},
	 .sort = RC_CORE},
	{.word = "user",
	 .dims = {DIM_USER, DIM_RUN_TIME},
	 .list = {RC_USER, RC_RUN_TIME, RC_RUNS, RC_PROGRAMS, RC_JOBS, RC_FAILED, HOURS, RC_SHARE},
	 .sort = RC_CORE},
};

#define FAILURES RC_FAILED_HERE, RC_OF_RUNS, RC_END_PERCENT, RC_USERS, RC_JOBS, RC_CORE, RC_LAST

static const struct report_view failure_views[] = {
	{.word = "software",
	 .dims = {DIM_SOFTWARE, DIM_END},
	 .list = {RC_SOFTWARE, RC_ENDED, FAILURES},
	 .sort = RC_FAILED_HERE,
	 .is_of_failures = true},
	{.word = "program",
	 .dims = {DIM_PATH, DIM_FAILED},
	 .list = {RC_PROGRAM, FAILURES},
	 .sort = RC_FAILED_HERE,
	 .is_of_failures = true},
	{.word = "end",
	 .dims = {DIM_NONE, DIM_END},
	 .list = {RC_ENDED, FAILURES},
	 .sort = RC_FAILED_HERE,
	 .is_of_failures = true},
	{.word = "user",
	 .dims = {DIM_USER, DIM_FAILED},
	 .list = {RC_USER, RC_FAILED_HERE, RC_OF_RUNS, RC_END_PERCENT, RC_JOBS, RC_CORE, RC_LAST},
	 .sort = RC_FAILED_HERE,
	 .is_of_failures = true},
	{.word = "host",
	 .dims = {DIM_HOST, DIM_FAILED},
	 .list = {RC_HOST, FAILURES},
	 .sort = RC_FAILED_HERE,
	 .is_of_failures = true},
};

static const struct report_view job_views[] = {
	{.word = "job",
	 .dims = {DIM_JOB},
	 .list = {RC_JOB, RC_CLUSTER, RC_JOB_USER, RC_JOB_ACCOUNT, RC_QUEUE, RC_PROGRAMS, RC_RUNS,
		  RC_HOSTS, RC_FAILED, HOURS, RC_SHARE, RC_FIRST, RC_LAST},
	 .sort = RC_CORE},
	{.word = "software",
	 .dims = {DIM_JOB, DIM_SOFTWARE},
	 .list = {RC_JOB, RC_CLUSTER, RC_SOFTWARE, RC_JOB_USER, RC_JOB_ACCOUNT, RC_RUNS, RC_HOSTS,
		  RC_FAILED, HOURS, RC_FIRST, RC_LAST},
	 .sort = RC_CORE},
};

#define TALLY(name_, summary_, views_)                                                             \
	static const struct report report_##views_ = {.name = name_,                               \
						      .summary = summary_,                         \
						      .views = views_,                             \
						      .n_views = ARRAY_SIZE(views_),               \
						      .run = report_tally_run}

TALLY("software", "What ran, and what it took: by name, program or module.", software_views);
TALLY("libraries", "Which libraries were used, by how much, by whom.", library_views);
TALLY("users", "Who ran how much, of what; and for which account.", user_views);
TALLY("compilers", "What compiled the programs that ran.", compiler_views);
TALLY("linkers", "What linked the programs that ran.", linker_views);
TALLY("self-built", "Whether who runs a program built it, or another user, or the site.",
      built_views);
TALLY("bins", "How long runs took.", bin_views);
TALLY("failures", "What failed, and how: exit codes, signals, memory that ran out.", failure_views);
TALLY("jobs", "What jobs ran and took, the most costly first.", job_views);

const struct report *const reports[] = {
	&report_software_views, &report_library_views, &report_user_views, &report_compiler_views,
	&report_linker_views,	&report_built_views,   &report_bin_views,  &report_failure_views,
	&report_job_views,	&report_coverage,
};
const size_t reports_count = ARRAY_SIZE(reports);
