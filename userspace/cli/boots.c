/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/boots.h"
#include "common/array.h"
#include <errno.h>

struct sign {
	int64_t boot, first_us, last_us; /* of one instance; 0: unknown */
};

/* One host is kept: open runs of a host are asked for in a row more often than not. */
struct boots {
	struct query *query;
	int64_t host;
	struct sign *signs;
	size_t count, size;
};

int boots_new(struct store *store, struct boots **ret)
{
	struct boots *boots = calloc(1, sizeof(*boots));
	int r;

	if (!boots)
		return -ENOMEM;
	boots->host = -1;
	r = query_new(store,
		      "SELECT i.boot, coalesce("
		      "(SELECT coalesce(n.booted_us, n.time_us) FROM node_record n "
		      "WHERE n.instance = i.id ORDER BY n.seq LIMIT 1), "
		      "(SELECT f.opened_us FROM spool_file f WHERE f.instance = i.id "
		      "AND f.opened_us IS NOT NULL ORDER BY f.number LIMIT 1)), "
		      "(SELECT n.time_us FROM node_record n WHERE n.instance = i.id "
		      "ORDER BY n.seq DESC LIMIT 1) "
		      "FROM boot b JOIN instance i ON i.boot = b.id WHERE b.host = ?",
		      &boots->query);
	if (r < 0) {
		free(boots);
		return r;
	}
	*ret = boots;
	return 0;
}

void boots_free(struct boots *boots)
{
	if (!boots)
		return;
	query_free(boots->query);
	free(boots->signs);
	free(boots);
}

static int read_host(struct boots *boots, int64_t host)
{
	struct query *query = boots->query;
	int r;

	boots->count = 0;
	boots->host = -1;
	query_reset(query);
	r = query_bind_int(query, 1, host);
	while (r >= 0 && (r = query_step(query)) > 0) {
		struct sign *signs =
			array_grow(boots->signs, boots->count, &boots->size, sizeof(*signs));

		if (!signs)
			return -ENOMEM;
		boots->signs = signs;
		signs[boots->count++] = (struct sign){
			query_int(query, 0), query_is_null(query, 1) ? 0 : query_int(query, 1),
			query_is_null(query, 2) ? 0 : query_int(query, 2)};
	}
	query_reset(query);
	if (r >= 0)
		boots->host = host;
	return r;
}

int boots_ask(struct boots *boots, int64_t host, int64_t boot, int64_t start_us,
	      struct boot_fate *ret)
{
	struct boot_fate fate = {.before_us = INT64_MAX};
	int r = boots->host == host ? 0 : read_host(boots, host);

	if (r < 0)
		return r;
	for (size_t i = 0; i < boots->count; i++) {
		const struct sign *sign = &boots->signs[i];

		if (sign->boot == boot)
			fate.seen_us = MAX(fate.seen_us, sign->last_us);
		else if (sign->first_us > start_us)
			fate.before_us = MIN(fate.before_us, sign->first_us);
	}
	fate.is_lost = fate.before_us != INT64_MAX;
	*ret = fate;
	return 0;
}
