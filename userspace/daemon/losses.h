/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that can go missing on this node, by cause: counts that only grow while the daemon
 * lives. Whoever adds a way to lose something adds a line to the table here; status, node records
 * and trailers show it from then on, and cli/coverage_causes.c says
 * whether whole runs may be missing.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define LOSS_CAUSES(X)                                                                             \
	X(RING_FULL_EXEC, "ring_full_exec", "execs that found the ring full")                      \
	X(RING_FULL_FORK, "ring_full_fork", "forks that found the ring full")                      \
	X(RING_FULL_MMAP, "ring_full_mmap", "mappings that found the ring full")                   \
	X(RING_FULL_EXIT, "ring_full_exit", "exits that found the ring full")                      \
	X(NOT_WATCHED, "not_watched", "events while no daemon had drained for minutes")            \
	X(PROGRAM_MISSED, "program_missed", "events in which the kernel did not run a program")    \
	X(NO_STATE, "no_state", "execs whose usage before could not be kept apart")                \
	X(UPGRADE_UNREAD, "upgrade_unread", "events of another version and journal not read")      \
	X(LIVE_FULL, "live_full", "processes that found the live table full")                      \
	X(LIVE_TRIMMED, "live_trimmed", "programs kept in part since too much was live")           \
	X(EXEC_UNSEEN, "exec_unseen", "processes that ended without a known exec")                 \
	X(END_UNSEEN, "end_unseen", "processes that were gone without a known end")                \
	X(LOOKUP_FULL, "lookup_full", "files and users not looked up since too many waited")       \
	X(LOOKUP_LATE, "lookup_late", "files and users that took too long to look up")             \
	X(LOOKUP_STUCK, "lookup_stuck", "files and users whose file system or name service hung")  \
	X(SCAN_STUCK, "scan_stuck",                                                                \
	  "programs that ran before and could not be read whole in time")                          \
	X(SPOOL_QUOTA, "spool_quota",                                                              \
	  "records dropped since the spool had its quota; a group counts as its runs")             \
	X(SPOOL_EXPIRED, "spool_expired", "spool files removed since they were too old")           \
	X(RECORD_FAILED, "record_failed",                                                          \
	  "records that could not be made or were too long; a group counts as its runs")           \
	X(MESSAGE_REFUSED, "message_refused",                                                      \
	  "messages of link wrappers, or of no kind, refused or not whole")                        \
	X(RUN_REFUSED, "run_refused",                                                              \
	  "messages of programs about themselves refused or not whole")                            \
	X(RUN_QUOTA, "run_quota", "such messages that were over their user's quota")               \
	X(EXEC_UNTOLD, "exec_untold", "execs that no program's message told of")                   \
	X(LINK_MISSING, "link_missing", "links of which no record came")                           \
	X(ENDS_OVERRUN, "ends_overrun", "times that ends came faster than they were taken")        \
	X(ENDS_UNWATCHED, "ends_unwatched",                                                        \
	  "processes whose end is known late or not, since too many lived")

enum loss {
#define X(cause, name, text) LOSS_##cause,
	LOSS_CAUSES(X)
#undef X
		LOSSES
};

struct losses {
	uint64_t count[LOSSES];
};

const char *loss_name(enum loss cause);
const char *loss_text(enum loss cause);

/* {"CAUSE": N} of what grew since base (NULL: since the start); all causes or only those that did.
 */
cJSON *losses_json(const struct losses *now, const struct losses *base, bool only_grown);
