/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capture's insides, which capture.c (making, draining), capture_pin.c (the pin folder),
 * capture_load.c (a generation's programs), capture_swap.c (one generation after another) and
 * capture_read.c (asking) share.
 *
 * Below the pin folder (0700, root's) stand the gate and a folder for each generation, named by its
 * number, with its maps "ring", "counters", "control", "states" and "layout" (what its events look
 * like), and its links under their programs' names.
 */
#pragma once

#include "daemon/capture.h"
#include "daemon/layout.h"

#include <bpf/libbpf.h>

#define PIN_PATH_MAX 512
#define GENERATIONS_MAX                                                                            \
	16 /* at once: more than two need a chain of upgrades that were all killed */

struct generation {
	uint32_t number;
	int ring_fd, counters_fd, control_fd, states_fd, scan_link_fd;
	int program_fds[HOOK_FACTS + 1]; /* -1: none */
	/* of this version's own */
	const struct hook *hooks[HOOK_FACTS];
	/* shared with the programs; mapped, since bpf(2) on a map keeps perf-based programs of this
	 * CPU from running meanwhile, uncounted */
	struct control *control;
	/* of an older one */
	struct layout *layout; /* NULL: as ours */
	bool is_unreadable;    /* it doesn't say what its events look like */
	struct ring_buffer *ring;
};

struct capture {
	char pin[PIN_PATH_MAX];
	int lock_fd; /* the pin folder, as long as we live */
	int gate_fd;
	struct gate *gate; /* mapped */
	struct generation now;
	struct generation old[GENERATIONS_MAX]; /* not yet drained, oldest first */
	unsigned int old_count;
	uint64_t unread; /* events of older generations that could not be converted */
	bool is_continued;
	capture_sink sink;
	void *sink_arg;
};

void generation_init(struct generation *g);
void generation_close(struct generation *g);

/* --- capture_pin.c */

/* "PIN/GENERATION/NAME", without what is 0 or NULL. Returns path. */
char *pin_path(char path[PIN_PATH_MAX], const char *pin, uint32_t generation, const char *name);
/* Makes the folder, or says what is wrong with it. */
int pin_folder_check(const char *pin, char **ret_message);
/* The pin folder is one daemon's: two would take events from each other. A descriptor, or -EBUSY.
 */
int pin_lock(const char *pin);
/* The generations that are there, in order. Number of them. */
unsigned int pin_generations(const char *pin, uint32_t ret[GENERATIONS_MAX]);
/* Detaches and removes a generation, or all there is. */
void pin_remove_generation(const char *pin, uint32_t generation);
int pin_clear(const char *pin);
/* Detaches a generation's programs; its maps stay. */
void pin_detach(const char *pin, uint32_t generation);
/* Called for each link of a generation. */
void pin_each_link(const char *pin, uint32_t generation, void (*each)(void *arg, int link_fd),
		   void *arg);

/* --- capture_load.c */

/* Opens what is pinned. -ESTALE if it is another program's, or not whole. */
int generation_open(struct generation *g, const char *pin, uint32_t number,
		    const struct capture_options *options);
/* Loads, attaches and pins a generation; it does nothing before the gate names it. gate_fd,
 * states_fd: shared with the one before; -1: new. *ret_gate_fd: the gate's, for the caller. */
int generation_load(struct generation *g, const struct capture_options *options, uint32_t number,
		    int gate_fd, int states_fd, int *ret_gate_fd, char **ret_message);

/* --- capture_swap.c */

/* An older generation, for what it still holds. */
void generation_open_old(struct generation *g, const char *pin, uint32_t number);
/* From generation from, which is active, to c->now, which is loaded. */
void capture_swap(struct capture *c, struct generation *from);
/* Adds the totals of the older generations to this one's, once. */
void capture_carry(struct capture *c);
/* Takes what older generations left. Negative: what the sink returned. */
int capture_drain_old(struct capture *c);

/* --- capture_read.c */

void ring_size(int ring_fd, uint64_t *ret_used, uint64_t *ret_size);
void counters_add(struct counters *sum, const struct counters *more);
int generation_totals(const struct generation *g, struct capture_totals *ret);
