/* SPDX-License-Identifier: BSD-2-Clause */
/* The socket itself, made so that senders are attested and nothing but bytes comes in. */
#pragma once

#include "common/util.h"

#ifndef SO_PASSPIDFD /* Linux 6.5; of all machines that we build for */
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PASSRIGHTS /* Linux 6.16 */
#define SO_PASSRIGHTS 83
#endif

/*
 * Not bound yet. queue_wanted: datagrams that it shall have room for, as far as we may; *ret_queue:
 * those it has, 0 if that can't be told. *ret_has_pidfds: descriptors of senders' are refused, so
 * that each message can come with the sender's pidfd. A descriptor, or negative errno.
 */
int receive_socket(unsigned int queue_wanted, unsigned int *ret_queue, bool *ret_has_pidfds);
