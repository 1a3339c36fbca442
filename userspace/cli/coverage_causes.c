/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why time is not complete, or details are missing: gaps that show in what came to the database,
 * and the losses that runmarkd counts (daemon/losses.h; test_cli_coverage.c holds the two tables
 * together).
 */
#include "cli/coverage.h"

#define RUNS	.hides = true, .is_of_runs = true
#define PERHAPS .hides = true
#define DETAILS .hides = false
/* A second's execs are held against the messages until a second later (daemon/untold.h). */
#define UNTOLD_US 3000000
#define BY_RULE	  .is_of_runs = true, .is_by_rule = true

const struct coverage_cause coverage_causes[] = {
	{"daemon_off", "nothing captured: runmarkd was not there", PERHAPS},
	{"node_lost", "the boot ended without a word, up to the next one", PERHAPS},
	{"not_reported", "nothing has come of this time yet", PERHAPS},
	{"file_missing", "spool files that others name have not come (count: records)", PERHAPS},
	{"records_missing", "records are missing by their numbers", PERHAPS},
	{"quarantined", "lines could not be loaded (runmark-ingest --quarantine)", PERHAPS},
	{"ring_full_exec", "execs that found the ring full", RUNS},
	{"ring_full_fork", "forks that found the ring full", PERHAPS},
	{"ring_full_mmap", "mappings that found the ring full", DETAILS},
	{"ring_full_exit", "exits that found the ring full", DETAILS},
	{"not_watched", "events while no daemon had drained for minutes", PERHAPS},
	{"program_missed", "events in which the kernel did not run a program", PERHAPS},
	{"no_state", "execs whose usage before could not be kept apart", DETAILS},
	{"upgrade_unread", "events of another version and journal not read", PERHAPS},
	{"live_full", "processes that found the live table full", RUNS},
	{"live_trimmed", "programs kept in part since too much was live", DETAILS},
	{"exec_unseen", "processes that ended without a known exec", DETAILS},
	{"end_unseen", "processes that were gone without a known end", DETAILS},
	{"lookup_full", "files and users not looked up since too many waited", DETAILS},
	{"lookup_late", "files and users that took too long to look up", DETAILS},
	{"lookup_stuck", "files and users whose file system or name service hung", DETAILS},
	{"scan_stuck", "programs that ran before and could not be read whole in time", DETAILS},
	{"spool_quota", "records dropped since the spool had its quota", RUNS},
	/* the files that were not loaded before show as file_missing */
	{"spool_expired", "spool files removed since they were too old", DETAILS},
	{"record_failed", "records that could not be made or were too long", RUNS},
	{"opted_out", "runs of users who asked not to be recorded", BY_RULE},
	{"ignored", "runs that a rule leaves out", BY_RULE},
	{"out_of_scope", "runs outside of jobs, where only jobs are recorded", BY_RULE},
	{"message_refused", "messages of link wrappers, or of no kind, refused or not whole",
	 DETAILS},
	/* hostile ones for the most part: a program's own message is whole */
	{"run_refused", "messages of programs about themselves refused or not whole", PERHAPS},
	{"run_quota", "such messages that were over their user's quota", RUNS},
	/* of all programs of the node, also those that no rule wants */
	{"exec_untold", "execs that no program's message told of", PERHAPS, .late_us = UNTOLD_US},
	{"not_seen", "programs that do not load librunmark.so are not seen, nor counted", PERHAPS},
	{"link_missing", "links of which no record came", DETAILS},
	{"ends_overrun", "times that ends came faster than they were taken", DETAILS},
	{"ends_unwatched", "processes whose end is known late or not, since too many lived",
	 DETAILS},
};
const size_t coverage_causes_count = ARRAY_SIZE(coverage_causes);

const struct coverage_cause *coverage_cause_find(const char *name)
{
	static const struct coverage_cause unknown = {
		"", "counted by a newer runmarkd than this runmark knows", PERHAPS};

	for (size_t i = 0; i < coverage_causes_count; i++)
		if (!strcmp(coverage_causes[i].name, name))
			return &coverage_causes[i];
	return &unknown;
}
