/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program says to whoever runs it: one line a message on standard error, "name: text",
 * with a syslog priority in front ("<4>") when systemd's journal listens (JOURNAL_STREAM set).
 * Library code is silent; a program logs once, and leaves in the same statement:
 *	return log_err(r, "cannot open spool %s", dir);
 */
#pragma once

#include "util.h"

/* name: shown in front of every line; borrowed for the life of the program. */
void log_init(const char *name);

/*
 * error is a negative errno, whose text is added after ": ", or 0 for none. Returns error.
 * Bytes of the message that are control characters are shown as \xNN: messages carry users' text.
 */
int log_err(int error, const char *format, ...) PRINTF_LIKE(2, 3);
int log_warn(int error, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);

/* A text of several lines (config_load's), each a message of its own; NULL: none. Returns error,
 * which isn't printed. */
int log_err_lines(int error, const char *text);
void log_warn_lines(const char *text);
