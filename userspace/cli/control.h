/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The root-only socket of runmarkd (runmarkd(8)): one command a connection, one JSON object a line
 * in answer. It changes nothing that is recorded.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define CONTROL_TIMEOUT_S 5 /* a daemon that is this slow to answer status is stuck */

struct control {
	int fd;
	char *buffer; /* bytes read, not yet given out */
	size_t len, start;
};

/* Connects and sends "command\n". 0 or negative errno (-ENOENT, -ECONNREFUSED: no daemon; -EACCES).
 */
int control_open(struct control *control, const char *path, const char *command);
void control_close(struct control *control);

/*
 * The next line, parsed. timeout_ms < 0: wait for ever. 0; -ENODATA at the end; -ETIMEDOUT; -EINTR
 * by a signal; -EBADMSG if a line isn't a record (it was skipped: call again); other negative
 * errno.
 */
int control_read(struct control *control, int timeout_ms, cJSON **ret);

/* Open, read one object, close. */
int control_ask(const char *path, const char *command, cJSON **ret);

/* What a failure to talk to the daemon means and what to do: one sentence. */
const char *control_explain(int error);

/* The socket's path by the configuration (config_file NULL: the default one); NULL after saying
 * why. The caller frees. */
char *control_path(const char *config_file);

/* True, and said, if the answer is {"error":"text"}. */
bool control_refused(const cJSON *answer);
