/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program tells runmarkd something: datagrams to its socket (unix(7), SOCK_DGRAM). A message
 * that doesn't fit one datagram goes in numbered pieces that the daemon puts together; the kernel
 * attests pid, uid and gid of the sender of every piece. No descriptors are passed. Nobody ever
 * waits for the daemon: a full or missing socket is the sender's to notice (-EAGAIN, -ENOENT,
 * -ECONNREFUSED).
 */
#pragma once

#include "util.h"

#define MESSAGE_MAGIC	  0x314b4d52u	    /* "RMK1" */
#define MESSAGE_PIECE_MAX 16384		    /* payload bytes of one datagram */
#define MESSAGE_MAX	  (4 * 1024 * 1024) /* bytes of a whole message */

enum message_kind { MESSAGE_LINK = 1, MESSAGE_RUN = 2 };

/* In front of every datagram; host byte order, since sender and receiver share a kernel. */
struct message_header {
	uint32_t magic;
	uint32_t kind;
	uint64_t id;	 /* the sender's, random: same in all pieces of a message */
	uint32_t total;	 /* bytes of the whole message */
	uint32_t offset; /* of this piece in it; a multiple of MESSAGE_PIECE_MAX */
};

/* Sends all pieces without waiting. 0, or negative errno: then some may have gone out. */
int message_send(const char *socket_path, enum message_kind kind, struct bytes message);
