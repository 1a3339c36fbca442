/* SPDX-License-Identifier: BSD-2-Clause */
/* Client of runmarkd's control socket. */
#include "cli/control.h"
#include "common/config.h"
#include "common/log.h"
#include "common/record.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

int control_open(struct control *control, const char *path, const char *command)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = CONTROL_TIMEOUT_S};
	_cleanup_close_ int fd = -1;
	char line[PATH_MAX + 32];
	int len;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Also bounds connect(), which waits while a stuck daemon's backlog is full. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	len = snprintf(line, sizeof(line), "%s\n", command);
	if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	*control = (struct control){.fd = TAKE_FD(fd), .buffer = malloc(RECORD_LINE_MAX + 1)};
	if (!control->buffer) {
		control_close(control);
		return -ENOMEM;
	}
	return 0;
}

void control_close(struct control *control)
{
	cleanup_close(&control->fd);
	free(control->buffer);
	*control = (struct control){.fd = -1};
}

/* Reads more behind what is there; number of bytes, 0 at the end. */
static ssize_t fill(struct control *control, int timeout_ms)
{
	struct pollfd waiting = {.fd = control->fd, .events = POLLIN};
	ssize_t n;
	int r;

	if (control->start) {
		control->len -= control->start;
		memmove(control->buffer, control->buffer + control->start, control->len);
		control->start = 0;
	}
	if (control->len == RECORD_LINE_MAX + 1)
		return -E2BIG;
	r = poll(&waiting, 1, timeout_ms);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = read(control->fd, control->buffer + control->len, RECORD_LINE_MAX + 1 - control->len);
	if (n < 0)
		return -errno;
	control->len += (size_t)n;
	return n;
}

int control_read(struct control *control, int timeout_ms, cJSON **ret)
{
	size_t searched = 0;

	for (;;) {
		const char *line = control->buffer + control->start;
		size_t have = control->len - control->start;
		const char *end = memchr(line + searched, '\n', have - searched);
		ssize_t n;

		if (end) {
			struct bytes text = {line, (size_t)(end - line)};
			int r;

			control->start += text.len + 1;
			r = record_parse(text, ret);
			return r < 0 && r != -ENOMEM ? -EBADMSG : r;
		}
		searched = have;
		n = fill(control, timeout_ms);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ENODATA;
	}
}

int control_ask(const char *path, const char *command, cJSON **ret)
{
	struct control control;
	int r = control_open(&control, path, command);

	if (r < 0)
		return r;
	r = control_read(&control, CONTROL_TIMEOUT_S * 1000, ret);
	control_close(&control);
	return r;
}

char *control_path(const char *config_file)
{
	_cleanup_free_ char *message = NULL;
	struct config config;
	char *path;
	int r = config_load(config_file, &config, &message);

	if (r < 0) {
		log_err(message ? 0 : r, "%s", message ? message : "cannot read the configuration");
		return NULL;
	}
	path = TAKE_PTR(config.control);
	config_done(&config);
	return path;
}

bool control_refused(const cJSON *answer)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(answer, "error");

	if (!cJSON_IsString(error))
		return false;
	log_err(0, "the daemon refuses: %s", error->valuestring);
	return true;
}

const char *control_explain(int error)
{
	static const struct {
		int error;
		const char *text;
	} reasons[] = {
		{-EACCES, "you must be root (or use sudo)"},
		{-EPERM, "you must be root (or use sudo)"},
		{-ENOENT, "runmarkd isn't running here; start it (systemctl start runmarkd)"},
		{-ECONNREFUSED, "runmarkd has gone; start it again (systemctl start runmarkd)"},
		{-ECONNRESET,
		 "runmarkd closed the connection: it stopped, or this reader was too slow"},
		{-EPIPE, "runmarkd closed the connection"},
		{-ENODATA, "runmarkd closed the connection without an answer"},
		{-ETIMEDOUT, "runmarkd doesn't answer; see its messages (journalctl -u runmarkd)"},
		{-EBADMSG, "what answers isn't runmarkd, or of another version"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].error == error)
			return reasons[i].text;
	return strerror(-error);
}
