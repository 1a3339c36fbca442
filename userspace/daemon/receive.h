/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's end of message.h: a datagram socket that everybody may send to. Who sent a piece is
 * known from the kernel, never from the message. What is sent with a datagram besides bytes
 * (descriptors) never comes in: the control buffer has no room for it. Pieces are put together per
 * sender, in order, within bounds for each user and for all; what doesn't fit is dropped and
 * counted by cause.
 */
#pragma once

#include "common/message.h"

#include <sys/types.h>

#define RECEIVE_PENDING_MAX	128		   /* messages of which pieces are missing */
#define RECEIVE_PENDING_UID_MAX 16		   /* of one user */
#define RECEIVE_PENDING_BYTES	(32 * 1024 * 1024) /* of all of them, as announced */
#define RECEIVE_TIMEOUT_NS	(5 * NS_PER_S)	   /* from one piece to the next */
#define RECEIVE_WINDOW_NS	(60 * NS_PER_S)	   /* quotas of a user are for this long: */
#define RECEIVE_UID_DATAGRAMS	200000
#define RECEIVE_UID_BYTES	(256 * 1024 * 1024)

struct receive_counters {		     /* cumulative */
	uint64_t datagrams, messages, bytes; /* that came in; whole messages; bytes of datagrams */
	uint64_t lost_garbled;		     /* no header of ours, or one that makes no sense */
	uint64_t lost_too_long;		     /* over MESSAGE_MAX, or a datagram over its size */
	uint64_t lost_sender;		     /* the kernel didn't say who */
	uint64_t lost_descriptors;	     /* descriptors were passed along */
	uint64_t lost_quota;		     /* the user sent too much in a time */
	uint64_t lost_full;		     /* too many messages were pending */
	uint64_t lost_order;		     /* a piece was missing, or another one expected */
	uint64_t lost_timeout;		     /* the next piece never came */
	uint64_t lost_memory;
};

struct message_sender {
	pid_t pid; /* 0: not known */
	uid_t uid;
	gid_t gid;
};

/* message: valid during the call. kind is checked to be one of enum message_kind. */
typedef void receive_fn(void *arg, enum message_kind kind, const struct message_sender *sender,
			struct bytes message);

struct receiver;

/*
 * Binds path, mode 0666; a socket that lies there is taken to be stale (whoever calls has the
 * daemon's lock). 0, -EEXIST if something else lies there, or negative errno. receiver_free()
 * removes it.
 */
int receiver_new(const char *path, struct receiver **ret);
void receiver_free(struct receiver *receiver);

int receiver_fd(const struct receiver *receiver); /* to wait for; stays the receiver's */
const struct receive_counters *receiver_counters(const struct receiver *receiver);

/*
 * Takes at most budget datagrams, and drops what has timed out. now_ns: monotonic. Number of
 * datagrams, less than budget if none was left; or negative errno.
 */
int receiver_drain(struct receiver *receiver, unsigned int budget, uint64_t now_ns, receive_fn *fn,
		   void *arg);

/* The part behind the socket: one datagram. For receiver_drain(), tests and fuzzing. */
void receiver_take(struct receiver *receiver, const struct message_sender *sender,
		   struct bytes datagram, uint64_t now_ns, receive_fn *fn, void *arg);
/* A receiver without a socket. NULL: no memory. */
struct receiver *receiver_new_detached(void);
