/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bytes that are hashed are laid out one by one, little-endian, and hashes are taken in XXH's
 * canonical (big-endian) form: a run's id must not depend on the machine that computes it.
 */
#include "common/id.h"
#include "common/text.h"

#include <sys/random.h>
#include <time.h>
#include <xxhash.h>

#define DAY_MS 86400000

static void put_le(uint8_t *out, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = value >> (8 * i) & 0xff;
}

static void put_time(uint8_t *out, uint64_t ms)
{
	for (size_t i = 0; i < 6; i++)
		out[i] = ms >> (40 - 8 * i) & 0xff;
}

/* RFC 9562, 4: version in the upper half of byte 6, variant 10 in the upper bits of byte 8. */
static void set_version(uint8_t *id, uint8_t version)
{
	id[6] = version << 4 | (id[6] & 0x0f);
	id[8] = 0x80 | (id[8] & 0x3f);
}

static void hash(const void *data, size_t len, uint8_t out[16])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, len));
	memcpy(out, canonical.digest, 16);
}

void id_run(const uint8_t boot_id[16], uint32_t pid, uint64_t start_ticks, uint32_t exec_count,
	    uint64_t start_ms, uuid_t ret)
{
	uint8_t facts[16 + 4 + 8 + 4], digest[16];

	memcpy(facts, boot_id, 16);
	put_le(facts + 16, pid, 4);
	put_le(facts + 20, start_ticks, 8);
	put_le(facts + 28, exec_count, 4);
	hash(facts, sizeof(facts), digest);
	put_time(ret, start_ms);
	memcpy(ret + 6, digest, 10);
	set_version(ret, 8);
}

void id_derived(const uuid_t from, const char *what, uuid_t ret)
{
	uint8_t facts[16 + 32] = {0}, digest[16];

	memcpy(facts, from, 16);
	memcpy(facts + 16, what, strnlen(what, sizeof(facts) - 16));
	hash(facts, sizeof(facts), digest);
	memcpy(ret, from, 6);
	memcpy(ret + 6, digest, 10);
	set_version(ret, 8);
}

static uint64_t get_time(const uint8_t *id)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = ms << 8 | id[i];
	return ms;
}

void id_foreign(const uint8_t uuid[16], uint64_t ms, uuid_t ret)
{
	uint64_t own_ms = get_time(uuid), apart = own_ms > ms ? own_ms - ms : ms - own_ms;
	uint8_t digest[16];

	if (uuid[6] >> 4 == 7 && uuid[8] >> 6 == 2 && apart <= DAY_MS) {
		memcpy(ret, uuid, 16);
		return;
	}
	hash(uuid, 16, digest);
	put_time(ret, ms);
	memcpy(ret + 6, digest, 10);
	set_version(ret, 8);
}

void id_new(uuid_t ret)
{
	static unsigned int count;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getrandom(ret, 16, GRND_NONBLOCK) != 16) {
		struct {
			struct timespec real, mono;
			uint64_t pid, count;
		} seed = {.real = now,
			  .pid = (uint64_t)getpid(),
			  .count = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED)};

		clock_gettime(CLOCK_MONOTONIC, &seed.mono);
		hash(&seed, sizeof(seed), ret);
	}
	put_time(ret, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS);
	set_version(ret, 7);
}

void id_from_content(struct bytes content, uuid_t ret)
{
	hash(content.data, content.len, ret);
	set_version(ret, 8);
}

void id_hash(struct bytes data, char ret[ID_HASH_SIZE])
{
	uint8_t digest[16];

	hash(data.data, data.len, digest);
	text_to_hex(digest, sizeof(digest), ret);
}
