// SPDX-License-Identifier: BSD-2-Clause
/* From what a user's program says of a link to a link record of this node. */
#include "daemon/links.h"
#include "common/id.h"
#include "common/record.h"
#include "common/text.h"
#include "daemon/drop.h"
#include "daemon/link_record.h"
#include "daemon/receive.h"

#include <errno.h>

#define DATAGRAMS_MAX 1024 /* at one go */
#define NAMES_MAX     256  /* of the drop folder, at one go */
#define COLLECT_TICKS 10   /* the drop folder is looked at once in so many ticks */

struct links {
	const struct node *node;
	struct tracker *tracker;
	struct receiver *receiver;
	struct drop *drop; /* NULL: there is none */
	unsigned int ticks;
	uint64_t refused;
};

/*
 * The id a user sends serves to tell a record that comes twice (by socket and drop folder); as it
 * stands, it could be somebody else's. Made from the sender's uid as the kernel gives it, it can
 * only be his own.
 */
static void own_id(struct links *l, cJSON *record, uid_t uid)
{
	uint8_t sent[16] = {0};
	char content[320], hex[33];
	uuid_t id;
	int len;

	(void)record_get_uuid(record, "link_id", sent);
	len = snprintf(content, sizeof(content), "%s %u %s", l->node->host, uid,
		       text_to_hex(sent, sizeof(sent), hex));
	id_from_content((struct bytes){content, len}, id);
	cJSON_DeleteItemFromObjectCaseSensitive(record, "link_id");
	record_add_uuid(record, "link_id", id);
}

static void take(void *arg, enum message_kind kind, const struct message_sender *sender,
		 struct bytes message)
{
	struct links *l = arg;
	cJSON *record;

	if (kind != MESSAGE_LINK ||
	    link_record_make(message, sender->uid, sender->gid, sender->pid, &record)) {
		l->refused++;
		return;
	}
	own_id(l, record, sender->uid);
	cJSON_AddStringToObject(record, "host", l->node->host);
	cJSON_AddStringToObject(record, "cluster", l->node->cluster);
	cJSON_AddStringToObject(record, "boot_id", l->node->boot_id);
	record_add_null(record, "job"); /* the tracker looks for it */
	tracker_link(l->tracker, record, sender->uid);
}

int links_new(const struct config *config, const struct node *node, struct tracker *tracker,
	      struct links **ret)
{
	struct links *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->node = node;
	l->tracker = tracker;
	r = receiver_new(config->socket, &l->receiver);
	if (!r && *config->drop)
		r = drop_new(config->drop, &l->drop);
	if (r) {
		links_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	receiver_free(l->receiver);
	drop_free(l->drop);
	free(l);
}

int links_fd(const struct links *l)
{
	return receiver_fd(l->receiver);
}

void links_receive(struct links *l, bool is_tick)
{
	uint64_t now_ns = node_boot_ns();

	if (!tracker_has_room(l->tracker))
		return;
	(void)receiver_drain(l->receiver, DATAGRAMS_MAX, now_ns, take, l);
	if (l->drop && is_tick && l->ticks++ % COLLECT_TICKS == 0)
		(void)drop_collect(l->drop, NAMES_MAX, now_ns, take, l);
}

void links_losses(const struct links *l, struct losses *losses)
{
	const struct receive_counters *r = receiver_counters(l->receiver);
	const struct drop_counters *d = l->drop ? drop_counters(l->drop) : NULL;
	uint64_t lost = l->refused + r->lost_garbled + r->lost_too_long + r->lost_sender +
			r->lost_descriptors + r->lost_quota + r->lost_full + r->lost_order +
			r->lost_timeout + r->lost_memory;

	if (d)
		lost += d->refused_type + d->refused_links + d->refused_size + d->refused_stale +
			d->refused_error + d->lost_memory;
	losses->count[LOSS_MESSAGE_REFUSED] = lost;
}
