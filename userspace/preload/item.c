/* SPDX-License-Identifier: BSD-2-Clause */
#include "preload/item.h"
#include "preload/syscalls.h"
#include "common/util.h"

#include <string.h>
#include <sys/mman.h>

#define ROOM_MIN   256 /* with less, nothing is begun */
#define OTHERS_MAX (RUN_MESSAGE_ARGV + RUN_MESSAGE_ENV + RUN_MESSAGE_PATH + 4096) /* parts */
#define PAD_8(n)   (((n) + 7) & ~(size_t)7)

void item_begin(struct writer *writer, enum run_phase phase, uint32_t pid, const uint64_t random[2])
{
	struct run_message *head = (struct run_message *)writer->data;

	*head = (struct run_message){.magic = RUN_MESSAGE_MAGIC,
				     .phase = phase,
				     .pid = pid,
				     .random = {random[0], random[1]}};
	writer->used = sizeof(*head);
	writer->last = NULL;
}

/* Most messages fit where they are begun. */
bool item_grow(struct writer *writer)
{
	long address;

	if (!writer->may_grow || writer->grown)
		return false;
	address = CALL_MMAP(RUN_MESSAGE_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	if (IS_ERROR(address))
		return false;
	memcpy((void *)address, writer->data, writer->used);
	writer->data = (uint8_t *)address;
	writer->grown = RUN_MESSAGE_MAX;
	writer->size = RUN_MESSAGE_MAX - OTHERS_MAX;
	return true;
}

static size_t room_of(const struct writer *writer)
{
	size_t left = writer->size - writer->used;

	return left < sizeof(struct run_item) ? 0 : (left - sizeof(struct run_item)) & ~(size_t)7;
}

void *item_open_some(struct writer *writer, enum run_item_kind kind, size_t max, size_t *ret_size)
{
	size_t room = room_of(writer);

	if (room < MIN(max, (size_t)ROOM_MIN) && item_grow(writer))
		room = room_of(writer);
	if (!room)
		return NULL;
	writer->last = (struct run_item *)(writer->data + writer->used);
	*writer->last = (struct run_item){.kind = (uint16_t)kind};
	*ret_size = MIN(room, max);
	return writer->last + 1;
}

void *item_open(struct writer *writer, enum run_item_kind kind, size_t max)
{
	size_t size;
	void *data;

	if (room_of(writer) < max)
		item_grow(writer);
	if (room_of(writer) < max)
		return NULL;
	data = item_open_some(writer, kind, max, &size);
	return data;
}

void item_close(struct writer *writer, size_t len, uint16_t flags)
{
	uint8_t *data = (uint8_t *)(writer->last + 1);

	writer->last->len = (uint32_t)len;
	writer->last->flags = flags;
	for (size_t i = len; i < PAD_8(len); i++)
		data[i] = 0;
	writer->used += sizeof(*writer->last) + PAD_8(len);
}

bool item_put_two(struct writer *writer, enum run_item_kind kind, const void *a, size_t a_len,
		  const void *b, size_t b_len)
{
	uint8_t *data = item_open(writer, kind, a_len + b_len);

	if (!data)
		return false;
	memcpy(data, a, a_len);
	memcpy(data + a_len, b, b_len);
	item_close(writer, a_len + b_len, 0);
	return true;
}

bool item_put(struct writer *writer, enum run_item_kind kind, const void *data, size_t len)
{
	return item_put_two(writer, kind, data, len, "", 0);
}

void item_done(struct writer *writer)
{
	if (writer->grown)
		CALL(SYS_munmap, writer->data, writer->grown);
	writer->grown = writer->size = writer->used = 0;
}

void parts_add(struct parts *parts, const void *data, size_t len)
{
	if (!len)
		return;
	parts->part[parts->count++] = (struct iovec){(void *)data, len};
	parts->size += len;
}

void parts_add_item(struct parts *parts, struct run_item head, const void *a, size_t a_len,
		    const void *b, size_t b_len)
{
	struct run_item *joint = &parts->joint[parts->joints].head;
	uint8_t *pad = parts->joint[++parts->joints].pad; /* zeros */

	*joint = head;
	joint->len = (uint32_t)(a_len + b_len);
	parts_add(parts, joint, sizeof(*joint));
	parts_add(parts, a, a_len);
	parts_add(parts, b, b_len);
	parts_add(parts, pad, PAD_8(joint->len) - joint->len);
}

unsigned int parts_slice(const struct parts *parts, size_t offset, size_t len, struct iovec *ret)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < parts->count && len; i++) {
		const struct iovec *part = &parts->part[i];
		size_t taken;

		if (offset >= part->iov_len) {
			offset -= part->iov_len;
			continue;
		}
		taken = MIN(part->iov_len - offset, len);
		ret[count++] = (struct iovec){(char *)part->iov_base + offset, taken};
		len -= taken;
		offset = 0;
	}
	return count;
}
