// SPDX-License-Identifier: BSD-2-Clause
/* From what a user's program says to a link record of this node, or to a run. */
#include "daemon/inbox.h"
#include "common/id.h"
#include "common/record.h"
#include "common/run_message.h"
#include "common/text.h"
#include "daemon/drop.h"
#include "daemon/link_record.h"
#include "daemon/preload.h"
#include "daemon/receive.h"

#include <errno.h>

#define DATAGRAMS_MAX 1024 /* at one go */
#define NAMES_MAX     512  /* of the drop folder, at one go */
#define COLLECT_TICKS 10   /* the drop folder is looked at once in so many ticks */

#define NAMES_ROUNDS_MAX 1024 /* of NAMES_MAX, when all is wanted */

struct inbox {
	const struct node *node;
	struct tracker *tracker;
	struct preload *preload;
	struct receiver *receiver;
	struct drop *drop; /* NULL: there is none */
	unsigned int ticks, collect_ticks;
	uint64_t refused, runs_refused;
};

/*
 * The id a user sends serves to tell a record that comes twice (by socket and drop folder); as it
 * stands, it could be somebody else's. Made from the sender's uid as the kernel gives it, it can
 * only be his own.
 */
static void own_id(const struct inbox *inbox, cJSON *record, uid_t uid)
{
	uint8_t sent[16] = {0};
	char content[320], hex[33];
	uuid_t id;
	int len;

	(void)record_get_uuid(record, "link_id", sent);
	len = snprintf(content, sizeof(content), "%s %u %s", inbox->node->host, uid,
		       text_to_hex(sent, sizeof(sent), hex));
	id_from_content((struct bytes){content, len}, id);
	cJSON_DeleteItemFromObjectCaseSensitive(record, "link_id");
	record_add_uuid(record, "link_id", id);
}

static void take_link(struct inbox *inbox, const struct message_sender *sender,
		      struct bytes message)
{
	cJSON *record;

	if (link_record_make(message, sender->uid, sender->gid, sender->pid, &record)) {
		inbox->refused++;
		return;
	}
	own_id(inbox, record, sender->uid);
	cJSON_AddStringToObject(record, "host", inbox->node->host);
	cJSON_AddStringToObject(record, "cluster", inbox->node->cluster);
	cJSON_AddStringToObject(record, "boot_id", inbox->node->boot_id);
	record_add_null(record, "job"); /* the tracker looks for it */
	tracker_link(inbox->tracker, record, sender->uid);
}

static void take(void *arg, enum message_kind kind, const struct message_sender *sender,
		 struct bytes message)
{
	struct inbox *inbox = arg;

	if (kind == MESSAGE_LINK)
		take_link(inbox, sender, message);
	else
		(void)preload_take(inbox->preload, sender, receiver_take_pidfd(inbox->receiver),
				   message);
}

/* A file of a run: its begin may have come in part, before the socket was full. */
static void take_dropped(void *arg, enum message_kind kind, const struct message_sender *owner,
			 struct bytes file)
{
	struct inbox *inbox = arg;
	struct run_message message;
	int r;

	if (kind == MESSAGE_LINK) {
		take_link(inbox, owner, file);
		return;
	}
	if (file.len >= sizeof(struct run_file_head) + sizeof(message)) {
		memcpy(&message, file.data + sizeof(struct run_file_head), sizeof(message));
		receiver_forget(inbox->receiver, kind, owner->uid, message.random[0]);
	}
	r = preload_take_file(inbox->preload, owner->uid, owner->gid, file);
	/* of another boot: it ran, and nothing is known of it here */
	inbox->runs_refused += r == -EXDEV;
}

int inbox_new(const struct config *config, const struct node *node, struct tracker *tracker,
	      struct preload *preload, bool is_first, struct inbox **ret)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	int r;

	if (!inbox)
		return -ENOMEM;
	inbox->node = node;
	inbox->tracker = tracker;
	inbox->preload = preload;
	inbox->collect_ticks = is_first ? 1 : COLLECT_TICKS;
	r = receiver_new(config->socket, &inbox->receiver);
	if (!r && *config->drop)
		r = drop_new(config->drop, &inbox->drop);
	if (r) {
		inbox_free(inbox);
		return r;
	}
	*ret = inbox;
	return 0;
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	receiver_free(inbox->receiver);
	drop_free(inbox->drop);
	free(inbox);
}

int inbox_fd(const struct inbox *inbox)
{
	return receiver_fd(inbox->receiver);
}

unsigned int inbox_queue(const struct inbox *inbox)
{
	return receiver_queue(inbox->receiver);
}

bool inbox_has_pidfds(const struct inbox *inbox)
{
	return receiver_has_pidfds(inbox->receiver);
}

bool inbox_receive(struct inbox *inbox, bool is_tick)
{
	uint64_t now_ns = node_boot_ns();
	int taken;

	if (!tracker_has_room(inbox->tracker))
		return false;
	taken = receiver_drain(inbox->receiver, DATAGRAMS_MAX, now_ns, take, inbox);
	if (inbox->drop && is_tick && inbox->ticks++ % inbox->collect_ticks == 0 &&
	    tracker_has_room(inbox->tracker))
		(void)drop_collect(inbox->drop, NAMES_MAX, now_ns, take_dropped, inbox);
	return taken < DATAGRAMS_MAX;
}

void inbox_receive_all(struct inbox *inbox)
{
	uint64_t now_ns = node_boot_ns();

	/* the queue once, and no more: others come as fast */
	for (unsigned int i = 0; i < inbox_queue(inbox) / DATAGRAMS_MAX + 1; i++)
		if (inbox_receive(inbox, false))
			break;
	for (unsigned int i = 0; inbox->drop && i < NAMES_ROUNDS_MAX; i++)
		if (!tracker_has_room(inbox->tracker) ||
		    drop_collect(inbox->drop, NAMES_MAX, now_ns, take_dropped, inbox) < NAMES_MAX)
			break;
}

static uint64_t refused(const struct inbox *inbox, enum message_kind kind)
{
	const struct receive_counters *r = receiver_counters(inbox->receiver, kind);
	const struct drop_counters *d = inbox->drop ? drop_counters(inbox->drop, kind) : NULL;
	uint64_t lost = r->lost_garbled + r->lost_too_long + r->lost_sender + r->lost_descriptors +
			r->lost_full + r->lost_order + r->lost_timeout + r->lost_memory;

	if (d)
		lost += d->refused_type + d->refused_links + d->refused_size + d->refused_stale +
			d->refused_error + d->lost_memory;
	return lost;
}

void inbox_losses(const struct inbox *inbox, struct losses *losses)
{
	const struct receiver *r = inbox->receiver;

	losses->count[LOSS_MESSAGE_REFUSED] = inbox->refused + refused(inbox, MESSAGE_LINK) +
					      receiver_counters(r, MESSAGE_LINK)->lost_quota;
	losses->count[LOSS_RUN_REFUSED] = inbox->runs_refused + refused(inbox, MESSAGE_RUN);
	losses->count[LOSS_RUN_QUOTA] = receiver_counters(r, MESSAGE_RUN)->lost_quota;
}
