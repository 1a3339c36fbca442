// SPDX-License-Identifier: BSD-2-Clause
/* Link records on their way through the tracker: they wait for their user's name, then for the
 * writer. */
#include "common/record.h"
#include "daemon/tracker_state.h"

struct link *tracker_add_link(struct tracker *t, cJSON *record, uint32_t uid)
{
	struct link *link = calloc(1, sizeof(*link));
	uint8_t id[16];

	if (!link || record_get_uuid(record, "link_id", id)) {
		cJSON_Delete(record);
		free(link);
		return NULL;
	}
	memcpy(&link->id, id, sizeof(id));
	link->record = record;
	link->user = facts_user(t->facts, uid);
	link->deadline_ns = node_boot_ns() + FACTS_PATIENCE_NS;
	TAILQ_INSERT_TAIL(&t->links, link, link);
	return link;
}

void tracker_free_link(struct tracker *t, struct link *link)
{
	TAILQ_REMOVE(&t->links, link, link);
	facts_release(t->facts, link->user);
	cJSON_Delete(link->record);
	free(link);
}

void tracker_advance_links(struct tracker *t, uint64_t now_ns)
{
	struct link *link;

	TAILQ_FOREACH (link, &t->links, link) {
		cJSON *copy;

		if (link->is_writing || (fact_is_open(link->user) && now_ns < link->deadline_ns))
			continue;
		cJSON_DeleteItemFromObjectCaseSensitive(link->record, "user");
		if (link->user && link->user->state == FACT_KNOWN && *link->user->user)
			cJSON_AddStringToObject(link->record, "user", link->user->user);
		else
			record_add_null(link->record, "user");
		copy = cJSON_Duplicate(link->record, true);
		if (!copy)
			continue;
		link->is_writing = true;
		t->counts.writing++;
		writer_put_record(t->writer, "link", copy, link);
	}
}
