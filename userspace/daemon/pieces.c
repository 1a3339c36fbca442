/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unix(7) datagrams of one sender arrive in the order they were sent and are never cut, so a piece
 * that isn't the next one means that pieces before it were refused by a full queue: the message is
 * given up (its sender knows, and has put it into the drop directory).
 */
#include "daemon/pieces.h"

struct pending {
	struct message_sender sender;
	struct message_header header; /* of the first piece */
	char *data;		      /* header.total bytes; NULL: free */
	size_t len;		      /* so far */
	uint64_t last_ns;
	uint64_t order; /* of the last piece among all */
	int pidfd;
};

struct pieces {
	struct pieces_limits limits;
	unsigned int count; /* in use */
	size_t bytes;
	uint64_t displaced, order;
	char *whole; /* told last */
	struct pending pending[];
};

struct pieces *pieces_new(const struct pieces_limits *limits)
{
	struct pieces *p = calloc(1, sizeof(*p) + limits->max * sizeof(p->pending[0]));

	if (p)
		p->limits = *limits;
	return p;
}

static void drop(struct pieces *p, struct pending *pending)
{
	free(pending->data);
	cleanup_close(&pending->pidfd);
	p->bytes -= pending->header.total;
	p->count--;
	*pending = (struct pending){.data = NULL};
}

void pieces_free(struct pieces *p)
{
	if (!p)
		return;
	for (unsigned int i = 0; i < p->limits.max; i++)
		if (p->pending[i].data)
			drop(p, &p->pending[i]);
	free(p->whole);
	free(p);
}

static struct pending *find(struct pieces *p, const struct message_sender *sender, uint64_t id)
{
	unsigned int left = p->count;

	for (struct pending *pending = p->pending; left; pending++) {
		if (!pending->data)
			continue;
		left--;
		if (pending->header.id == id && pending->sender.pid == sender->pid &&
		    pending->sender.uid == sender->uid)
			return pending;
	}
	return NULL;
}

/* The one that has waited longest, of that user or (NULL) of all; and how many there are of them.
 */
static struct pending *oldest(struct pieces *p, const uid_t *uid, unsigned int *ret_count)
{
	struct pending *found = NULL;
	unsigned int left = p->count;

	*ret_count = 0;
	for (struct pending *pending = p->pending; left; pending++) {
		if (!pending->data)
			continue;
		left--;
		if (uid && pending->sender.uid != *uid)
			continue;
		++*ret_count;
		if (!found || pending->order < found->order)
			found = pending;
	}
	return found;
}

/* True if there is room for another message of len bytes, made where that is allowed. */
static bool make_room(struct pieces *p, uid_t uid, size_t len)
{
	unsigned int count;
	struct pending *old = oldest(p, &uid, &count);

	if (len > p->limits.bytes)
		return false;
	if (count >= p->limits.of_uid) {
		if (!p->limits.displaces)
			return false;
		drop(p, old);
		p->displaced++;
	}
	while (p->count == p->limits.max || len > p->limits.bytes - p->bytes) {
		if (!p->limits.displaces)
			return false;
		drop(p, oldest(p, NULL, &count));
		p->displaced++;
	}
	return true;
}

/* The place of a new message; pidfd is its own then. */
static enum pieces_result begin(struct pieces *p, const struct message_sender *sender,
				const struct message_header *header, int *pidfd,
				struct pending **ret)
{
	struct pending *place = p->pending;
	char *data;

	if (!make_room(p, sender->uid, header->total))
		return PIECES_FULL;
	data = malloc(header->total);
	if (!data)
		return PIECES_MEMORY;
	while (place->data)
		place++;
	*place = (struct pending){
		.sender = *sender, .header = *header, .data = data, .pidfd = TAKE_FD(*pidfd)};
	p->bytes += header->total;
	p->count++;
	*ret = place;
	return PIECES_MORE;
}

enum pieces_result pieces_add(struct pieces *p, const struct message_sender *sender,
			      const struct message_header *header, struct bytes piece, int pidfd,
			      uint64_t now_ns, struct bytes *ret_message, int *ret_pidfd)
{
	_cleanup_close_ int own = pidfd;
	struct pending *pending = find(p, sender, header->id);
	enum pieces_result r;

	if (!pending && header->offset)
		return PIECES_ORDER;
	if (pending && (header->offset != pending->len || header->total != pending->header.total ||
			header->kind != pending->header.kind)) {
		drop(p, pending);
		return PIECES_ORDER;
	}
	if (!pending) {
		r = begin(p, sender, header, &own, &pending);
		if (r)
			return r;
	}
	memcpy(pending->data + pending->len, piece.data, piece.len);
	pending->len += piece.len;
	pending->last_ns = now_ns;
	pending->order = p->order++;
	if (pending->len < header->total)
		return PIECES_MORE;
	free(p->whole);
	p->whole = TAKE_PTR(pending->data);
	*ret_message = (struct bytes){p->whole, pending->len};
	*ret_pidfd = TAKE_FD(pending->pidfd);
	drop(p, pending);
	return PIECES_WHOLE;
}

unsigned int pieces_sweep(struct pieces *p, uint64_t now_ns)
{
	unsigned int dropped = 0;

	for (unsigned int i = 0; p->count && i < p->limits.max; i++) {
		if (!p->pending[i].data || now_ns - p->pending[i].last_ns < p->limits.timeout_ns)
			continue;
		drop(p, &p->pending[i]);
		dropped++;
	}
	return dropped;
}

bool pieces_forget(struct pieces *p, uid_t uid, uint64_t id)
{
	unsigned int left = p->count;

	for (struct pending *pending = p->pending; left; pending++) {
		if (!pending->data)
			continue;
		left--;
		if (pending->header.id != id || pending->sender.uid != uid)
			continue;
		drop(p, pending);
		return true;
	}
	return false;
}

uint64_t pieces_displaced(const struct pieces *p)
{
	return p->displaced;
}
