/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records in the making are in a hash table and in the order in which they began: when there is no
 * room, the oldest goes, whose missing pieces are least likely to come.
 *
 * A log may lose blanks at the end of a line. All pieces but the last are of one size, so a shorter
 * one is filled up with blanks where the checksum agrees.
 */
#include "ingest/xalt_pieces.h"

#include <errno.h>
#include <xxhash.h>

#define BUCKETS	    4096
#define DONE_SLOTS  (1 << 18) /* of a generation */
#define BLANKS_MAX  4	      /* that may be gone where there is no checksum */
#define RECORD_COST 256	      /* bytes of a record besides its pieces */

struct part {
	char *data; /* NULL: not there */
	size_t len;
};

struct making {
	struct making *next;		/* in its bucket */
	struct making *older, *younger; /* by when they began */
	uint64_t hash, line;
	size_t bytes;
	unsigned int count, have;
	struct part *parts;
	bool *is_there;
	size_t key_len;
	char key[]; /* "host\0key\0checksum" */
};

struct xalt_pieces {
	xalt_partial_fn partial;
	void *arg;
	struct making *buckets[BUCKETS];
	struct making *oldest, *youngest;
	size_t bytes;
	uint64_t *young, *old; /* hashes of what is done; 0: free */
	size_t young_count;
	char *text; /* of the last that was whole */
};

int xalt_pieces_new(xalt_partial_fn partial, void *arg, struct xalt_pieces **ret)
{
	struct xalt_pieces *pieces = calloc(1, sizeof(*pieces));

	if (pieces) {
		pieces->partial = partial;
		pieces->arg = arg;
	}
	if (!pieces)
		return -ENOMEM;
	*ret = pieces;
	return 0;
}

static void free_making(struct making *making)
{
	for (unsigned int i = 0; making->parts && i < making->count; i++)
		free(making->parts[i].data);
	free(making->parts);
	free(making->is_there);
	free(making);
}

static void unlink_making(struct xalt_pieces *pieces, struct making *making)
{
	struct making **at = &pieces->buckets[making->hash % BUCKETS];

	while (*at != making)
		at = &(*at)->next;
	*at = making->next;
	if (making->older)
		making->older->younger = making->younger;
	else
		pieces->oldest = making->younger;
	if (making->younger)
		making->younger->older = making->older;
	else
		pieces->youngest = making->older;
	pieces->bytes -= making->bytes;
}

void xalt_pieces_free(struct xalt_pieces *pieces)
{
	if (!pieces)
		return;
	while (pieces->oldest) {
		struct making *making = pieces->oldest;

		unlink_making(pieces, making);
		free_making(making);
	}
	free(pieces->young);
	free(pieces->old);
	free(pieces->text);
	free(pieces);
}

/* The slot of hash, or the free one for it. */
static uint64_t *find_done(uint64_t *slots, uint64_t hash)
{
	size_t i = hash % DONE_SLOTS;

	while (slots[i] && slots[i] != hash)
		i = (i + 1) % DONE_SLOTS;
	return &slots[i];
}

static bool is_done(const struct xalt_pieces *pieces, uint64_t hash)
{
	return (pieces->young && *find_done(pieces->young, hash)) ||
	       (pieces->old && *find_done(pieces->old, hash));
}

static void set_done(struct xalt_pieces *pieces, uint64_t hash)
{
	if (pieces->young_count == XALT_DONE_MAX) {
		free(pieces->old);
		pieces->old = TAKE_PTR(pieces->young);
		pieces->young_count = 0;
	}
	if (!pieces->young)
		pieces->young = calloc(DONE_SLOTS, sizeof(*pieces->young));
	if (!pieces->young)
		return; /* what comes again will be known by its id */
	*find_done(pieces->young, hash) = hash;
	pieces->young_count++;
}

static size_t make_key(const struct xalt_piece *piece, char out[3 * (XALT_KEY_MAX + 1)])
{
	const struct bytes parts[] = {piece->syshost, piece->key, piece->crc};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t part = MIN(parts[i].len, (size_t)XALT_KEY_MAX);

		if (part)
			memcpy(out + len, parts[i].data, part);
		len += part;
		out[len++] = '\0';
	}
	return len;
}

static struct making *find(const struct xalt_pieces *pieces, uint64_t hash, const char *key,
			   size_t len, unsigned int count)
{
	struct making *making = pieces->buckets[hash % BUCKETS];

	while (making && (making->hash != hash || making->count != count ||
			  making->key_len != len || memcmp(making->key, key, len) != 0))
		making = making->next;
	return making;
}

static struct making *begin(struct xalt_pieces *pieces, uint64_t hash, const char *key, size_t len,
			    unsigned int count)
{
	struct making *making = calloc(1, sizeof(*making) + len);

	if (!making)
		return NULL;
	making->count = count;
	making->parts = calloc(count, sizeof(*making->parts));
	making->is_there = calloc(count, sizeof(*making->is_there));
	if (!making->parts || !making->is_there) {
		free_making(making);
		return NULL;
	}
	making->hash = hash;
	making->key_len = len;
	memcpy(making->key, key, len);
	making->bytes = RECORD_COST + len + count * (sizeof(*making->parts) + 1);
	pieces->bytes += making->bytes;
	making->next = pieces->buckets[hash % BUCKETS];
	pieces->buckets[hash % BUCKETS] = making;
	making->older = pieces->youngest;
	if (pieces->youngest)
		pieces->youngest->younger = making;
	else
		pieces->oldest = making;
	pieces->youngest = making;
	return making;
}

static void give_up(struct xalt_pieces *pieces, struct making *making, bool is_pushed_out)
{
	const char *key = making->key + strlen(making->key) + 1;
	const struct xalt_partial partial = {
		.key = bytes_of(key),
		.count = making->count,
		.have = making->have,
		.is_there = making->is_there,
		.line = making->line,
		.is_pushed_out = is_pushed_out,
	};

	unlink_making(pieces, making);
	if (pieces->partial)
		pieces->partial(pieces->arg, &partial);
	free_making(making);
}

static void make_room(struct xalt_pieces *pieces)
{
	while (pieces->bytes > XALT_PIECES_MEMORY)
		give_up(pieces, pieces->oldest, true);
}

/* The pieces, of which all but the last have size bytes, in one. */
static struct bytes join(const struct making *making, size_t size, char *out)
{
	size_t len = 0;

	for (unsigned int i = 0; i < making->count; i++) {
		const struct part *part = &making->parts[i];

		memcpy(out + len, part->data, part->len);
		len += part->len;
		if (i + 1 < making->count && part->len < size) {
			memset(out + len, ' ', size - part->len);
			len += size - part->len;
		}
	}
	return (struct bytes){out, len};
}

static int put_together(struct xalt_pieces *pieces, const struct making *making,
			struct xalt_whole *ret)
{
	size_t size = 0, len = 0, gaps = 0;
	enum xalt_crc filled;

	for (unsigned int i = 0; i < making->count; i++) {
		if (i + 1 < making->count)
			size = MAX(size, making->parts[i].len);
		len += making->parts[i].len;
	}
	for (unsigned int i = 0; i + 1 < making->count; i++)
		gaps += size - making->parts[i].len;
	free(pieces->text);
	/* Pieces of very different sizes are damaged, not short of a blank. */
	if (gaps > len)
		size = 0;
	pieces->text = malloc(len + gaps + 1);
	if (!pieces->text)
		return -ENOMEM;
	*ret = (struct xalt_whole){};
	if (gaps && size) {
		ret->text = join(making, size, pieces->text);
		filled = xalt_text_crc(ret->text);
		ret->crc = filled;
		if (filled == XALT_CRC_RIGHT || (filled == XALT_CRC_NONE && gaps <= BLANKS_MAX))
			return 0;
	}
	ret->text = join(making, 0, pieces->text);
	ret->crc = xalt_text_crc(ret->text);
	ret->is_cut = gaps && ret->crc == XALT_CRC_NONE;
	return 0;
}

int xalt_pieces_add(struct xalt_pieces *pieces, const struct xalt_piece *piece, uint64_t line,
		    struct xalt_whole *ret)
{
	char key[3 * (XALT_KEY_MAX + 1)];
	size_t len = make_key(piece, key);
	uint64_t hash = XXH3_64bits_withSeed(key, len, piece->count) | 1;
	struct making *making = find(pieces, hash, key, len, piece->count);
	struct part *part;
	int r;

	if (!making && is_done(pieces, hash))
		return XALT_REPEATED;
	if (!making) {
		making = begin(pieces, hash, key, len, piece->count);
		if (!making)
			return -ENOMEM;
		making->line = line;
	}
	part = &making->parts[piece->index];
	if (part->data)
		return XALT_REPEATED;
	part->data = malloc(piece->value.len + 1);
	if (!part->data)
		return -ENOMEM;
	memcpy(part->data, piece->value.data, piece->value.len);
	part->len = piece->value.len;
	making->is_there[piece->index] = true;
	making->have++;
	making->bytes += part->len;
	pieces->bytes += part->len;
	if (making->have < making->count) {
		make_room(pieces);
		return XALT_WAITS;
	}
	r = put_together(pieces, making, ret);
	unlink_making(pieces, making);
	free_making(making);
	set_done(pieces, hash);
	return r < 0 ? r : XALT_WHOLE;
}

void xalt_pieces_end(struct xalt_pieces *pieces)
{
	while (pieces->oldest)
		give_up(pieces, pieces->oldest, false);
}
