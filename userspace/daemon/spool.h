/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spool files: what leaves this node (runmark-records(5)). A file is written as ".NAME.tmp", closed
 * with its trailer, synced, compressed and renamed to NAME, so a reader sees only whole files. One
 * that a crash left behind is mended by spool_mend(): cut at its last whole line, closed, renamed.
 *
 * Lines wait in a buffer until spool_write(); what that returned 0 for is in the file.
 */
#pragma once

#include "daemon/losses.h"
#include "daemon/node.h"
#include <cjson/cJSON.h>

struct spool;

struct spool_status {
	char open[256]; /* the file being written; empty: none */
	char last[256]; /* the file closed last */
	uint64_t last_seq;
	uint64_t files_closed;
};

/* losses: read when a file is opened and closed, for its trailer; borrowed. */
int spool_new(const struct config *config, const struct node *node, const struct losses *losses,
	      struct spool **ret);
void spool_free(struct spool *spool);

/* Gives a record its sequence number and adds it; kind counts it. -EMSGSIZE if it is over
 * RECORD_LINE_MAX. ret_line, if not NULL, is the line with its newline, freed by the caller. */
int spool_add_record(struct spool *spool, const char *kind, cJSON *record, char **ret_line);
/* A set of that hash, if this file has none yet: make() builds it. -EMSGSIZE as for a record. Empty
 * text: no set. */
int spool_add_set(struct spool *spool, const char *hash,
		  cJSON *(*make)(const struct image *, const char *), const struct image *image);
/* A record is dropped: its sequence number is never seen. */
void spool_skip_record(struct spool *spool);

/* Writes the buffer out. 0, or negative errno (-ENOSPC, …): the file is as it was before and the
 * buffer is kept for another try. */
int spool_write(struct spool *spool);
/* Goes by the folder's name: when it is another folder than before (moved away and made anew, or
 * mounted over), the open file is taken along. Negative errno while there is none. */
int spool_follow(struct spool *spool);
/* True if the open file is old or long enough. */
bool spool_is_due(const struct spool *spool);
/* Trailer, sync, compression, rename; 0 also without an open file. */
int spool_close(struct spool *spool);

/* Bytes added since the start: what has come to the spool's size since it was looked at. */
uint64_t spool_added(const struct spool *spool);
/* Those of them that spool_write() has in the file. */
uint64_t spool_written(const struct spool *spool);
/* What the thread that wrote has open, it closes itself: it may have a table of its own. */
void spool_let_go(struct spool *spool);
int spool_folder_fd(const struct spool *spool);

/* Removes files older than keep_days (number of them), and tells how many bytes are left. */
int spool_sweep(struct spool *spool, uint64_t *ret_bytes, uint64_t *ret_files,
		uint64_t *ret_expired);
void spool_status(const struct spool *spool, struct spool_status *ret);

/* A start record is told of by the id that id_derived() makes so of its run's. */
#define SPOOL_START_ID "start"

struct spool_mender {
	/* told the id of every run and link whose record a file left behind holds */
	void (*record_seen)(void *arg, const uuid_t id);
	/* all of a file's were told: it is closed when this returns, and never read here again */
	void (*file_read)(void *arg);
};
/* Mends what earlier instances on this host left. Number of files, or negative errno if the folder
 * can't be read. */
int spool_mend(const struct config *config, const struct node *node,
	       const struct spool_mender *mender, void *arg);

/* The name of the last file of this boot, kept in the state folder: "previous" of the next. */
int spool_previous_load(const char *state, char *out, size_t size);
int spool_previous_store(const char *state, const char *name);
