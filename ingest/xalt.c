/* SPDX-License-Identifier: BSD-2-Clause */
/* Where records come from: files of one each, and logs. */
#include "ingest/xalt.h"
#include "ingest/reader.h"
#include "ingest/xalt_import.h"
#include "ingest/xalt_tree.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>

#define MISSING_MAX 13 /* numbers of pieces that are named; the others are counted */

/* "run_fini_...: pieces 2, 5 of 8 are missing" */
static void tell_partial(void *arg, const struct xalt_partial *partial)
{
	struct xalt_import *import = arg;
	_cleanup_free_ char *key = text_for_terminal(partial->key), *text = NULL;
	unsigned int missing = partial->count - partial->have, named = 0;
	size_t len = 0;
	FILE *out;

	import->totals->incomplete++;
	out = import->options->incomplete ? open_memstream(&text, &len) : NULL;
	if (!out)
		return;
	fprintf(out, "%s: %s", key ?: "?", missing == 1 ? "piece " : "pieces ");
	for (unsigned int i = 0; i < partial->count && named < MISSING_MAX; i++)
		if (!partial->is_there[i])
			fprintf(out, "%s%u", named++ ? ", " : "", i);
	if (named < missing)
		fprintf(out, " and %u more", missing - named);
	fprintf(out, " of 0 to %u %s missing%s", partial->count - 1, missing == 1 ? "is" : "are",
		partial->is_pushed_out ? " (too many others began meanwhile)" : "");
	if (fclose(out) == 0)
		import->options->incomplete(text);
	/* The buffer is freed behind the stream. */
}

static int add(struct xalt_import *import, struct xalt_item *item)
{
	int r = item->path ? xalt_batch_add(import, item) : -ENOMEM;

	xalt_item_done(item);
	return r;
}

static char *copy(struct bytes text)
{
	char *data = malloc(text.len + 1);

	if (data && text.len)
		memcpy(data, text.data, text.len);
	if (data)
		data[text.len] = '\0';
	return data;
}

/* A file of one record. What is too long for one is not read. */
static int take_record_file(struct xalt_import *import, const char *path, int fd, uint64_t size)
{
	size_t room = (size_t)MIN(size, (uint64_t)RECORD_LINE_MAX) + 1;
	struct xalt_item item = {.path = strdup(path), .line = 1, .size = size};
	ssize_t n;

	import->totals->files++;
	item.text = malloc(room + 1);
	if (!item.text) {
		xalt_item_done(&item);
		return -ENOMEM;
	}
	n = fs_pread_all(fd, item.text, room, 0);
	if (n < 0) {
		_cleanup_free_ char *safe = text_for_terminal(bytes_of(path));

		xalt_item_done(&item);
		import->totals->failures++;
		log_err((int)n, "cannot read %s", safe ?: "a file");
		return 0;
	}
	item.len = (size_t)n;
	if (item.len > RECORD_LINE_MAX || size > RECORD_LINE_MAX) {
		free(TAKE_PTR(item.text));
		item.len = 0;
		problem_set(&item.problem, "", "is longer than %d bytes", RECORD_LINE_MAX);
	} else {
		item.size = item.len;
	}
	return add(import, &item);
}

/* An item of the line at hand: text is its own, or the record's that it completes. */
static int take_text(struct xalt_import *import, struct bytes text, uint64_t size,
		     struct bytes host, const char *reason)
{
	struct xalt_item item = {
		.path = strdup(import->path), .line = import->line, .len = text.len, .size = size};

	if (text.data) {
		item.text = copy(text);
		if (!item.text) {
			xalt_item_done(&item);
			return -ENOMEM;
		}
	}
	if (host.data && host.len)
		item.host = copy(host);
	if (reason)
		problem_set(&item.problem, "", "%s", reason);
	return add(import, &item);
}

/* A whole record in a line: JSON, or, by older versions, base64 of it. */
static int take_whole_line(struct xalt_import *import, const struct xalt_piece *piece)
{
	_cleanup_free_ char *text = NULL, *decoded = NULL;
	size_t len;

	if (piece->value.len && *piece->value.data != '{') {
		text = copy(piece->value);
		if (!text)
			return -ENOMEM;
		if (text_from_base64(text, &decoded, &len) == 0)
			return take_text(import, (struct bytes){decoded, len}, len, piece->host,
					 NULL);
	}
	return take_text(import, piece->value, piece->value.len, piece->host, NULL);
}

static int take_piece(struct xalt_import *import, const struct xalt_piece *piece)
{
	struct xalt_whole whole;
	int r;

	if (piece->version == 1)
		return take_whole_line(import, piece);
	r = xalt_pieces_add(import->pieces, piece, import->line, &whole);
	if (r == XALT_REPEATED)
		import->totals->repeated++;
	if (r != XALT_WHOLE)
		return r < 0 ? r : 0;
	return take_text(import, whole.text, whole.text.len, piece->host,
			 whole.is_cut ? "a piece of it is cut, and it has no checksum" : NULL);
}

static int take_line(struct xalt_import *import, const struct line *line)
{
	char reason[XALT_REASON_SIZE];
	struct xalt_piece piece;
	int r;

	import->line++;
	import->totals->lines++;
	if (!line->text.data)
		return take_text(import, line->text, line->size, (struct bytes){},
				 "is longer than 4194304 bytes");
	r = xalt_line_parse(line->text, &piece, reason);
	if (r == 0)
		return take_piece(import, &piece);
	if (r == -EINVAL)
		return take_text(import, line->text, line->size, (struct bytes){}, reason);
	import->totals->foreign++;
	return 0;
}

/* Takes fd. */
static int take_log(struct xalt_import *import, const char *path, int fd)
{
	_cleanup_reader_ struct reader *reader = NULL;
	struct line line;
	int r = reader_new(fd, &reader);

	import->totals->files++;
	import->path = path;
	import->line = 0;
	if (r < 0)
		return r;
	while ((r = reader_next(reader, &line)) > 0) {
		r = *import->loader->stop ? -EINTR : take_line(import, &line);
		if (r < 0)
			return r;
	}
	if (r < 0 && r != -ENOMEM) {
		_cleanup_free_ char *safe = text_for_terminal(bytes_of(path));

		if (*import->loader->stop)
			return -EINTR;
		import->totals->failures++;
		log_err(r == -EBADMSG || r == -ENODATA ? 0 : r, "cannot read %s behind line %llu%s",
			safe ?: "a log", (unsigned long long)import->line,
			r == -EBADMSG || r == -ENODATA ? ": the compressed data is damaged" : "");
		r = 0;
	}
	return r;
}

/* The first byte that is no blank begins a record, or it is a log. */
static bool is_record(int fd)
{
	char begin[64];
	ssize_t n = fs_pread_all(fd, begin, sizeof(begin), 0);

	for (ssize_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n", begin[i]))
			return begin[i] == '{';
	return false;
}

static int take_file(void *arg, const char *path, int fd, const struct stat *st, bool is_named)
{
	struct xalt_import *import = arg;
	int r;

	if (is_named && !xalt_tree_is_record(fs_base_name(path)) && !is_record(fd))
		return take_log(import, path, fd);
	r = take_record_file(import, path, fd, (uint64_t)st->st_size);
	close(fd);
	return r;
}

static int import_path(struct xalt_import *import, const char *path)
{
	struct xalt_tree tree = {.stop = import->loader->stop, .file = take_file, .arg = import};
	struct xalt_totals *t = import->totals;
	int r;

	if (!strcmp(path, "-")) {
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

		return fd < 0 ? -errno : take_log(import, "standard input", fd);
	}
	r = xalt_tree_walk(&tree, path);
	t->others += tree.others;
	t->irregular += tree.irregular;
	t->too_deep += tree.too_deep;
	t->failures += tree.failures;
	return r;
}

static int import_all(struct xalt_import *import)
{
	const struct xalt_options *options = import->options;
	int r = xalt_quarantine_begin(import);

	for (size_t i = 0; r == 0 && i < options->count; i++)
		r = import_path(import, options->paths[i]);
	/* What has been read before a signal is loaded the next time, as what has not. */
	if (r == 0)
		r = xalt_batch_flush(import);
	if (r == 0)
		xalt_pieces_end(import->pieces);
	return r < 0 ? r : xalt_packages_count(import);
}

int xalt_import(struct loader *loader, const struct xalt_options *options,
		struct progress *progress, struct xalt_totals *totals)
{
	struct xalt_import *import = calloc(1, sizeof(*import));
	int r = -ENOMEM;

	if (import) {
		import->references = calloc(XALT_REFERENCES_MAX, sizeof(*import->references));
		*loader->db->message = '\0';
		import->loader = loader;
		import->options = options;
		import->progress = progress;
		import->totals = totals;
		if (import->references)
			r = xalt_pieces_new(tell_partial, import, &import->pieces);
		if (r == 0)
			r = import_all(import);
		for (size_t i = 0; i < import->count; i++)
			xalt_item_done(&import->items[i]);
		xalt_pieces_free(import->pieces);
		free(import->references);
	}
	free(import);
	return r;
}
