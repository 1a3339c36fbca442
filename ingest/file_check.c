/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a file has been read: does it hold what its header and trailer promise? What doesn't agree
 * is stored as facts, from which reports tell what part of the time a node is complete for.
 */
#include "ingest/file.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <time.h>
#include <uuid/uuid.h>

#define REASON_MAX 200

int file_problem(struct file *file, const char *fact, uint64_t first_seq, uint64_t last_seq,
		 uint64_t missing, const char *format, ...)
{
	struct value row[SPOOL_PROBLEM_COLUMNS];
	struct backend *db = file->loader->db;
	char reason[REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	row[SPOOL_PROBLEM_SPOOL_FILE] = value_integer(file->id);
	row[SPOOL_PROBLEM_POSITION] = value_integer((int64_t)file->problem_count++);
	row[SPOOL_PROBLEM_FACT] = value_text(bytes_of(fact));
	row[SPOOL_PROBLEM_FIRST_SEQ] = first_seq ? value_integer((int64_t)first_seq) : value_null();
	row[SPOOL_PROBLEM_LAST_SEQ] = first_seq ? value_integer((int64_t)last_seq) : value_null();
	row[SPOOL_PROBLEM_MISSING] = missing ? value_integer((int64_t)missing) : value_null();
	row[SPOOL_PROBLEM_REASON] = value_text(bytes_of(reason));
	return db->ops->insert(db, &mapping_spool_problem, INSERT_KEEP, row, NULL, NULL);
}

struct kind_count *file_kind(struct file *file, const char *name)
{
	struct kind_count *kind;

	for (size_t i = 0; i < file->kind_count; i++)
		if (!strcmp(file->kinds[i].name, name))
			return &file->kinds[i];
	if (file->kind_count == FILE_KINDS_MAX || strlen(name) >= FILE_KIND_SIZE)
		return NULL;
	kind = &file->kinds[file->kind_count++];
	*kind = (struct kind_count){};
	strcpy(kind->name, name);
	return kind;
}

static int check_ends(struct file *file)
{
	uint64_t lines = file->trailer_line - 1;
	int r = 0;

	if (!file->has_header)
		r = file_problem(file, "header", 0, 0, 0, "there is no header");
	if (r == 0 && !file->has_trailer)
		return file_problem(file, "trailer", 0, 0, 0,
				    "there is no trailer: the end is missing");
	if (r == 0 && file->trailer_line != file->line)
		r = file_problem(file, "trailer", 0, 0, 0, "%llu lines stand behind the trailer",
				 (unsigned long long)(file->line - file->trailer_line));
	if (r == 0 && lines != file->stated_lines)
		r = file_problem(file, "lines", 0, 0,
				 file->stated_lines > lines ? file->stated_lines - lines : 0,
				 "the trailer counts %llu lines, %llu are there",
				 (unsigned long long)file->stated_lines, (unsigned long long)lines);
	return r;
}

static int check_counts(struct file *file)
{
	for (size_t i = 0; i < file->kind_count; i++) {
		const struct kind_count *kind = &file->kinds[i];
		int r;

		/* Some count header and trailer, some don't. */
		if (!kind->is_stated || kind->stated == kind->found || !strcmp(kind->name, "file"))
			continue;
		r = file_problem(file, "counts", 0, 0,
				 kind->stated > kind->found ? kind->stated - kind->found : 0,
				 "the trailer counts %llu of %s, %llu could be read",
				 (unsigned long long)kind->stated, kind->name,
				 (unsigned long long)kind->found);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_sequence(struct file *file)
{
	struct gaps *gaps = &file->gaps;

	if (!file->has_gaps)
		return 0;
	if (file->has_trailer)
		gaps_end(gaps, file->last_seq);
	for (size_t i = 0; i < gaps->count; i++) {
		uint64_t first = gaps->ranges[i].first, last = gaps->ranges[i].last;
		int r = file_problem(file, "seq", first, last, last - first + 1,
				     "records %llu to %llu are missing", (unsigned long long)first,
				     (unsigned long long)last);

		if (r < 0)
			return r;
	}
	if (gaps->unplaced) {
		int r = file_problem(file, "seq", 0, 0, gaps->unplaced,
				     "%llu more records are missing in too many places",
				     (unsigned long long)gaps->unplaced);

		if (r < 0)
			return r;
	}
	if (gaps->duplicates)
		return file_problem(file, "seq", 0, 0, 0, "%llu sequence numbers came twice",
				    (unsigned long long)gaps->duplicates);
	return 0;
}

static int put_counts(struct file *file)
{
	struct value row[SPOOL_COUNT_COLUMNS];
	struct backend *db = file->loader->db;

	for (size_t i = 0; i < file->kind_count; i++) {
		const struct kind_count *kind = &file->kinds[i];
		int r;

		row[SPOOL_COUNT_SPOOL_FILE] = value_integer(file->id);
		row[SPOOL_COUNT_KIND] = value_text(bytes_of("lines"));
		row[SPOOL_COUNT_NAME] = value_text(bytes_of(kind->name));
		row[SPOOL_COUNT_STATED] =
			kind->is_stated ? value_integer((int64_t)kind->stated) : value_null();
		row[SPOOL_COUNT_FOUND] = value_integer((int64_t)kind->found);
		r = db->ops->insert(db, &mapping_spool_count, INSERT_KEEP, row, NULL, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Host, boot and instance, found or made. Null where nothing tells them. */
static int put_who(struct file *file, struct value *row)
{
	struct value host[2] = {value_text(bytes_of(file->who.host)),
				value_text(bytes_of(file->cluster))};
	struct value boot[2], instance[3] = {}; /* each as many as the table has columns */
	uint8_t hex[8];
	uuid_t boot_id;
	int64_t id;
	int r;

	if (!*file->who.host && spool_name_parse(file->name, &file->who) < 0)
		return 0;
	host[0] = value_text(bytes_of(file->who.host));
	r = loader_entity(file->loader, mapping_tables[TABLE_HOST], host, &id);
	if (r < 0)
		return r;
	row[SPOOL_FILE_HOST] = value_integer(id);
	uuid_parse(file->who.boot_id, boot_id);
	boot[0] = value_bytes(boot_id, sizeof(boot_id));
	boot[1] = value_integer(id);
	r = loader_entity(file->loader, mapping_tables[TABLE_BOOT], boot, &id);
	if (r < 0)
		return r;
	row[SPOOL_FILE_BOOT] = value_integer(id);
	(void)text_from_hex(file->who.instance, hex, sizeof(hex));
	instance[0] = value_bytes(hex, sizeof(hex));
	instance[1] = value_integer(id);
	r = loader_entity(file->loader, mapping_tables[TABLE_INSTANCE], instance, &id);
	if (r < 0)
		return r;
	row[SPOOL_FILE_INSTANCE] = value_integer(id);
	row[SPOOL_FILE_NUMBER] = value_integer((int64_t)file->who.number);
	return 0;
}

static struct value number_or_null(uint64_t number)
{
	return number ? value_integer((int64_t)number) : value_null();
}

static uint64_t records_found(const struct file *file)
{
	uint64_t records = 0;

	for (size_t i = 0; i < file->kind_count; i++)
		if (mapping_shape_of(file->kinds[i].name) < SHAPE_COUNT)
			records += file->kinds[i].found;
	return records;
}

static int update_mark(struct file *file, uint64_t bytes, bool is_covered)
{
	struct backend *db = file->loader->db;
	struct value row[SPOOL_FILE_COLUMNS] = {};
	struct timespec now;
	int r = put_who(file, row);

	if (r < 0)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	if (file->has_gaps) {
		row[SPOOL_FILE_FIRST_SEQ] = value_integer((int64_t)file->gaps.first);
		row[SPOOL_FILE_LAST_SEQ] = value_integer((int64_t)file->gaps.next - 1);
	}
	if (*file->previous)
		row[SPOOL_FILE_PREVIOUS] = value_text(bytes_of(file->previous));
	if (*file->version)
		row[SPOOL_FILE_VERSION] = value_text(bytes_of(file->version));
	row[SPOOL_FILE_OPENED] = number_or_null(file->opened_us);
	row[SPOOL_FILE_CLOSED] = number_or_null(file->closed_us);
	if (file->has_trailer)
		row[SPOOL_FILE_MENDED] = value_integer(file->is_mended);
	row[SPOOL_FILE_WHOLE] = value_integer(!file->problem_count && !file->totals->quarantined);
	row[SPOOL_FILE_COVERED] = value_integer(is_covered);
	row[SPOOL_FILE_LINES] = value_integer((int64_t)file->line);
	row[SPOOL_FILE_RECORDS] = value_integer((int64_t)records_found(file));
	row[SPOOL_FILE_QUARANTINED] = value_integer((int64_t)file->totals->quarantined);
	row[SPOOL_FILE_BYTES] = value_integer((int64_t)bytes);
	row[SPOOL_FILE_LOADED] = value_integer((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	return db->ops->update(db, &mapping_spool_file, file->id, SPOOL_FILE_HOST,
			       SPOOL_FILE_COLUMNS - SPOOL_FILE_HOST, &row[SPOOL_FILE_HOST]);
}

int file_conclude(struct file *file, uint64_t bytes, bool *ret_is_covered)
{
	bool is_covered = file->has_trailer && !file->unkept;
	int r = check_ends(file);

	if (r == 0)
		r = check_counts(file);
	if (r == 0)
		r = check_sequence(file);
	if (r == 0)
		r = put_counts(file);
	if (r == 0)
		r = update_mark(file, bytes, is_covered);
	if (r < 0)
		return r;
	if (file->has_gaps)
		file->totals->missing += gaps_missing(&file->gaps);
	if (file->problem_count || file->totals->quarantined)
		file->totals->not_whole++;
	*ret_is_covered = is_covered;
	return 0;
}
