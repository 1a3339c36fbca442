/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is read of ends: messages of the connector and of taskstats. The first byte says which;
 * messages follow one another, so that the table of processes fills, and ends are told of what is
 * in it.
 */
#include "daemon/ends_state.h"
#include "tests/fuzz/event_input.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* no process has it */
#define PID(byte) (99999990 + (byte) % 8)

static uint64_t told;

static void ended(void *arg, const struct end *end)
{
	struct forks_sum sum = {};
	struct forks *forks = end->forks;

	(void)arg;
	if (end->comm[sizeof(end->comm) - 1] || (end->has_usage && end->has_times))
		abort();
	forks_take(&forks, UINT64_MAX, &sum);
	if (forks || sum.untold > sum.count)
		abort();
	told++;
}

/* Few pids, so that messages meet. */
static void connector_try(struct ends *ends, struct input *in)
{
	char message[sizeof(struct nlmsghdr) + sizeof(struct cn_msg) + sizeof(struct proc_event)];
	static const uint32_t kinds[] = {PROC_EVENT_FORK, PROC_EVENT_EXEC, PROC_EVENT_EXIT};
	struct cn_msg body = {.id = {CN_IDX_PROC, CN_VAL_PROC}};
	struct proc_event event = {};
	uint8_t kind = take_byte(in);

	event.what = kinds[kind % 3];
	event.timestamp_ns = take_byte(in) * 1000000000ULL;
	for (size_t i = 0; i < 4; i++)
		((uint32_t *)&event.event_data)[i] = PID(take_byte(in));
	memset(message, 0, sizeof(message));
	memcpy(message + sizeof(struct nlmsghdr), &body, sizeof(body));
	memcpy(message + sizeof(struct nlmsghdr) + sizeof(body), &event, sizeof(event));
	connector_take(ends, message,
		       kind & 64 ? take_byte(in) % sizeof(message) : sizeof(message));
}

static void attr_add(char *message, size_t *len, uint16_t type, const void *data, size_t data_len)
{
	struct nlattr attr = {NLA_HDRLEN + data_len, type};

	memcpy(message + *len, &attr, sizeof(attr));
	if (data)
		memcpy(message + *len + NLA_HDRLEN, data, data_len);
	*len += NLA_HDRLEN + (data ? NLA_ALIGN(data_len) : 0);
}

/* A whole record, as the kernel makes it, and then some bytes of it are others. */
static void taskstats_try(struct ends *ends, struct input *in)
{
	struct taskstats record = {.version = take_byte(in) % 16, .ac_flag = take_byte(in)};
	struct nlmsghdr head = {.nlmsg_type = 24};
	uint32_t pid = PID(take_byte(in));
	size_t len = NLMSG_LENGTH(GENL_HDRLEN);
	char message[1024] = "";
	uint8_t changes = take_byte(in);

	record.ac_tgid = PID(take_byte(in));
	take(in, record.ac_comm, sizeof(record.ac_comm));
	memcpy(message, &head, sizeof(head));
	for (int i = 0; i < 1 + changes % 2; i++) {
		attr_add(message, &len, i ? TASKSTATS_TYPE_AGGR_TGID : TASKSTATS_TYPE_AGGR_PID,
			 NULL, 2 * NLA_HDRLEN + 4 + sizeof(record));
		attr_add(message, &len, i ? TASKSTATS_TYPE_TGID : TASKSTATS_TYPE_PID, &pid, 4);
		attr_add(message, &len, TASKSTATS_TYPE_STATS, &record, sizeof(record));
	}
	for (changes /= 32; changes; changes--) {
		uint16_t at = take_byte(in) | take_byte(in) << 8;

		message[at % len] = take_byte(in);
	}
	if (in->size && *in->data & 1)
		len = take_byte(in) * 4 % (len + 1);
	taskstats_take(ends, message, len);
}

static void asked_try(struct ends *ends, struct input *in)
{
	pid_t pid = PID(take_byte(in));
	uint64_t time_ns = take_byte(in) * 1000000000ULL;
	struct event_usage usage = {.runtime_ns = time_ns};
	struct forks_sum sum;

	switch (take_byte(in) % 3) {
	case 0:
		ends_forks(ends, pid, time_ns, &sum);
		if (sum.untold > sum.count)
			abort();
		break;
	case 1:
		if (ends_copy_of(ends, pid, time_ns) > 0)
			ends_copy_used(ends, pid, &usage);
		break;
	default:
		(void)ends_watch(ends, pid, -1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ends_sink sink = {NULL, ended};
	static struct ends *ends;
	struct input in = {data, size};

	/* no rung of the kernel's: what is told here comes from the input alone */
	if (!ends && ends_new_with(&(struct ends_options){.rungs = 1U << ENDS_RUNGS}, &ends))
		abort();
	ends->taskstats_family = 24;
	while (in.size) {
		uint8_t what = take_byte(&in);

		if (what % 3 == 0)
			connector_try(ends, &in);
		else if (what % 3 == 1)
			taskstats_try(ends, &in);
		else
			asked_try(ends, &in);
	}
	ends_collect(ends, &sink);
	if (ends_watched(ends))
		abort();
	/* the next input begins with nothing */
	while (!TAILQ_EMPTY(&ends->places[PLACE_RECENT]))
		process_free(ends, TAILQ_FIRST(&ends->places[PLACE_RECENT]));
	if (ends->counts[PLACE_COPY])
		abort();
	ends->forks_forgot_ns = 0;
	return 0;
}
