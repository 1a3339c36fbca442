/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of any bytes as a log of XALT's: a piece lies within its line and its numbers in bounds;
 * what comes whole is no longer than its pieces and the blanks between them; read again, nothing
 * begins anew.
 */
#include "ingest/xalt_pieces.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct bytes part, struct bytes line)
{
	if (part.data && (part.data < line.data || part.data + part.len > line.data + line.len))
		abort();
}

static int check_line(struct bytes line, struct xalt_piece *ret)
{
	char reason[XALT_REASON_SIZE] = "";
	int r = xalt_line_parse(line, ret, reason);

	if (r == -EINVAL && !*reason)
		abort();
	if (r)
		return r;
	check_within(ret->host, line);
	check_within(ret->syshost, line);
	check_within(ret->key, line);
	check_within(ret->crc, line);
	check_within(ret->value, line);
	if (!ret->count || ret->count > XALT_PIECES_MAX || ret->index >= ret->count ||
	    (ret->version != 1 && !ret->key.len) || ret->key.len > XALT_KEY_MAX)
		abort();
	return 0;
}

static void check_partial(void *arg, const struct xalt_partial *partial)
{
	unsigned int have = 0;

	(void)arg;
	for (unsigned int i = 0; i < partial->count; i++)
		have += partial->is_there[i];
	if (have != partial->have || have >= partial->count)
		abort();
}

static void read_all(struct xalt_pieces *pieces, const char *data, size_t size, bool is_again)
{
	struct bytes rest = {data, size};

	while (rest.len) {
		const char *end = memchr(rest.data, '\n', rest.len);
		struct bytes line = {rest.data, end ? (size_t)(end - rest.data) : rest.len};
		size_t step = line.len + (end ? 1 : 0);
		struct xalt_whole whole;
		struct xalt_piece piece;

		if (check_line(line, &piece) == 0 && piece.version != 1) {
			int r = xalt_pieces_add(pieces, &piece, 0, &whole);

			if (r == XALT_WHOLE && (is_again || whole.text.len > 2 * size + 1))
				abort();
			if (is_again && r != XALT_REPEATED)
				abort();
		}
		rest.data += step;
		rest.len -= step;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1);
	struct xalt_pieces *pieces;

	memcpy(copy, data, size);
	if (xalt_pieces_new(check_partial, NULL, &pieces) < 0)
		abort();
	read_all(pieces, copy, size, false);
	read_all(pieces, copy, size, true);
	xalt_pieces_end(pieces);
	xalt_pieces_free(pieces);
	return 0;
}
