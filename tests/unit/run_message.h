/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as the preload module would send them, and as nobody should. */
#pragma once

#include "common/run_message.h"
#include "common/util.h"

#define MESSAGE_TOKEN 0x1122334455667788u

struct message_room {
	_Alignas(8) char data[RUN_MESSAGE_MAX + 4096];
	size_t used;
};

static inline void message_begin(struct message_room *room, enum run_phase phase, uint32_t pid,
				 uint64_t token)
{
	struct run_message head = {
		.magic = RUN_MESSAGE_MAGIC, .phase = phase, .pid = pid, .random = {token, ~token}};

	memset(room->data, 0, sizeof(head));
	memcpy(room->data, &head, sizeof(head));
	room->used = sizeof(head);
}

static inline void message_put(struct message_room *room, unsigned int kind, unsigned int flags,
			       struct bytes data)
{
	struct run_item item = {.kind = kind, .flags = flags, .len = data.len};
	size_t padded = (data.len + 7) & ~(size_t)7;

	memcpy(room->data + room->used, &item, sizeof(item));
	memset(room->data + room->used + sizeof(item), 0, padded);
	if (data.len)
		memcpy(room->data + room->used + sizeof(item), data.data, data.len);
	room->used += sizeof(item) + padded;
}

static inline void message_put_object(struct message_room *room, unsigned int flags,
				      const char *path, uint8_t build_id)
{
	struct {
		struct run_object object;
		char path[256];
	} item = {.object = {.build_id_len = 20}};

	memset(item.object.build_id, build_id, 20);
	snprintf(item.path, sizeof(item.path), "%s", path);
	message_put(room, RUN_ITEM_OBJECT, flags,
		    (struct bytes){(const char *)&item, sizeof(item.object) + strlen(path)});
}

static inline struct bytes message_end(struct message_room *room)
{
	uint32_t size = room->used;

	memcpy(room->data + offsetof(struct run_message, size), &size, sizeof(size));
	return (struct bytes){room->data, room->used};
}
