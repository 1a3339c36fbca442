/* SPDX-License-Identifier: BSD-2-Clause */
/* From a group that has ended to its record. */
#pragma once

#include "common/id.h"
#include "daemon/group.h"
#include "daemon/node.h"
#include <cjson/cJSON.h>

/* The id of the group whose first member key names: told again it is the same. */
void group_id(const struct node *node, const struct live_key *first, uuid_t ret);

/* True if all members had one environment. */
bool group_has_env(const struct group *group);

/* The record but for its sequence number; hashes as for run_record(). NULL if memory ran out. The
 * caller frees. */
cJSON *group_record(const struct node *node, const struct group *group, const char *object_hash,
		    const char *env_hash);
