/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What --exe and --lib take: a path, a glob, or a bare name.
 *
 *	/usr/bin/ls, ./a.out	has a slash, no *?[: the path itself, made absolute; also what it
 *				resolves to, since the kernel reports programs without symbolic
 *links /opt/x*, python3*	a glob (fnmatch, * takes slashes too); one without a slash is held
 *				against the path's last part
 *	python3			a bare name: a program's last part exactly; a library's last part
 *				exactly, or that and version numbers: libm.so finds libm.so.6, and
 *so does libm
 *
 * A file that was deleted while it ran has " (deleted)" behind its path; it is matched without.
 */
#pragma once

#include "common/util.h"

enum pattern_kind { PATTERN_PATH, PATTERN_GLOB, PATTERN_NAME };

#define PATTERN_DELETED " (deleted)"

struct pattern {
	enum pattern_kind kind;
	bool is_library;
	char *text;	/* absolute for PATTERN_PATH */
	char *resolved; /* PATTERN_PATH: what it resolves to here, NULL if the same or nowhere */
};

/* 0, -EINVAL if text is empty, -ENOMEM. */
int pattern_init(struct pattern *pattern, const char *text, bool is_library);
void pattern_done(struct pattern *pattern);

bool pattern_matches(const struct pattern *pattern, struct bytes path);
