/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's end of message.h: a datagram socket that everybody may send to. Who sent a piece is
 * known from the kernel, never from the message. What is sent with a datagram besides bytes
 * (descriptors) never comes in: newer kernels refuse it to the sender (SO_PASSRIGHTS), and the
 * control buffer has no room for it. Pieces are put together per sender, in order, within bounds
 * for each user and for all; what doesn't fit is dropped and counted by cause. Links and runs have
 * bounds of their own: a flood of one loses nothing of the other.
 */
#pragma once

#include "daemon/pieces.h"

#define RECEIVE_PENDING_MAX	128		   /* links of which pieces are missing */
#define RECEIVE_PENDING_UID_MAX 16		   /* of one user */
#define RECEIVE_PENDING_BYTES	(32 * 1024 * 1024) /* of all of them, as announced */
#define RECEIVE_TIMEOUT_NS	(5 * NS_PER_S)	   /* from one piece to the next */
#define RECEIVE_WINDOW_NS	(60 * NS_PER_S)	   /* quotas of a user are for this long: */
#define RECEIVE_UID_DATAGRAMS	200000
#define RECEIVE_UID_BYTES	(256 * 1024 * 1024)

/* The same of runs. A process sends all its pieces at once, so what is pending is what the CPUs are
 * about, or will never be whole: then the oldest goes. */
#define RECEIVE_RUNS_PENDING_MAX     1024
#define RECEIVE_RUNS_PENDING_UID_MAX 512
#define RECEIVE_RUNS_PENDING_BYTES   (32 * 1024 * 1024)
#define RECEIVE_RUNS_UID_DATAGRAMS   1000000
#define RECEIVE_RUNS_UID_BYTES	     (4ULL * 1024 * 1024 * 1024)

#define RECEIVE_QUEUE_WANTED 512 /* datagrams that wait in the socket */

struct receive_counters {		     /* cumulative */
	uint64_t datagrams, messages, bytes; /* that came in; whole messages; bytes of datagrams */
	uint64_t lost_garbled;		     /* no header of ours, or one that makes no sense */
	uint64_t lost_too_long;		     /* over its kind's size, or a datagram over its own */
	uint64_t lost_sender;		     /* the kernel didn't say who */
	uint64_t lost_descriptors;	     /* descriptors were passed along */
	uint64_t lost_quota;		     /* the user sent too much in a time */
	uint64_t lost_full;    /* too many messages were pending; or it had to go for others */
	uint64_t lost_order;   /* a piece was missing, or another one expected */
	uint64_t lost_timeout; /* the next piece never came */
	uint64_t lost_memory;
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
/* Of one kind; what says no kind is counted with links. */
const struct receive_counters *receiver_counters(const struct receiver *receiver,
						 enum message_kind kind);
/* Datagrams that its queue has room for; 0: not known. */
unsigned int receiver_queue(const struct receiver *receiver);
/* True if senders that have ended are still told apart from others of their pid (Linux 6.16). */
bool receiver_has_pidfds(const struct receiver *receiver);

/*
 * Takes at most budget datagrams, and drops what has timed out. now_ns: monotonic. Number of
 * datagrams, less than budget if none was left; or negative errno.
 */
int receiver_drain(struct receiver *receiver, unsigned int budget, uint64_t now_ns, receive_fn *fn,
		   void *arg);
/* From within fn: the pidfd of the message's sender, the caller's from then on; -1: there is none.
 */
int receiver_take_pidfd(struct receiver *receiver);
/* The same message has come another way: what there is of it is no loss. */
void receiver_forget(struct receiver *receiver, enum message_kind kind, uid_t uid, uint64_t id);

/* The part behind the socket: one datagram. For receiver_drain(), tests and fuzzing. */
void receiver_take(struct receiver *receiver, const struct message_sender *sender,
		   struct bytes datagram, uint64_t now_ns, receive_fn *fn, void *arg);
/* A receiver without a socket. NULL: no memory. */
struct receiver *receiver_new_detached(void);
