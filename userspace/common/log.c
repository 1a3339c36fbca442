/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message is made in one buffer and leaves in one write, so that lines of several threads and
 * processes don't mix. It may quote a user's file name: whatever could move a terminal's cursor or
 * begin a line of its own is shown as \xNN.
 */
#include "common/log.h"
#include "common/fs.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <syslog.h>

#define LOG_TEXT_MAX 4096 /* bytes of one message; the rest is cut */

static const char *log_name = "runmark";

void log_init(const char *name)
{
	log_name = name;
}

static size_t escape(struct bytes text, char *out, size_t size)
{
	size_t len = 0;

	while (text.len) {
		uint32_t code;
		size_t n = text_next(text, &code);
		bool hidden = code == TEXT_ILL_FORMED || text_is_control(code);
		size_t need = hidden ? 4 * n : n;

		if (len + need > size)
			break;
		for (size_t i = 0; hidden && i < n; i++)
			len += sprintf(out + len, "\\x%02x", (uint8_t)text.data[i]);
		if (!hidden) {
			memcpy(out + len, text.data, n);
			len += n;
		}
		text.data += n;
		text.len -= n;
	}
	return len;
}

static void print_line(int priority, int error, struct bytes text)
{
	char line[4 * LOG_TEXT_MAX + 512];
	size_t len = 0;

	if (getenv("JOURNAL_STREAM"))
		len += sprintf(line, "<%d>", priority);
	len += snprintf(line + len, 64, "%.60s: ", log_name);
	/* Each byte takes four at most; 300 are left for the error's text. */
	len += escape(text, line + len, 4 * LOG_TEXT_MAX);
	if (error)
		len += snprintf(line + len, 256, ": %s",
				strerrordesc_np(-error) ?: "unknown error");
	line[len++] = '\n';
	/* Where standard error is gone there is nobody left to tell. */
	(void)fs_write_all(STDERR_FILENO, line, len);
}

static void print_format(int priority, int error, const char *format, va_list args)
{
	int saved = errno;
	char text[LOG_TEXT_MAX];
	int len = vsnprintf(text, sizeof(text), format, args);

	if (len >= 0)
		print_line(priority, error,
			   (struct bytes){text, MIN((size_t)len, sizeof(text) - 1)});
	errno = saved;
}

int log_err(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_format(LOG_ERR, error, format, args);
	va_end(args);
	return error;
}

int log_warn(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_format(LOG_WARNING, error, format, args);
	va_end(args);
	return error;
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_format(LOG_INFO, 0, format, args);
	va_end(args);
}

static void print_lines(int level, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		print_line(level, 0, (struct bytes){text, MIN(len, (size_t)LOG_TEXT_MAX)});
		text += len + (text[len] == '\n');
	}
}

int log_err_lines(int error, const char *text)
{
	print_lines(LOG_ERR, text);
	return error;
}

void log_warn_lines(const char *text)
{
	print_lines(LOG_WARNING, text);
}
