/* SPDX-License-Identifier: BSD-2-Clause */
/* The columns of sacct that are looked at: for sacct.c. */
#pragma once

#include "ingest/sacct.h"

#define SACCT_COLUMNS 23

struct sacct_column {
	const char *name;
	/* A value, not empty, and where it goes. 0; -EINVAL: it has another form. */
	int (*take)(const char *text, struct sacct_job *job, int where);
	int where;
};

/* Id and state first, then what others are computed from: values are taken in this order. */
extern const struct sacct_column sacct_columns[SACCT_COLUMNS];
