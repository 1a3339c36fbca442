// SPDX-License-Identifier: BSD-2-Clause
/* Clients of the control socket, each with what it asked and what waits for it. */
#include "daemon/control.h"
#include "common/fs.h"
#include "common/record.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum wish { WISH_NONE, WISH_ANSWER, WISH_FLUSH, WISH_TAIL };

struct client {
	int fd; /* -1: free */
	enum wish wish;
	bool is_silent; /* has closed its side: nothing more to read */
	char line[CONTROL_LINE_MAX];
	size_t line_len;
	char *out;
	size_t out_len;
};

struct control_server {
	int listen_fd, epoll_fd;
	char *path;
	const struct control_actions *actions;
	void *arg;
	struct client clients[CONTROL_CLIENTS_MAX];
	unsigned int tails;
};

static int socket_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	unlink(path); /* ours: the lock says that no other daemon runs */
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
			    listen(fd, CONTROL_CLIENTS_MAX)
		    ? -errno
		    : 0;
	umask(mask);
	return r ? r : TAKE_FD(fd);
}

static int folder_make(const char *path)
{
	char folder[4096], *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return fs_mkdir_all(folder, 0755);
}

int control_new(const char *path, const struct control_actions *actions, void *arg,
		struct control_server **ret)
{
	struct control_server *s = calloc(1, sizeof(*s));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	int r;

	if (!s)
		return -ENOMEM;
	s->actions = actions;
	s->arg = arg;
	s->path = strdup(path);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
	s->listen_fd = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = s->epoll_fd < 0 ? -errno : folder_make(path);
	if (!r) {
		s->listen_fd = socket_listen(path);
		if (s->listen_fd < 0)
			r = s->listen_fd;
		else if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &event))
			r = -errno;
	}
	if (r) {
		control_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void client_leave(struct control_server *s, struct client *client)
{
	if (client->wish == WISH_TAIL && --s->tails == 0)
		s->actions->tail(s->arg, false);
	close(client->fd);
	free(client->out);
	*client = (struct client){.fd = -1};
}

void control_free(struct control_server *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			client_leave(s, &s->clients[i]);
	if (s->listen_fd >= 0)
		unlink(s->path);
	cleanup_close(&s->listen_fd);
	cleanup_close(&s->epoll_fd);
	free(s->path);
	free(s);
}

int control_fd(const struct control_server *s)
{
	return s->epoll_fd;
}

/* Sends what it takes. False if the client is gone, or has all it asked for. */
static bool client_send(struct control_server *s, struct client *client)
{
	struct epoll_event event = {.data.ptr = client};

	while (client->out_len) {
		ssize_t n =
			send(client->fd, client->out, client->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n <= 0)
			break;
		client->out_len -= n;
		memmove(client->out, client->out + n, client->out_len);
	}
	if (!client->out_len && client->wish == WISH_ANSWER)
		return false;
	event.events = (client->is_silent ? 0 : EPOLLIN) | (client->out_len ? EPOLLOUT : 0);
	epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
	return true;
}

static bool client_tell(struct control_server *s, struct client *client, const char *text,
			size_t len)
{
	char *bigger;

	if (client->out_len + len > CONTROL_BACKLOG_MAX)
		return false;
	bigger = realloc(client->out, client->out_len + len);
	if (!bigger)
		return false;
	memcpy(bigger + client->out_len, text, len);
	client->out = bigger;
	client->out_len += len;
	return client_send(s, client);
}

static bool client_answer(struct control_server *s, struct client *client, cJSON *answer)
{
	_cleanup_free_ char *line = NULL;
	size_t len;

	client->wish = WISH_ANSWER;
	line = answer ? record_print(answer, &len) : NULL;
	cJSON_Delete(answer);
	return line && client_tell(s, client, line, len);
}

static bool client_asks(struct control_server *s, struct client *client)
{
	cJSON *error;

	if (!strcmp(client->line, "status"))
		return client_answer(s, client, s->actions->status(s->arg));
	if (!strncmp(client->line, "explain ", 8))
		return client_answer(s, client, s->actions->explain(s->arg, client->line + 8));
	if (!strcmp(client->line, "flush")) {
		client->wish = WISH_FLUSH;
		s->actions->flush(s->arg);
		return true;
	}
	if (!strcmp(client->line, "tail")) {
		client->wish = WISH_TAIL;
		if (s->tails++ == 0)
			s->actions->tail(s->arg, true);
		return true;
	}
	error = cJSON_CreateObject();
	cJSON_AddStringToObject(error, "error",
				"unknown request; status, explain, flush and tail are known");
	return client_answer(s, client, error);
}

static bool client_reads(struct control_server *s, struct client *client)
{
	char *end;
	ssize_t n = recv(client->fd, client->line + client->line_len,
			 sizeof(client->line) - 1 - client->line_len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) { /* half-closed after asking is no reason to leave; closed is EPOLLHUP */
		client->is_silent = true;
		return client->wish != WISH_NONE && client_send(s, client);
	}
	if (client->wish != WISH_NONE) {
		client->line_len = 0;
		return true;
	}
	client->line_len += n;
	client->line[client->line_len] = '\0';
	end = strchr(client->line, '\n');
	if (!end)
		return client->line_len < sizeof(client->line) - 1;
	*end = '\0';
	client->line_len = 0;
	return client_asks(s, client);
}

static void client_accept(struct control_server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; fd >= 0 && i < CONTROL_CLIENTS_MAX; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->clients[i]};

		if (s->clients[i].fd >= 0)
			continue;
		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event))
			break;
		s->clients[i] = (struct client){.fd = fd};
		return;
	}
	cleanup_close(&fd);
}

void control_serve(struct control_server *s)
{
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	int count = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), 0);
	cJSON *flushed = NULL;

	for (int i = 0; i < count; i++) {
		struct client *client = events[i].data.ptr;

		if (!client)
			client_accept(s);
		else if (client->fd >= 0 &&
			 ((events[i].events & (EPOLLHUP | EPOLLERR)) ||
			  ((events[i].events & EPOLLOUT) && !client_send(s, client)) ||
			  (client->fd >= 0 && (events[i].events & EPOLLIN) &&
			   !client_reads(s, client))))
			client_leave(s, client);
	}
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &s->clients[i];

		if (client->fd < 0 || client->wish != WISH_FLUSH)
			continue;
		flushed = s->actions->flushed(s->arg);
		if (flushed && !client_answer(s, client, flushed))
			client_leave(s, client);
	}
}

void control_lines(struct control_server *s, const char *lines)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &s->clients[i];

		if (client->fd >= 0 && client->wish == WISH_TAIL &&
		    !client_tell(s, client, lines, strlen(lines)))
			client_leave(s, client);
	}
}
