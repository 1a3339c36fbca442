/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Datagrams of hostile users, and the link records in them. The input is a row of datagrams: two
 * bytes of length, one of sender, the datagram. A flag in the sender's byte puts a good header in
 * front, of a link or by another flag of a run, with what follows as id, total and offset.
 */
#include "daemon/link_record.h"
#include "daemon/receive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *arg, enum message_kind kind, const struct message_sender *sender,
		 struct bytes message)
{
	cJSON *record = NULL;
	size_t len;

	(void)arg;
	if (!message.len || message.len > MESSAGE_MAX ||
	    (kind != MESSAGE_LINK && kind != MESSAGE_RUN))
		abort();
	if (kind == MESSAGE_LINK &&
	    link_record_make(message, sender->uid, sender->gid, sender->pid, &record) == 0) {
		free(record_print(record, &len));
		cJSON_Delete(record);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct receiver *receiver = receiver_new_detached();
	uint64_t now_ns = NS_PER_S;

	while (size >= 3) {
		struct message_sender sender = {data[2] & 3, data[2] >> 2 & 3, 0};
		size_t len = MIN((size_t)(data[0] | data[1] << 8), size - 3);
		char datagram[sizeof(struct message_header) + 65536];
		struct message_header header = {MESSAGE_MAGIC, MESSAGE_LINK, 0, 0, 0};
		size_t used = 0;

		if (data[2] & 0x80 && len >= 3) {
			header.kind = data[2] & 0x40 ? MESSAGE_RUN : MESSAGE_LINK;
			header.id = data[3] & 3;
			header.offset = (data[4] & 3u) * MESSAGE_PIECE_MAX;
			header.total = header.offset + data[5] % 4 * MESSAGE_PIECE_MAX +
				       (uint32_t)(len - 3);
			memcpy(datagram, &header, sizeof(header));
			used = sizeof(header);
			memcpy(datagram + used, data + 6, len - 3);
			used += len - 3;
		} else {
			memcpy(datagram, data + 3, len);
			used = len;
		}
		receiver_take(receiver, &sender, (struct bytes){datagram, used}, now_ns, take,
			      NULL);
		now_ns += NS_PER_S / 3;
		data += 3 + len;
		size -= 3 + len;
	}
	receiver_free(receiver);
	return 0;
}
