/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of which pieces are missing, within bounds for each user and for all. */
#pragma once

#include "common/message.h"

#include <sys/types.h>

struct message_sender {
	pid_t pid; /* 0: not known */
	uid_t uid;
	gid_t gid;
};

struct pieces_limits {
	unsigned int max, of_uid; /* messages */
	size_t bytes;		  /* of all of them, as announced */
	uint64_t timeout_ns;	  /* from one piece to the next */
	/* Where there is no room, the one that has waited longest goes (of the same user, if that
	 * is who has too many): whole ones come within a moment. Else the new one is refused. */
	bool displaces;
};

enum pieces_result { PIECES_MORE, PIECES_WHOLE, PIECES_ORDER, PIECES_FULL, PIECES_MEMORY };

struct pieces;

struct pieces *pieces_new(const struct pieces_limits *limits); /* NULL: no memory */
void pieces_free(struct pieces *pieces);

/*
 * Adds a piece whose header has been checked. pidfd: the sender's or -1; of the first piece it is
 * kept, in any case taken over. PIECES_WHOLE: *ret_message is all of it until the next call, and
 * *ret_pidfd the caller's. PIECES_MORE: kept. Else it is not, and with PIECES_ORDER nor is what was
 * there before.
 */
enum pieces_result pieces_add(struct pieces *pieces, const struct message_sender *sender,
			      const struct message_header *header, struct bytes piece, int pidfd,
			      uint64_t now_ns, struct bytes *ret_message, int *ret_pidfd);
/* Lets go of those that have timed out. Number of them. */
unsigned int pieces_sweep(struct pieces *pieces, uint64_t now_ns);
/* Its sender has found another way: no loss. True if it was there. */
bool pieces_forget(struct pieces *pieces, uid_t uid, uint64_t id);
/* Number of those that had to go for others, since the beginning. */
uint64_t pieces_displaced(const struct pieces *pieces);
