/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who we are: host, boot, this life of the daemon; and the clocks. A run's id needs a fixed
 * relation between the clock since boot and the wall clock, whatever is done to the latter: it is
 * taken once a boot and kept in the state folder ("epoch", on tmpfs).
 */
#pragma once

#include "common/config.h"
#include "daemon/live.h"
#include <uuid/uuid.h>

struct node {
	char host[254];
	const char *cluster; /* the configuration's */
	char boot_id[37];
	uuid_t boot_uuid;
	char instance[17]; /* 16 hex digits, new at each start */
	char kernel[65];   /* uname -r */
	bool is_past;	   /* another boot, of which files are left: its clocks stand */
	int64_t epoch_ns;  /* CLOCK_REALTIME - CLOCK_BOOTTIME when first asked in this boot */
	uint64_t tick_ns;
	uint64_t started_boot_ns, started_unix_ns;
};

/* Takes the lock in the state folder, which a running daemon holds: a descriptor, or -EBUSY and the
 * holder in *ret_pid, or another negative errno. */
int node_lock(const struct config *config, int *ret_pid);

/* Makes the state folder if it isn't there. 0 or negative errno. */
int node_init(struct node *node, const struct config *config);

/* The same for another boot, perhaps of another host; epoch_ns: where the state folder has none. */
int node_init_past(struct node *node, const struct config *config, const char *host,
		   const char *boot_id, int64_t epoch_ns);

/* What a state folder has for that boot: 0 or -ENOENT. */
int node_epoch_read(const char *state, const char *boot_id, int64_t *ret);
int node_epoch_write(const char *state, const char *boot_id, int64_t epoch_ns);

uint64_t node_boot_ns(void);
uint64_t node_unix_ns(void);
/* What is to be added to its times since boot. */
int64_t node_clock_ns(const struct node *node);

/* The id of the run that key names. */
void node_run_id(const struct node *node, const struct live_key *key, uuid_t ret);
