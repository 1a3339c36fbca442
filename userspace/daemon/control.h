/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: root asks "status", "explain PID" or "explain PATH", "flush" or "tail"
 * in one line and gets lines of JSON.
 * Nothing that is recorded changes by it. A client that doesn't read is dropped; there are few at
 * once.
 */
#pragma once

#include "common/util.h"
#include <cjson/cJSON.h>

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_LINE_MAX    4200       /* bytes of a question: a path fits */
#define CONTROL_BACKLOG_MAX (8u << 20) /* bytes that wait for one client */

struct control_server;

struct control_actions {
	cJSON *(*status)(void *arg);			/* an answer, freed by the caller */
	cJSON *(*explain)(void *arg, const char *what); /* the same, of a pid or a path */
	void (*flush)(void *arg);			/* begin to write out all that has ended */
	cJSON *(*flushed)(void *arg);			/* the answer when it is done, else NULL */
	void (*tail)(void *arg, bool on);		/* lines are wanted, or not any more */
};

/* The socket belongs to root with mode 0600; one that nobody listens on is replaced. */
int control_new(const char *path, const struct control_actions *actions, void *arg,
		struct control_server **ret);
void control_free(struct control_server *server);

/* An epoll descriptor: readable when a client wants something. */
int control_fd(const struct control_server *server);
/* Serves who is ready, and those who wait for a flush. */
void control_serve(struct control_server *server);
/* For those who watch: whole lines. */
void control_lines(struct control_server *server, const char *lines);
