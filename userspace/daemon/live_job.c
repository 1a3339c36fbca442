// SPDX-License-Identifier: BSD-2-Clause
/*
 * An image's job. A user can neither leave his job nor join another's: the control group is the
 * manager's own, and whoever has none has what ran in his process before, back to the one he was
 * forked from. Reparenting changes nothing of that.
 */
#include "daemon/live_job.h"
#include "daemon/journal.h"
#include "daemon/live_table.h"
#include "daemon/run_record.h"

#include <errno.h>

struct held_job *held_job_hold(struct held_job *job)
{
	if (job)
		job->users++;
	return job;
}

void held_job_release(struct held_job *job)
{
	if (job && !--job->users)
		free(job);
}

const struct image *live_before(const struct live *l, const struct event_exec *e)
{
	const struct process *p = process_find(l, e->head.pid, e->head.start_ns);

	if (p && p->image && e->head.exec_id > p->exec_id)
		return p->image;
	/* with another program by now, it may have another job */
	p = process_find(l, e->parent_pid, e->parent_start_ns);
	return p && p->image && e->parent_exec_id == p->exec_id ? p->image : NULL;
}

int live_job(const struct live *l, const struct event_exec *e, struct job *ret)
{
	const struct image *before;

	(void)exec_job(e, ret);
	/* what comes out of a journal that was begun anew has its job told behind it */
	if (!e->head.seq && !(e->head.traits & TRAIT_SCANNED))
		return *ret->manager ? 0 : -ENOENT;
	before = live_before(l, e);
	if (before && before->job)
		job_inherit(ret, &before->job->job);
	return *ret->manager ? 0 : -ENOENT;
}

void image_set_job(struct image *image, const struct job *job, const struct image *before)
{
	struct held_job *held = NULL;

	if (before && before->job && !memcmp(&before->job->job, job, sizeof(*job))) {
		held = held_job_hold(before->job);
	} else if (*job->manager || *job->container_runtime) {
		held = malloc(sizeof(*held));
		if (held)
			*held = (struct held_job){.job = *job, .users = 1};
	}
	held_job_release(image->job);
	image->job = held;
}

void image_inherit_job(struct image *image, const struct image *before)
{
	struct job job = {};

	if (!image || !before || !before->job)
		return;
	job_inherit(&job, &before->job->job);
	image_set_job(image, &job, before);
}

int image_job(const struct image *image, struct job *ret)
{
	*ret = image->job ? image->job->job : (struct job){};
	return *ret->manager ? 0 : -ENOENT;
}

bool image_job_is_told(const struct image *image)
{
	struct job own = {}, job;

	if (image->exec)
		(void)exec_job(image->exec, &own);
	(void)image_job(image, &job);
	return memcmp(&own, &job, sizeof(job));
}

int image_job_save(const struct image *image, live_writer writer, void *arg)
{
	struct live_job_state state = {.key = image->s.key};

	(void)image_job(image, &state.job);
	return writer(arg, JOURNAL_JOB, &state, sizeof(state));
}
