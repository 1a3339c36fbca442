// SPDX-License-Identifier: BSD-2-Clause
/* Link records on their way through the tracker: they wait for their user's name, then for the
 * writer. */
#include "common/record.h"
#include "daemon/run_record.h"
#include "daemon/tracker_state.h"

#define JOB_PATIENCE_NS (3 * NS_PER_S) /* for the end of the process that sent the record */

static void add_job(cJSON *record, const struct job *job, struct bytes cgroup)
{
	cJSON_DeleteItemFromObjectCaseSensitive(record, "job");
	(void)job_json_add(record, job, cgroup);
}

/* From what is known of the process that sent the record. False: nothing yet. */
static bool find_job(struct tracker *t, cJSON *record, uint32_t pid)
{
	const struct image *image = live_image_of(t->live, pid, 0);
	const struct link_job *ended = image ? NULL : link_runs_job(t->link_runs, pid);
	struct job job;

	if (image && image->exec) {
		bool is_in_job = !image_job(image, &job);

		add_job(record, is_in_job ? &job : NULL, image_cgroup(image));
		return true;
	}
	if (!ended)
		return false;
	add_job(record, ended->is_in_job ? &ended->job : NULL,
		(struct bytes){ended->cgroup, ended->cgroup_len});
	return true;
}

void tracker_link_run(struct tracker *t, const struct image *image, uint64_t now_ns)
{
	const struct event_exec *exec = image->exec;
	struct link_job *job;
	struct bytes cgroup;

	if (!exec || !link_run_is_linker(event_bytes(&exec->head, exec->exe)) ||
	    image_verdict(image) == VERDICT_OPTED_OUT)
		return;
	job = link_runs_add_job(t->link_runs);
	job->pid = image->s.key.pid;
	job->is_in_job = !image_job(image, &job->job);
	cgroup = image_cgroup(image);
	job->cgroup_len = MIN(cgroup.len, sizeof(job->cgroup));
	memcpy(job->cgroup, cgroup.data, job->cgroup_len);
	if (image->s.end == END_EXIT && !image->s.wait_status && t->config->link_stamp &&
	    link_run_is_link(event_bytes(&exec->head, exec->argv),
			     event_bytes(&exec->head, exec->cwd), &t->config->link_skip))
		link_runs_ended(t->link_runs, image->s.key.pid, image->s.ppid, image->s.uid,
				now_ns);
}

struct link *tracker_add_link(struct tracker *t, cJSON *record, uint32_t uid)
{
	struct link *link = calloc(1, sizeof(*link));
	uint8_t id[16];
	double pid;

	if (!link || record_get_uuid(record, "link_id", id)) {
		cJSON_Delete(record);
		free(link);
		return NULL;
	}
	memcpy(&link->id, id, sizeof(id));
	link->record = record;
	link->user = facts_user(t->facts, uid);
	if (cJSON_IsNull(record_get(record, "job")) && !record_get_number(record, "pid", &pid) &&
	    pid > 0 && !find_job(t, record, pid)) {
		link->pid = pid;
		link->job_deadline_ns = node_boot_ns() + JOB_PATIENCE_NS;
	}
	link->deadline_ns = node_boot_ns() + FACTS_PATIENCE_NS;
	TAILQ_INSERT_TAIL(&t->links, link, link);
	return link;
}

void tracker_free_link(struct tracker *t, struct link *link)
{
	TAILQ_REMOVE(&t->links, link, link);
	facts_release(t->facts, link->user);
	cJSON_Delete(link->record);
	free(link);
}

void tracker_advance_links(struct tracker *t, uint64_t now_ns)
{
	struct link *link;

	TAILQ_FOREACH (link, &t->links, link) {
		cJSON *copy;

		if (link->pid &&
		    (find_job(t, link->record, link->pid) || now_ns >= link->job_deadline_ns))
			link->pid = 0;
		if (link->is_writing || link->pid ||
		    (fact_is_open(link->user) && now_ns < link->deadline_ns))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(link->record, "user");
		if (link->user && link->user->state == FACT_KNOWN && *link->user->user)
			cJSON_AddStringToObject(link->record, "user", link->user->user);
		else
			record_add_null(link->record, "user");
		copy = cJSON_Duplicate(link->record, true);
		if (!copy)
			continue;
		link->is_writing = true;
		t->counts.writing++;
		writer_put_record(t->writer, "link", copy, link);
	}
}
