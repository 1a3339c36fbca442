/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one writer: a thread that turns finished images into records and writes them, so that a slow
 * or full disk holds up nobody else. What it is given it gives back when it is in the file: then,
 * and only then, the journal may forget it.
 *
 * When the spool can't be written it tries again each second, and everything behind it waits: the
 * journal fills, then the ring, then the kernel side counts what it drops. When the spool has
 * reached its quota, records are dropped and counted instead.
 */
#pragma once

#include "daemon/group.h"
#include "daemon/losses.h"
#include "daemon/node.h"
#include <cjson/cJSON.h>

struct writer;

struct writer_status {
	uint64_t runs, starts, groups, links, nodes, dropped, failed; /* records */
	uint64_t last_seq;
	uint64_t spool_bytes, spool_files, expired;
	uint32_t waiting; /* images and records not yet written */
	bool over_quota;
	int error; /* negative errno of the last try to write, 0 if it went well */
	char open[256], last[256];
};

int writer_new(const struct config *config, const struct node *node, struct writer **ret);
#define WRITER_PATIENCE_S 10 /* at the end, for a disk that does not answer */
/* Writes out what waits, closes the file, ends the thread. Gives up on a disk that takes nothing:
 * then it returns negative errno and the journal keeps what is missing. -ETIMEDOUT: the thread
 * hangs, and may still read the images that it was given. */
int writer_finish(struct writer *writer);
bool writer_is_stuck(const struct writer *writer);
void writer_free(struct writer *writer);

/* Cumulative losses, for trailers. */
void writer_set_losses(struct writer *writer, const struct losses *losses);

/* The thread is woken by writer_go(), once for all that was put: not to run beside whoever puts. It
 * looks by itself each second. */
void writer_go(struct writer *writer);

enum writer_kind { WRITER_CLOSE, WRITER_RUN, WRITER_START, WRITER_GROUP, WRITER_RECORD };

/* Takes an image, the snapshot of one or a group over; it comes back through writer_collect(). */
void writer_put_image(struct writer *writer, struct image *image);
void writer_put_start(struct writer *writer, struct image *snapshot);
void writer_put_group(struct writer *writer, struct group *group);
/* Takes a record of another kind ("link", "node") over. tag comes back through writer_collect();
 * NULL: nothing does. */
void writer_put_record(struct writer *writer, const char *kind, cJSON *record, void *tag);
/* Closes the file after all that was put before; writer_closed() counts. */
void writer_put_close(struct writer *writer);
uint64_t writer_closed(struct writer *writer);

/* Readable when something has come back. */
int writer_fd(const struct writer *writer);
/* Called for each image, group or tag (what) whose record is in the file, in order. */
typedef void (*writer_done)(void *arg, enum writer_kind kind, void *what);
/* *ret_lines: while writer_set_tail(true), all lines since the last call as one text, freed by the
 * caller; else NULL. */
void writer_collect(struct writer *writer, writer_done done, void *arg, char **ret_lines);
void writer_set_tail(struct writer *writer, bool on);
void writer_status(struct writer *writer, struct writer_status *ret);
