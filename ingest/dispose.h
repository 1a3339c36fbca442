/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a spool file whose content is in the database. */
#pragma once

#include "common/util.h"

/* 0, also if it is gone already; negative errno. */
int dispose_remove(const char *path);

/*
 * Moves the file into directory, under its own name, also over file systems: it is there, synced,
 * before it goes here. 0, also if it is gone already or an equal one is there; -EEXIST if another
 * one of that name is; other negative errno.
 */
int dispose_archive(const char *path, const char *directory);
