// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taskstats: as each thread of the node ends, a record of what it has used, and of its exit. Needs
 * CAP_NET_ADMIN and the first pid, user and network namespaces.
 *
 * Since version 12 (Linux 5.19) a record names its process and says whether its thread was the last
 * one. Before, only the first thread's are known to be of a process, and that of the last thread,
 * with which the kernel sends its own sum over all of them. That sum, of runtime, also shows
 * whether all the threads' records have been seen here.
 */
#include "daemon/ends_state.h"
#include "daemon/node.h"

#include <errno.h>
#include <linux/acct.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <sys/socket.h>

#define POSSIBLE_CPUS "/sys/devices/system/cpu/possible"
#define LAST_THREAD   0x20 /* AGROUP, which headers before Linux 5.19 lack */
#define TGID_VERSION  12
#define TGID_AT	      368 /* ac_tgid, which they lack, too */

/* --- starting */

struct request {
	struct nlmsghdr head;
	struct genlmsghdr genl;
	char attrs[512];
};

static void request_add(struct request *request, unsigned int type, const char *text)
{
	struct nlattr attr = {.nla_len = NLA_HDRLEN + strlen(text) + 1, .nla_type = type};
	char *at = request->attrs;

	memcpy(at, &attr, sizeof(attr));
	memcpy(at + NLA_HDRLEN, text, strlen(text) + 1);
	request->head.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN) + NLMSG_ALIGN(attr.nla_len);
}

/* The attribute of that type among len bytes, and its length; NULL if there is none. */
static const char *attr_find(const char *attrs, size_t len, unsigned int type, size_t *ret_len)
{
	struct nlattr attr;

	while (len >= sizeof(attr)) {
		memcpy(&attr, attrs, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > len)
			return NULL;
		if ((attr.nla_type & NLA_TYPE_MASK) == type) {
			*ret_len = attr.nla_len - NLA_HDRLEN;
			return attrs + NLA_HDRLEN;
		}
		len -= MIN(len, (size_t)NLA_ALIGN(attr.nla_len));
		attrs += NLA_ALIGN(attr.nla_len);
	}
	return NULL;
}

/* The kernel answers within the call. 0, or the error that it gave. */
static int ask(int fd, struct request *request, void *answer, size_t size, size_t *ret_len)
{
	int r = netlink_send(fd, request, request->head.nlmsg_len);
	struct nlmsghdr head;
	ssize_t len;

	if (r)
		return r;
	do {
		len = recv(fd, answer, size, 0);
		if (len < (ssize_t)sizeof(head))
			return len < 0 ? -errno : -EBADMSG;
		memcpy(&head, answer, sizeof(head));
	} while (head.nlmsg_seq != request->head.nlmsg_seq);
	*ret_len = len;
	if (head.nlmsg_type == NLMSG_ERROR)
		memcpy(&r, (char *)answer + NLMSG_HDRLEN, sizeof(r));
	return r;
}

static int family_find(int fd, unsigned int *ret)
{
	struct request request = {
		.head = {.nlmsg_type = GENL_ID_CTRL, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1},
		.genl = {.cmd = CTRL_CMD_GETFAMILY, .version = 1}};
	char answer[4096];
	size_t len, id_len;
	const char *id;
	uint16_t family;
	int r;

	request_add(&request, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME);
	r = ask(fd, &request, answer, sizeof(answer), &len);
	if (r)
		return r;
	if (len < NLMSG_LENGTH(GENL_HDRLEN))
		return -EBADMSG;
	id = attr_find(answer + NLMSG_LENGTH(GENL_HDRLEN), len - NLMSG_LENGTH(GENL_HDRLEN),
		       CTRL_ATTR_FAMILY_ID, &id_len);
	if (!id || id_len < sizeof(family))
		return -EBADMSG;
	memcpy(&family, id, sizeof(family));
	*ret = family;
	return 0;
}

static int request_mask(struct request *request, unsigned int family, unsigned int attr)
{
	char mask[256] = "";
	_cleanup_fclose_ FILE *file = fopen(POSSIBLE_CPUS, "re");

	if (!file || !fgets(mask, sizeof(mask), file))
		return -ENOENT;
	mask[strcspn(mask, "\n")] = '\0';
	*request = (struct request){
		.head = {.nlmsg_type = family,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
			 .nlmsg_seq = 2},
		.genl = {.cmd = TASKSTATS_CMD_GET, .version = TASKSTATS_GENL_VERSION}};
	request_add(request, attr, mask);
	return 0;
}

int taskstats_new(int queue_bytes, int *ret_fd, unsigned int *ret_family)
{
	_cleanup_close_ int fd = netlink_new(NETLINK_GENERIC, 0, queue_bytes);
	struct request request;
	unsigned int family;
	char answer[4096];
	size_t len;
	int r = fd < 0 ? fd : family_find(fd, &family);

	if (!r)
		r = request_mask(&request, family, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK);
	if (!r)
		r = ask(fd, &request, answer, sizeof(answer), &len);
	if (r)
		return r;
	*ret_fd = TAKE_FD(fd);
	*ret_family = family;
	return 0;
}

void taskstats_stop(int fd, unsigned int family)
{
	struct request request;

	if (fd >= 0 && !request_mask(&request, family, TASKSTATS_CMD_ATTR_DEREGISTER_CPUMASK))
		(void)netlink_send(fd, &request, request.head.nlmsg_len);
}

/* --- records */

/* Of TASKSTATS_TYPE_AGGR_PID or _TGID: whose, and the record; what an older kernel lacks is 0. */
static bool record_get(const char *attrs, size_t len, unsigned int aggregate, unsigned int id_type,
		       uint32_t *ret_id, struct taskstats *ret)
{
	size_t inner_len, id_len = 0, stats_len = 0;
	const char *inner = attr_find(attrs, len, aggregate, &inner_len);
	const char *id = inner ? attr_find(inner, inner_len, id_type, &id_len) : NULL;
	const char *stats =
		inner ? attr_find(inner, inner_len, TASKSTATS_TYPE_STATS, &stats_len) : NULL;

	if (!id || id_len < sizeof(*ret_id) || !stats)
		return false;
	memcpy(ret_id, id, sizeof(*ret_id));
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, stats, MIN(stats_len, sizeof(*ret)));
	if (ret->version >= TGID_VERSION && stats_len < TGID_AT + sizeof(uint32_t))
		return false;
	return true;
}

static uint32_t record_tgid(const struct taskstats *record)
{
	uint32_t tgid;

	memcpy(&tgid, (const char *)record + TGID_AT, sizeof(tgid));
	return tgid;
}

static void usage_add(struct event_usage *sum, const struct taskstats *record)
{
	sum->user_ns += record->ac_utime * 1000;
	sum->system_ns += record->ac_stime * 1000;
	sum->runtime_ns += record->cpu_run_virtual_total;
	sum->read_bytes += record->read_bytes;
	sum->write_bytes += record->write_bytes;
	sum->minor_faults += record->ac_minflt;
	sum->major_faults += record->ac_majflt;
	sum->max_rss = MAX(sum->max_rss, record->hiwater_rss * 1024);
}

/*
 * Before version 12 a first thread seems to be the last one. If it isn't, and another thread execs,
 * that one becomes the first: with a sum, and the begin that the process has had from the start.
 */
static bool is_of_exec(const struct told *told, const struct taskstats *record, bool has_sum)
{
	return record->version < TGID_VERSION && has_sum && !told->threads_runtime_ns &&
	       record->ac_btime <= told->begin_s + 1;
}

/* The process that a record is of. A first thread ends once before the last one: who does so again
 * is of the next process of this pid. */
static struct process *record_process(struct ends *ends, uint32_t tgid, bool is_first,
				      const struct taskstats *record, bool has_sum)
{
	struct process *process = process_get(ends, tgid);

	if (process && is_first && process->told.has_first && process->told.has_last &&
	    !is_of_exec(&process->told, record, has_sum)) {
		process_replaced(ends, process);
		process = process_get(ends, tgid);
	}
	return process;
}

void taskstats_take(struct ends *ends, const void *data, size_t len)
{
	const char *attrs = (const char *)data + NLMSG_LENGTH(GENL_HDRLEN);
	uint32_t pid, tgid, group = 0;
	struct taskstats record, sum;
	struct process *process;
	struct nlmsghdr head;
	bool is_last;

	if (len < NLMSG_LENGTH(GENL_HDRLEN))
		return;
	memcpy(&head, data, sizeof(head));
	len -= NLMSG_LENGTH(GENL_HDRLEN);
	if (head.nlmsg_type != ends->taskstats_family ||
	    !record_get(attrs, len, TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_PID, &pid, &record))
		return;
	if (!record_get(attrs, len, TASKSTATS_TYPE_AGGR_TGID, TASKSTATS_TYPE_TGID, &group, &sum))
		group = 0;
	if (record.version >= TGID_VERSION) {
		tgid = record_tgid(&record);
		is_last = record.ac_flag & LAST_THREAD;
	} else {
		tgid = group ? group : pid;
		is_last = group || tgid == pid;
	}
	process = record_process(ends, tgid, tgid == pid, &record, group);
	if (!process)
		return;
	usage_add(&process->told.usage, &record);
	if (group)
		process->told.threads_runtime_ns = sum.cpu_run_virtual_total;
	if (is_last) {
		process->told.last_status = record.ac_exitcode;
		process->told.last_ns = node_boot_ns();
		process->told.elapsed_ns = record.ac_etime * 1000;
		process->told.has_last = true;
	}
	process->told.has_first |= tgid == pid;
	if (tgid == pid)
		process->told.begin_s = record.ac_btime;
	if (tgid == pid || !process->told.comm[0])
		snprintf(process->told.comm, sizeof(process->told.comm), "%.15s", record.ac_comm);
}

void taskstats_drain(struct ends *ends)
{
	if (ends->taskstats_fd >= 0)
		netlink_drain(ends, ends->taskstats_fd, ENDS_BY_TASKSTATS, taskstats_take);
}
