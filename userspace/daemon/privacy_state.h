/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of privacy: what privacy.c and privacy_link.c share. */
#pragma once

#include "common/scrub.h"
#include "daemon/env_filter.h"
#include "daemon/privacy.h"

struct privacy {
	const struct config *config;
	struct env_filter *filter;
	struct scrub *scrub;
};
