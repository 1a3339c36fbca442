/* SPDX-License-Identifier: BSD-2-Clause */
/* From datagrams to whole messages, each with its sender. */
#include "receive.h"

#include "common/log.h"
#include "common/run_message.h"
#include "daemon/receive_socket.h"
#include "uid_quota.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DATAGRAM_MAX (sizeof(struct message_header) + MESSAGE_PIECE_MAX)
#define BATCH	     16 /* datagrams a system call */
#define WARN_NS	     (3600 * NS_PER_S)

/* What each kind of message may be. */
static const struct flow_limits {
	uint32_t message_max;
	struct uid_quota_limits quota;
	struct pieces_limits pieces;
} flow_limits[] = {
	{MESSAGE_MAX,
	 {RECEIVE_WINDOW_NS, RECEIVE_UID_DATAGRAMS, RECEIVE_UID_BYTES},
	 {RECEIVE_PENDING_MAX, RECEIVE_PENDING_UID_MAX, RECEIVE_PENDING_BYTES, RECEIVE_TIMEOUT_NS,
	  false}},
	{RUN_MESSAGE_MAX,
	 {RECEIVE_WINDOW_NS, RECEIVE_RUNS_UID_DATAGRAMS, RECEIVE_RUNS_UID_BYTES},
	 {RECEIVE_RUNS_PENDING_MAX, RECEIVE_RUNS_PENDING_UID_MAX, RECEIVE_RUNS_PENDING_BYTES,
	  RECEIVE_TIMEOUT_NS, true}},
};
#define FLOWS ARRAY_SIZE(flow_limits)

struct flow { /* of one kind */
	struct uid_quota *quota;
	struct pieces *pieces;
	struct receive_counters counters;
};

union sender_control { /* room for credentials and a pidfd, and for nothing else */
	struct cmsghdr header;
	char data[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
};

struct receiver {
	int fd;
	bool has_pidfds;
	unsigned int queue;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct flow flows[FLOWS];
	uint64_t swept_ns, warn_ns;
	int pidfd; /* of the message at hand */
	char buffers[BATCH][DATAGRAM_MAX];
	union sender_control controls[BATCH];
};

/* Kinds are from 1. */
static size_t flow_of(enum message_kind kind)
{
	return kind - MESSAGE_LINK;
}

struct receiver *receiver_new_detached(void)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));
	bool is_whole = receiver;

	if (!receiver)
		return NULL;
	receiver->fd = receiver->pidfd = -1;
	for (size_t i = 0; i < FLOWS; i++) {
		receiver->flows[i].quota = uid_quota_new(&flow_limits[i].quota);
		receiver->flows[i].pieces = pieces_new(&flow_limits[i].pieces);
		is_whole = is_whole && receiver->flows[i].quota && receiver->flows[i].pieces;
	}
	if (!is_whole) {
		receiver_free(receiver);
		return NULL;
	}
	return receiver;
}

void receiver_free(struct receiver *receiver)
{
	if (!receiver)
		return;
	for (size_t i = 0; i < FLOWS; i++) {
		pieces_free(receiver->flows[i].pieces);
		uid_quota_free(receiver->flows[i].quota);
	}
	if (receiver->path[0])
		unlink(receiver->path);
	cleanup_close(&receiver->fd);
	free(receiver);
}

static void cleanup_receiver(struct receiver **receiver)
{
	receiver_free(*receiver);
}

int receiver_new(const char *path, struct receiver **ret)
{
	_cleanup_(cleanup_receiver) struct receiver *receiver = receiver_new_detached();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	if (!receiver)
		return -ENOMEM;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	receiver->fd =
		receive_socket(RECEIVE_QUEUE_WANTED, &receiver->queue, &receiver->has_pidfds);
	if (receiver->fd < 0)
		return receiver->fd;
	if (bind(receiver->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	strcpy(receiver->path, path);
	if (chmod(path, 0666) < 0)
		return -errno;
	*ret = TAKE_PTR(receiver);
	return 0;
}

int receiver_fd(const struct receiver *receiver)
{
	return receiver->fd;
}

const struct receive_counters *receiver_counters(const struct receiver *receiver,
						 enum message_kind kind)
{
	return &receiver->flows[flow_of(kind)].counters;
}

unsigned int receiver_queue(const struct receiver *receiver)
{
	return receiver->queue;
}

bool receiver_has_pidfds(const struct receiver *receiver)
{
	return receiver->has_pidfds;
}

int receiver_take_pidfd(struct receiver *receiver)
{
	return TAKE_FD(receiver->pidfd);
}

void receiver_forget(struct receiver *receiver, enum message_kind kind, uid_t uid, uint64_t id)
{
	(void)pieces_forget(receiver->flows[flow_of(kind)].pieces, uid, id);
}

static void sweep(struct receiver *receiver, uint64_t now_ns)
{
	if (now_ns - receiver->swept_ns < RECEIVE_TIMEOUT_NS / 8)
		return;
	receiver->swept_ns = now_ns;
	for (size_t i = 0; i < FLOWS; i++)
		receiver->flows[i].counters.lost_timeout +=
			pieces_sweep(receiver->flows[i].pieces, now_ns);
}

/* True if it is a piece of some message. */
static bool read_header(struct bytes datagram, struct message_header *ret, struct bytes *ret_piece)
{
	struct message_header header;
	struct bytes piece;

	if (datagram.len <= sizeof(header))
		return false;
	memcpy(&header, datagram.data, sizeof(header));
	piece = (struct bytes){datagram.data + sizeof(header), datagram.len - sizeof(header)};
	if (header.magic != MESSAGE_MAGIC ||
	    (header.kind != MESSAGE_LINK && header.kind != MESSAGE_RUN) ||
	    header.offset % MESSAGE_PIECE_MAX || header.offset >= header.total ||
	    piece.len != MIN(header.total - header.offset, (uint32_t)MESSAGE_PIECE_MAX))
		return false;
	*ret = header;
	*ret_piece = piece;
	return true;
}

/* True if the message is whole: *message, and receiver->pidfd is of its first piece. */
static bool take_piece(struct receiver *receiver, const struct message_sender *sender,
		       const struct message_header *header, uint64_t now_ns, struct bytes *message)
{
	struct flow *flow = &receiver->flows[flow_of(header->kind)];
	uint64_t displaced = pieces_displaced(flow->pieces);
	enum pieces_result r =
		pieces_add(flow->pieces, sender, header, *message, receiver_take_pidfd(receiver),
			   now_ns, message, &receiver->pidfd);

	flow->counters.lost_full += pieces_displaced(flow->pieces) - displaced;
	switch (r) {
	case PIECES_WHOLE:
		return true;
	case PIECES_MORE:
		break;
	case PIECES_ORDER:
		flow->counters.lost_order++;
		break;
	case PIECES_FULL:
		flow->counters.lost_full++;
		break;
	case PIECES_MEMORY:
		flow->counters.lost_memory++;
		break;
	}
	return false;
}

/* The first, and then one an hour at most: whoever sends them may send many. */
static void warn_garbled(struct receiver *receiver, uint64_t count,
			 const struct message_sender *sender, uint64_t now_ns)
{
	if (receiver->fd < 0 || (count > 1 && now_ns < receiver->warn_ns))
		return;
	receiver->warn_ns = now_ns + WARN_NS;
	log_warn(0,
		 "process %d of user %u sent what is no message of ours: refused, %llu until "
		 "now (message_refused); the next hour's are counted alone",
		 sender->pid, sender->uid, (unsigned long long)count);
}

void receiver_take(struct receiver *receiver, const struct message_sender *sender,
		   struct bytes datagram, uint64_t now_ns, receive_fn *fn, void *arg)
{
	struct message_header header = {.kind = MESSAGE_LINK};
	struct bytes message;
	bool is_ours = read_header(datagram, &header, &message);
	struct flow *flow = &receiver->flows[flow_of(header.kind)];
	struct receive_counters *counters = &flow->counters;

	counters->datagrams++;
	counters->bytes += datagram.len;
	if (!is_ours) {
		counters->lost_garbled++;
		warn_garbled(receiver, counters->lost_garbled, sender, now_ns);
		return;
	}
	if (!uid_quota_take(flow->quota, sender->uid, datagram.len, now_ns)) {
		counters->lost_quota++;
		return;
	}
	if (header.total > flow_limits[flow_of(header.kind)].message_max) {
		counters->lost_too_long++;
		return;
	}
	if (message.len < header.total && !take_piece(receiver, sender, &header, now_ns, &message))
		return;
	counters->messages++;
	fn(arg, header.kind, sender, message);
}

/* False, and counted, if the datagram isn't fit to be looked at. *ret_pidfd: the sender's, or -1;
 * the caller's in any case. */
static bool accept_datagram(struct receiver *receiver, struct msghdr *datagram,
			    struct message_sender *ret, int *ret_pidfd)
{
	struct receive_counters *counters = &receiver->flows[flow_of(MESSAGE_LINK)].counters;
	struct ucred credentials = {};
	bool has_credentials = false;
	struct cmsghdr *c;

	*ret_pidfd = -1;
	for (c = CMSG_FIRSTHDR(datagram); c; c = CMSG_NXTHDR(datagram, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(credentials))) {
			memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
			has_credentials = true;
		} else if (c->cmsg_type == SCM_PIDFD && c->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(ret_pidfd, CMSG_DATA(c), sizeof(int));
		}
	}
	if (datagram->msg_flags & MSG_TRUNC) {
		counters->lost_too_long++;
		return false;
	}
	/* descriptors that found no room were closed by the kernel */
	if (datagram->msg_flags & MSG_CTRUNC) {
		counters->lost_descriptors++;
		return false;
	}
	if (!has_credentials) {
		counters->lost_sender++;
		return false;
	}
	*ret = (struct message_sender){credentials.pid, credentials.uid, credentials.gid};
	return true;
}

/* Number of datagrams taken, 0 if there is none, or negative errno. */
static int drain_batch(struct receiver *receiver, unsigned int max, uint64_t now_ns, receive_fn *fn,
		       void *arg)
{
	struct mmsghdr datagrams[BATCH] = {};
	struct iovec parts[BATCH];
	int n;

	for (unsigned int i = 0; i < max; i++) {
		parts[i] = (struct iovec){receiver->buffers[i], DATAGRAM_MAX};
		datagrams[i].msg_hdr = (struct msghdr){
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = receiver->controls[i].data,
			/* without pidfds no room for a descriptor, whosever */
			.msg_controllen = receiver->has_pidfds ? sizeof(receiver->controls[i].data)
							       : CMSG_SPACE(sizeof(struct ucred)),
		};
	}
	n = recvmmsg(receiver->fd, datagrams, max, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct message_sender sender;

		if (accept_datagram(receiver, &datagrams[i].msg_hdr, &sender, &receiver->pidfd))
			receiver_take(receiver, &sender,
				      (struct bytes){receiver->buffers[i], datagrams[i].msg_len},
				      now_ns, fn, arg);
		else
			receiver->flows[flow_of(MESSAGE_LINK)].counters.datagrams++;
		cleanup_close(&receiver->pidfd);
		receiver->pidfd = -1;
	}
	return n;
}

int receiver_drain(struct receiver *receiver, unsigned int budget, uint64_t now_ns, receive_fn *fn,
		   void *arg)
{
	unsigned int done = 0;

	sweep(receiver, now_ns);
	while (done < budget) {
		unsigned int max = MIN(budget - done, (unsigned int)BATCH);
		int n = drain_batch(receiver, max, now_ns, fn, arg);

		if (n < 0)
			return n;
		done += (unsigned int)n;
		if ((unsigned int)n < max)
			break;
	}
	return (int)done;
}
