// SPDX-License-Identifier: BSD-2-Clause
/*
 * The process connector: forks, execs and the ends of threads, of the whole node, with time. Needs
 * the first pid and network namespaces, and before Linux 6.6 root.
 *
 * A process's status is its last thread's. The kernel sends it just after it has shown the
 * process's end by pidfd; so what is here when a pidfd tells may be of an earlier thread
 * (ends_settle.c waits).
 */
#include "daemon/ends_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <time.h>

/* nlmsghdr, then cn_msg, then proc_event: cn_msg is no multiple of 8, so each is copied out */
#define MESSAGE_AT	sizeof(struct nlmsghdr)
#define EVENT_AT	(MESSAGE_AT + sizeof(struct cn_msg))
#define DATA_AT		offsetof(struct proc_event, event_data)
#define FIELD_AT(field) (EVENT_AT + offsetof(struct proc_event, field))

/* What else there is to tell (comm, uid, sid, forks of threads) isn't even queued. */
static int filter_set(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD_AT(what)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXIT), 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_FORK), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD_AT(event_data.fork.child_pid)),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD_AT(event_data.fork.child_tgid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0U),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int operate(int fd, enum proc_cn_mcast_op op)
{
	char message[EVENT_AT + sizeof(op)] = {};
	struct nlmsghdr head = {.nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_DONE};
	struct cn_msg body = {.id = {CN_IDX_PROC, CN_VAL_PROC}, .len = sizeof(op)};

	memcpy(message, &head, sizeof(head));
	memcpy(message + MESSAGE_AT, &body, sizeof(body));
	memcpy(message + EVENT_AT, &op, sizeof(op));
	return netlink_send(fd, message, sizeof(message));
}

int connector_new(int queue_bytes, int *ret_fd)
{
	_cleanup_close_ int fd = netlink_new(NETLINK_CONNECTOR, CN_IDX_PROC, queue_bytes);
	int r = fd < 0 ? fd : filter_set(fd);

	if (!r)
		r = operate(fd, PROC_CN_MCAST_LISTEN);
	if (!r)
		*ret_fd = TAKE_FD(fd);
	return r;
}

/* The kernel would go on telling nobody. */
void connector_stop(int fd)
{
	if (fd >= 0)
		(void)operate(fd, PROC_CN_MCAST_IGNORE);
}

static void take_fork(struct ends *ends, const struct proc_event *event)
{
	pid_t child = event->event_data.fork.child_tgid;
	uint64_t time_ns = event->timestamp_ns + ends->mono_to_boot_ns;
	struct process *known = process_heard(ends, child);

	if (event->event_data.fork.child_pid != child)
		return;
	/* known before it was made: that was another one. Taskstats may have told of this one's end
	 * before this message of its beginning was taken. */
	if (known && (known->fork_ns || known->heard_ns < time_ns))
		process_replaced(ends, known);
	forks_fork(ends, event->event_data.fork.parent_tgid, child, time_ns);
}

static void take_exit(struct ends *ends, const struct proc_event *event)
{
	pid_t pid = event->event_data.exit.process_tgid;
	struct process *process = process_get(ends, pid);

	if (!process)
		return;
	process->told.exit_status = event->event_data.exit.exit_code;
	process->told.exit_ns = event->timestamp_ns + ends->mono_to_boot_ns;
	process->told.exit_epoch = ends->epochs[ENDS_BY_CONNECTOR];
	process->told.has_exit = true;
	forks_exit(ends, pid, event->event_data.exit.process_pid == pid, process->told.exit_ns);
}

static void take_exec(struct ends *ends, const struct proc_event *event)
{
	struct process *process = process_heard(ends, event->event_data.exec.process_tgid);

	ends->execs++;
	if (!process)
		return;
	process->told.exec_ns = event->timestamp_ns + ends->mono_to_boot_ns;
	forks_exec(ends, process, process->told.exec_ns);
}

void connector_take(struct ends *ends, const void *data, size_t len)
{
	struct proc_event event = {};
	struct cn_msg body;

	if (len < EVENT_AT + DATA_AT)
		return;
	memcpy(&body, (const char *)data + MESSAGE_AT, sizeof(body));
	if (body.id.idx != CN_IDX_PROC || body.id.val != CN_VAL_PROC)
		return;
	memcpy(&event, (const char *)data + EVENT_AT, MIN(len - EVENT_AT, sizeof(event)));
	if (event.what == PROC_EVENT_FORK)
		take_fork(ends, &event);
	else if (event.what == PROC_EVENT_EXIT)
		take_exit(ends, &event);
	else if (event.what == PROC_EVENT_EXEC)
		take_exec(ends, &event);
}

void connector_drain(struct ends *ends)
{
	struct timespec mono, boot;

	if (ends->connector_fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	ends->mono_to_boot_ns =
		(boot.tv_sec - mono.tv_sec) * NS_PER_S + boot.tv_nsec - mono.tv_nsec;
	ends->drained_ns = boot.tv_sec * NS_PER_S + boot.tv_nsec;
	netlink_drain(ends, ends->connector_fd, ENDS_BY_CONNECTOR, connector_take);
}
