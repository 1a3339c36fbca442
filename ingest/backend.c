/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/backend.h"

#include <errno.h>

static const struct backend_ops *const backends[] = {&backend_sqlite, &backend_mariadb};

int backend_open(const char *url, enum backend_mode mode, const volatile sig_atomic_t *stop,
		 struct backend **ret, char message[BACKEND_MESSAGE_SIZE])
{
	_cleanup_(url_done) struct database_url parsed = {};
	const char *reason = "memory ran out";
	int r = url_parse(url, &parsed, &reason);

	if (r < 0) {
		snprintf(message, BACKEND_MESSAGE_SIZE, "cannot use the database URL %s: %s", url,
			 reason);
		return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (!strcmp(backends[i]->scheme, parsed.scheme))
			return backends[i]->open(&parsed, mode, stop, ret, message);
	snprintf(message, BACKEND_MESSAGE_SIZE,
		 "this runmark-ingest knows no %s databases; use sqlite:PATH or "
		 "mysql://user@host/database",
		 parsed.scheme);
	return -ENOTSUP;
}

int backend_record_now(struct backend *backend, const struct backend_record *record)
{
	bool is_changed;
	int r = backend->ops->insert(backend, record->tables[0], record->mode, record->rows[0],
				     &is_changed, NULL);

	for (size_t i = 1; i < BACKEND_RECORD_ROWS && record->tables[i]; i++)
		if (r == 0 && is_changed)
			r = backend->ops->insert(backend, record->tables[i], INSERT_REPLACE,
						 record->rows[i], NULL, NULL);
	if (r == 0 && record->outcome)
		record->outcome(record->arg, record->tag, is_changed);
	return r;
}
