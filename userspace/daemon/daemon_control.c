// SPDX-License-Identifier: BSD-2-Clause
/* What the daemon tells of itself: in node records, and who asks on the control socket. */
#include "daemon/daemon_state.h"

void daemon_gather(struct daemon *d, struct status *ret)
{
	*ret = (struct status){.config = d->config, .node = &d->node, .source = &d->source};
	(void)capture_totals(d->capture, &ret->totals);
	tracker_counts(d->tracker, &ret->tracker);
	writer_status(d->writer, &ret->writer);
	capture_ring(d->capture, &ret->ring_used, &ret->ring_size);
	tracker_losses(d->tracker, &ret->totals, &ret->writer, &ret->losses);
	daemon_preload_gather(d, ret);
	scanner_losses(d->scanner, &ret->losses);
}

void daemon_tell(struct daemon *d, const char *event)
{
	struct status status;
	cJSON *record;

	daemon_gather(d, &status);
	record = status_node_record(&status, event, d->node_last_unix_ns);
	if (!record)
		return;
	tracker_report(d->tracker, record, &status.totals);
	d->node_last_unix_ns = node_unix_ns();
	d->node_due_ns = node_boot_ns() + d->config->node_seconds * NS_PER_S;
}

static cJSON *control_status(void *arg)
{
	struct status status;

	daemon_gather(arg, &status);
	return status_answer(&status);
}

static cJSON *control_explain(void *arg, const char *what)
{
	struct daemon *d = arg;

	daemon_drain(d); /* it may be asked for as soon as it runs */
	return tracker_explain(d->tracker, what);
}

static void control_flush(void *arg)
{
	struct daemon *d = arg;

	if (!d->capture)
		inbox_receive_all(d->inbox);
	d->flush_mark = capture_mark(d->capture);
	d->flush_asked_ns = node_boot_ns();
	d->flush_wanted = true;
	d->flush_asked = false;
}

/* Once all that has ended is in the writer's hands, it is asked to close the file; then the flush
 * is done. */
void daemon_flush(struct daemon *d)
{
	if (!d->flush_wanted || d->flush_asked || !capture_is_past(d->capture, d->flush_mark) ||
	    !daemon_preload_is_settled(d, d->flush_asked_ns) || !tracker_end_groups(d->tracker))
		return;
	writer_put_close(d->writer);
	writer_go(d->writer);
	d->flush_number = ++d->closes_asked;
	d->flush_asked = true;
}

static cJSON *control_flushed(void *arg)
{
	struct daemon *d = arg;
	struct writer_status status;
	cJSON *answer;

	if (!d->flush_asked || writer_closed(d->writer) < d->flush_number)
		return NULL;
	d->flush_wanted = false;
	writer_status(d->writer, &status);
	answer = cJSON_CreateObject();
	cJSON_AddStringToObject(answer, "schema", "runmark.status/1");
	cJSON_AddTrueToObject(answer, "flushed");
	cJSON_AddStringToObject(answer, "file", status.last);
	cJSON_AddNumberToObject(answer, "last_seq", status.last_seq);
	return answer;
}

static void control_tail(void *arg, bool on)
{
	writer_set_tail(((struct daemon *)arg)->writer, on);
}

const struct control_actions daemon_control = {control_status, control_explain, control_flush,
					       control_flushed, control_tail};
