/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/quarantine.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>

struct output {
	FILE *file;
	int64_t written, unkept;
};

/* A line for each, whatever names and reasons hold. */
static int print_line(void *arg, int64_t id, const struct value *row)
{
	_cleanup_free_ char *path = text_for_terminal(row[QUARANTINE_FILE].bytes);
	_cleanup_free_ char *reason = text_for_terminal(row[QUARANTINE_REASON].bytes);
	_cleanup_free_ char *field = text_for_terminal(row[QUARANTINE_FIELD].bytes);
	struct output *out = arg;

	(void)id;
	if (!path || !reason || !field)
		return -ENOMEM;
	fprintf(out->file, "%s:%lld: %s%s%s\n", path, (long long)row[QUARANTINE_LINE].integer,
		field, *field ? " " : "", reason);
	out->written++;
	return 0;
}

static int write_line(void *arg, int64_t id, const struct value *row)
{
	const struct value *text = &row[QUARANTINE_TEXT];
	struct output *out = arg;

	(void)id;
	if (text->type == VALUE_NULL) {
		out->unkept++;
		return 0;
	}
	if ((text->bytes.len && fwrite(text->bytes.data, text->bytes.len, 1, out->file) != 1) ||
	    fputc('\n', out->file) == EOF)
		return -errno;
	out->written++;
	return 0;
}

static int64_t visit(struct backend *db, struct output *out,
		     int (*take)(void *arg, int64_t id, const struct value *row))
{
	int r;

	*db->message = '\0';
	r = db->ops->each(db, &mapping_quarantine, take, out);
	return r < 0 ? log_err(*db->message ? 0 : r, "%s",
			       *db->message ? db->message : "cannot write the quarantined lines")
		     : out->written;
}

int64_t quarantine_list(struct backend *db)
{
	struct output out = {.file = stdout};

	return visit(db, &out, print_line) < 0 ? -EIO : out.written;
}

/* Private, and never over another file. */
static FILE *open_new(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

int64_t quarantine_export(struct backend *db, const char *path)
{
	bool is_output = !strcmp(path, "-");
	struct output out = {.file = is_output ? stdout : open_new(path)};
	int64_t written;

	if (!out.file)
		return log_err(-errno, "cannot write quarantined lines to %s", path);
	written = visit(db, &out, write_line);
	if ((is_output ? fflush(out.file) : fclose(out.file)) && written >= 0)
		return log_err(-errno, "cannot write quarantined lines to %s", path);
	if (out.unkept)
		log_warn(0,
			 "%lld lines were not kept, being too long or too many; look for them "
			 "where --quarantine says",
			 (long long)out.unkept);
	return written < 0 ? -EIO : written;
}
