/* SPDX-License-Identifier: BSD-2-Clause */
/* Images and their jobs: found at exec, held while any image is of it, told to the journal. */
#pragma once

#include "daemon/live.h"

struct held_job *held_job_hold(struct held_job *job);
void held_job_release(struct held_job *job);

/* What the exec's process has run till now, or what its parent runs; NULL if neither is known. */
const struct image *live_before(const struct live *live, const struct event_exec *exec);

/* Shared with before's where it is the same. before may be NULL. */
void image_set_job(struct image *image, const struct job *job, const struct image *before);
/* From whom ran before it, while its own exec isn't known. image may be NULL. */
void image_inherit_job(struct image *image, const struct image *before);

/* True if the image's exec alone, read again, would tell another job. */
bool image_job_is_told(const struct image *image);
/* As JOURNAL_JOB. */
int image_job_save(const struct image *image, live_writer writer, void *arg);
