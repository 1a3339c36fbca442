/* SPDX-License-Identifier: BSD-2-Clause */
/* What checks of the node share. The table of checks is in doctor.c. */
#pragma once

#include "common/config.h"
#include "common/util.h"
#include <cjson/cJSON.h>

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct check;

struct doctor {
	struct config config; /* the defaults where the file can't be used */
	char *config_message; /* what is wrong with the file; NULL: nothing */
	cJSON *status;	      /* the daemon's answer, or NULL and ... */
	int status_error;     /* ... why there is none */
	const char *db;	      /* as given, or NULL */
	bool is_root;
	/* Reporting. */
	const struct check *check; /* the one that runs */
	bool as_json;
	enum finding_level worst;
	int error; /* memory ran out while reporting */
};

/* Others are left out: where the source is to be, or is, another one. */
enum check_of { OF_BOTH, OF_BPF, OF_PRELOAD };

struct check {
	const char *name;
	/* Reports one finding at least. */
	void (*run)(struct doctor *doctor);
	/* Of findings that don't name their own. */
	const char *way_out;
	enum check_of of;
};

/* One finding of the check that runs; way_out NULL: the check's. */
void doctor_report(struct doctor *doctor, enum finding_level level, const char *way_out,
		   const char *format, ...) PRINTF_LIKE(4, 5);

/* Prints which rule takes what, a pid or a path. Returns the exit status. */
int doctor_explain(const char *control, const char *what, bool as_json);

void check_privileges(struct doctor *doctor);
void check_kernel_types(struct doctor *doctor);
void check_bpf(struct doctor *doctor);
void check_lockdown(struct doctor *doctor);
void check_bpffs(struct doctor *doctor);
void check_tracefs(struct doctor *doctor);
void check_pins(struct doctor *doctor);

void check_library(struct doctor *doctor);
void check_ld_preload(struct doctor *doctor);
void check_socket(struct doctor *doctor);
void check_ends(struct doctor *doctor);
void check_end_memory(struct doctor *doctor);

void check_config(struct doctor *doctor);
void check_daemon(struct doctor *doctor);
void check_hooks(struct doctor *doctor);
void check_losses(struct doctor *doctor);
void check_room(struct doctor *doctor);
void check_state_room(struct doctor *doctor);
void check_errors(struct doctor *doctor);

void check_spool(struct doctor *doctor);
void check_spool_space(struct doctor *doctor);
void check_waiting(struct doctor *doctor);
void check_drop(struct doctor *doctor);
void check_database(struct doctor *doctor);
