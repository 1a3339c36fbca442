/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unix(7) datagrams of one sender arrive in the order they were sent and are never cut, so a piece
 * that isn't the next one means that pieces before it were refused by a full queue: the message is
 * given up (its sender knows, and has put it into the drop directory).
 */
#include "receive.h"

#include "uid_quota.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DATAGRAM_MAX (sizeof(struct message_header) + MESSAGE_PIECE_MAX)
#define BATCH	     16 /* datagrams a system call */

struct pending {
	struct message_sender sender;
	struct message_header header; /* of the first piece */
	char *data;		      /* header.total bytes; NULL: free */
	size_t len;		      /* so far */
	uint64_t last_ns;
};

union sender_control { /* room for credentials and for nothing else */
	struct cmsghdr header;
	char data[CMSG_SPACE(sizeof(struct ucred))];
};

struct receiver {
	int fd;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct uid_quota *quota;
	struct receive_counters counters;
	struct pending pending[RECEIVE_PENDING_MAX];
	size_t pending_bytes;
	uint64_t swept_ns;
	char buffers[BATCH][DATAGRAM_MAX];
	union sender_control controls[BATCH];
};

static void pending_drop(struct receiver *receiver, struct pending *pending)
{
	free(pending->data);
	receiver->pending_bytes -= pending->header.total;
	*pending = (struct pending){.data = NULL};
}

struct receiver *receiver_new_detached(void)
{
	static const struct uid_quota_limits limits = {RECEIVE_WINDOW_NS, RECEIVE_UID_DATAGRAMS,
						       RECEIVE_UID_BYTES};
	struct receiver *receiver = calloc(1, sizeof(*receiver));

	if (!receiver)
		return NULL;
	receiver->fd = -1;
	receiver->quota = uid_quota_new(&limits);
	if (!receiver->quota) {
		free(receiver);
		return NULL;
	}
	return receiver;
}

void receiver_free(struct receiver *receiver)
{
	if (!receiver)
		return;
	for (size_t i = 0; i < RECEIVE_PENDING_MAX; i++)
		free(receiver->pending[i].data);
	if (receiver->path[0])
		unlink(receiver->path);
	cleanup_close(&receiver->fd);
	uid_quota_free(receiver->quota);
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
	int on = 1;

	if (!receiver)
		return -ENOMEM;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	receiver->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (receiver->fd < 0)
		return -errno;
	/* before it has a name: whoever can send is attested */
	if (setsockopt(receiver->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return -errno;
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

const struct receive_counters *receiver_counters(const struct receiver *receiver)
{
	return &receiver->counters;
}

static struct pending *find_pending(struct receiver *receiver, const struct message_sender *sender,
				    uint64_t id)
{
	for (size_t i = 0; i < RECEIVE_PENDING_MAX; i++) {
		struct pending *pending = &receiver->pending[i];

		if (pending->data && pending->header.id == id &&
		    pending->sender.pid == sender->pid && pending->sender.uid == sender->uid)
			return pending;
	}
	return NULL;
}

/* A place for a new message, or NULL with the cause counted. */
static struct pending *new_pending(struct receiver *receiver, const struct message_sender *sender,
				   const struct message_header *header)
{
	struct pending *place = NULL;
	unsigned int of_uid = 0;

	for (size_t i = 0; i < RECEIVE_PENDING_MAX; i++) {
		struct pending *pending = &receiver->pending[i];

		if (!pending->data)
			place = pending;
		else if (pending->sender.uid == sender->uid)
			of_uid++;
	}
	if (!place || of_uid >= RECEIVE_PENDING_UID_MAX ||
	    header->total > RECEIVE_PENDING_BYTES - receiver->pending_bytes) {
		receiver->counters.lost_full++;
		return NULL;
	}
	*place = (struct pending){
		.sender = *sender, .header = *header, .data = malloc(header->total)};
	if (!place->data) {
		receiver->counters.lost_memory++;
		return NULL;
	}
	receiver->pending_bytes += header->total;
	return place;
}

static void sweep(struct receiver *receiver, uint64_t now_ns)
{
	if (now_ns - receiver->swept_ns < RECEIVE_TIMEOUT_NS / 8)
		return;
	receiver->swept_ns = now_ns;
	for (size_t i = 0; i < RECEIVE_PENDING_MAX; i++) {
		struct pending *pending = &receiver->pending[i];

		if (!pending->data || now_ns - pending->last_ns < RECEIVE_TIMEOUT_NS)
			continue;
		pending_drop(receiver, pending);
		receiver->counters.lost_timeout++;
	}
}

static void take_piece(struct receiver *receiver, const struct message_sender *sender,
		       const struct message_header *header, struct bytes piece, uint64_t now_ns,
		       receive_fn *fn, void *arg)
{
	struct pending *pending = find_pending(receiver, sender, header->id);

	if (!pending && header->offset) {
		receiver->counters.lost_order++;
		return;
	}
	if (pending && (header->offset != pending->len || header->total != pending->header.total ||
			header->kind != pending->header.kind)) {
		pending_drop(receiver, pending);
		receiver->counters.lost_order++;
		return;
	}
	if (!pending)
		pending = new_pending(receiver, sender, header);
	if (!pending)
		return;
	memcpy(pending->data + pending->len, piece.data, piece.len);
	pending->len += piece.len;
	pending->last_ns = now_ns;
	if (pending->len < header->total)
		return;
	receiver->counters.messages++;
	fn(arg, header->kind, sender, (struct bytes){pending->data, pending->len});
	pending_drop(receiver, pending);
}

void receiver_take(struct receiver *receiver, const struct message_sender *sender,
		   struct bytes datagram, uint64_t now_ns, receive_fn *fn, void *arg)
{
	struct receive_counters *counters = &receiver->counters;
	struct message_header header;
	struct bytes piece;

	counters->datagrams++;
	counters->bytes += datagram.len;
	if (!uid_quota_take(receiver->quota, sender->uid, datagram.len, now_ns)) {
		counters->lost_quota++;
		return;
	}
	if (datagram.len <= sizeof(header)) {
		counters->lost_garbled++;
		return;
	}
	memcpy(&header, datagram.data, sizeof(header));
	piece = (struct bytes){datagram.data + sizeof(header), datagram.len - sizeof(header)};
	if (header.magic != MESSAGE_MAGIC ||
	    (header.kind != MESSAGE_LINK && header.kind != MESSAGE_RUN) ||
	    header.offset % MESSAGE_PIECE_MAX || header.offset >= header.total ||
	    piece.len != MIN(header.total - header.offset, (uint32_t)MESSAGE_PIECE_MAX)) {
		counters->lost_garbled++;
		return;
	}
	if (header.total > MESSAGE_MAX) {
		counters->lost_too_long++;
		return;
	}
	if (piece.len < header.total) {
		take_piece(receiver, sender, &header, piece, now_ns, fn, arg);
		return;
	}
	counters->messages++;
	fn(arg, header.kind, sender, piece);
}

/* False, and counted, if the datagram isn't fit to be looked at. */
static bool accept_datagram(struct receiver *receiver, struct msghdr *datagram,
			    struct message_sender *ret)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(datagram);
	struct ucred credentials;

	if (datagram->msg_flags & MSG_TRUNC) {
		receiver->counters.lost_too_long++;
		return false;
	}
	/* descriptors that found no room were closed by the kernel */
	if (datagram->msg_flags & MSG_CTRUNC) {
		receiver->counters.lost_descriptors++;
		return false;
	}
	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_CREDENTIALS ||
	    control->cmsg_len != CMSG_LEN(sizeof(credentials))) {
		receiver->counters.lost_sender++;
		return false;
	}
	memcpy(&credentials, CMSG_DATA(control), sizeof(credentials));
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
			.msg_controllen = sizeof(receiver->controls[i].data),
		};
	}
	n = recvmmsg(receiver->fd, datagrams, max, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct message_sender sender;

		if (accept_datagram(receiver, &datagrams[i].msg_hdr, &sender))
			receiver_take(receiver, &sender,
				      (struct bytes){receiver->buffers[i], datagrams[i].msg_len},
				      now_ns, fn, arg);
		else
			receiver->counters.datagrams++;
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
