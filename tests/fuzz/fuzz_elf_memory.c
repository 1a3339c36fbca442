/* SPDX-License-Identifier: BSD-2-Clause */
/* A process' memory as /proc/PID/mem shows it: any bytes anywhere, also at the end of all
 * addresses. The first byte says where. Seeds: any small programs. */
#include "common/elf_memory.h"
#include "daemon/facts_memory.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	const uint8_t *data;
	uint64_t address;
	size_t len, asked;
};

static ssize_t memory_read(void *arg, void *out, size_t len, uint64_t address)
{
	struct memory *m = arg;

	m->asked += len;
	if (address - m->address >= m->len)
		return -EIO;
	len = MIN(len, m->len - (address - m->address));
	memcpy(out, m->data + (address - m->address), len);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t bases[] = {0, 0x400000, 0x7f0000000000, UINT64_MAX - 4095};
	struct note_ids notes = {};
	struct memory m;
	uint64_t start;

	if (!size)
		return 0;
	m = (struct memory){data + 1, bases[data[0] % 4], size - 1, 0};
	if (!elf_memory_notes(memory_read, &m, m.address, &notes) &&
	    notes.build_id_len > NOTE_BUILD_ID_MAX)
		abort();
	if (m.asked > 2 << 20) /* however much it claims to be */
		abort();
	_cleanup_free_ char *line = strndup((const char *)data, size);
	memory_is_start(line, 0xfe00000, 77, &start);
	return 0;
}
