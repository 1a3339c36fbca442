// SPDX-License-Identifier: BSD-2-Clause
/* Writing one spool file after the other. */
#include "daemon/spool.h"
#include "common/fs.h"
#include "common/id.h"
#include "common/record.h"
#include "common/version.h"
#include "daemon/spool_finish.h"
#include "daemon/spool_folder.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <sys/stat.h>

#define KINDS_MAX 16

struct spool {
	const struct config *config;
	const struct node *node;
	const struct losses *losses;
	struct losses losses_at_open;
	int folder_fd;
	/* the open file */
	int fd;
	uint64_t opened_boot_ns, first_seq, lines, bytes;
	struct {
		char name[16];
		uint64_t count;
	} kinds[KINDS_MAX];
	void *sets; /* tsearch of hashes */
	/* lines that wait */
	char *buffer;
	size_t buffered, buffer_size;
	uint64_t added; /* to it, ever */
	uint64_t number, next_seq;
	struct spool_status status;
};

static int text_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

int spool_new(const struct config *config, const struct node *node, const struct losses *losses,
	      struct spool **ret)
{
	struct spool *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->config = config;
	s->node = node;
	s->losses = losses;
	s->fd = s->folder_fd = -1;
	s->next_seq = 1;
	r = fs_mkdir_all(config->spool, geteuid() ? 0700 : 0750);
	if (!r)
		r = spool_folder_open(config->spool, &s->folder_fd);
	if (r) {
		spool_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void sets_forget(struct spool *s)
{
	tdestroy(s->sets, free);
	s->sets = NULL;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	sets_forget(s);
	cleanup_close(&s->fd);
	cleanup_close(&s->folder_fd);
	free(s->buffer);
	free(s);
}

static int buffer_append(struct spool *s, const char *line, size_t len)
{
	if (s->buffered + len > s->buffer_size) {
		size_t size = MAX(2 * s->buffer_size, s->buffered + len + 65536);
		char *bigger = realloc(s->buffer, size);

		if (!bigger)
			return -ENOMEM;
		s->buffer = bigger;
		s->buffer_size = size;
	}
	memcpy(s->buffer + s->buffered, line, len);
	s->buffered += len;
	s->added += len;
	return 0;
}

/* A line of its kind. */
static int buffer_add(struct spool *s, const char *kind, const char *line, size_t len)
{
	int r = buffer_append(s, line, len);
	size_t i;

	if (r)
		return r;
	s->lines++;
	for (i = 0; i < KINDS_MAX && *s->kinds[i].name && strcmp(s->kinds[i].name, kind); i++)
		;
	if (i < KINDS_MAX) {
		snprintf(s->kinds[i].name, sizeof(s->kinds[i].name), "%s", kind);
		s->kinds[i].count++;
	}
	return 0;
}

/* What header and trailer share. */
static cJSON *file_record(const struct spool *s, const char *part)
{
	cJSON *file = cJSON_CreateObject();

	if (!file)
		return NULL;
	cJSON_AddStringToObject(file, "schema", RECORD_SCHEMA("file"));
	cJSON_AddStringToObject(file, "part", part);
	cJSON_AddStringToObject(file, "host", s->node->host);
	cJSON_AddStringToObject(file, "cluster", s->node->cluster);
	cJSON_AddStringToObject(file, "boot_id", s->node->boot_id);
	cJSON_AddStringToObject(file, "instance", s->node->instance);
	record_add_u64(file, "number", s->number);
	record_add_u64(file, "first_seq", s->first_seq);
	return file;
}

static int header_add(struct spool *s)
{
	_cleanup_json_ cJSON *header = file_record(s, "header");
	_cleanup_free_ char *line = NULL;
	char previous[256];
	size_t len;

	if (!header)
		return -ENOMEM;
	/* asked now, not at the start: a file that was left behind may have been mended since */
	if (!spool_previous_load(s->config->state, previous, sizeof(previous)))
		cJSON_AddStringToObject(header, "previous", previous);
	else
		record_add_null(header, "previous");
	cJSON_AddStringToObject(header, "version", RUNMARK_VERSION);
	record_add_time(header, "opened", node_unix_ns());
	line = record_print(header, &len);
	return line ? buffer_add(s, "file", line, len) : -ENOMEM;
}

int spool_follow(struct spool *s)
{
	_cleanup_close_ int folder = -1;
	char tmp[300];
	int changed, file, r;

	snprintf(tmp, sizeof(tmp), ".%s.tmp", s->status.open);
	changed = spool_folder_changed(s->config->spool, s->folder_fd, s->fd, tmp, &folder);
	if (changed <= 0)
		return changed;
	if (s->fd >= 0) {
		if ((r = spool_folder_copy(s->fd, s->bytes, folder, tmp, &file)))
			return r;
		if (changed == SPOOL_FOLDER_OTHER)
			unlinkat(s->folder_fd, tmp, 0);
		close(s->fd);
		s->fd = file;
	}
	/* the number stays: another thread's table has it too */
	return dup3(folder, s->folder_fd, O_CLOEXEC) < 0 ? -errno : 0;
}

/* Opens a file when the first line comes. */
static int file_begin(struct spool *s)
{
	char path[300];
	int r;

	if (*s->status.open)
		return 0;
	r = spool_follow(s);
	if (r)
		return r;
	s->number++;
	snprintf(s->status.open, sizeof(s->status.open), "%.120s.%s.%s.%06llu.jsonl", s->node->host,
		 s->node->boot_id, s->node->instance, (unsigned long long)s->number);
	snprintf(path, sizeof(path), ".%s.tmp", s->status.open);
	s->fd = openat(s->folder_fd, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		       0640);
	if (s->fd < 0) {
		r = -errno;
		s->number--;
		s->status.open[0] = '\0';
		return r;
	}
	s->opened_boot_ns = node_boot_ns();
	s->first_seq = s->next_seq;
	s->lines = s->bytes = 0;
	memset(s->kinds, 0, sizeof(s->kinds));
	s->losses_at_open = *s->losses;
	return header_add(s);
}

int spool_add_record(struct spool *s, const char *kind, cJSON *record, char **ret_line)
{
	_cleanup_free_ char *line = NULL;
	size_t len;
	int r = file_begin(s);

	if (r)
		return r;
	if (!record_add_u64(record, "seq", s->next_seq))
		return -ENOMEM;
	line = record_print(record, &len);
	if (!line)
		return -ENOMEM;
	if (len > RECORD_LINE_MAX)
		return -EMSGSIZE;
	r = buffer_add(s, kind, line, len);
	if (r)
		return r;
	s->status.last_seq = s->next_seq++;
	if (ret_line)
		*ret_line = TAKE_PTR(line);
	return 0;
}

void spool_skip_record(struct spool *s)
{
	s->status.last_seq = s->next_seq++;
}

int spool_add_set(struct spool *s, const char *hash,
		  cJSON *(*make)(const struct image *, const char *), const struct image *image)
{
	_cleanup_json_ cJSON *set = NULL;
	_cleanup_free_ char *line = NULL, *key = NULL;
	size_t len;
	int r = file_begin(s);

	if (r || !*hash || tfind(hash, &s->sets, text_compare))
		return r;
	key = strdup(hash);
	set = make(image, hash);
	line = set ? record_print(set, &len) : NULL;
	if (!line || !key)
		return -ENOMEM;
	if (len > RECORD_LINE_MAX)
		return -EMSGSIZE;
	if (!tsearch(key, &s->sets, text_compare))
		return -ENOMEM;
	TAKE_PTR(key);
	return buffer_add(s, "set", line, len);
}

int spool_write(struct spool *s)
{
	int r;

	if (!s->buffered)
		return 0;
	r = fs_write_all(s->fd, s->buffer, s->buffered);
	if (r) {
		/* back to the last whole line: the buffer is written again later */
		if (ftruncate(s->fd, s->bytes) || lseek(s->fd, s->bytes, SEEK_SET) < 0)
			return -errno;
		return r;
	}
	s->bytes += s->buffered;
	s->buffered = 0;
	if (s->buffer_size > 1 << 20) {
		free(s->buffer);
		s->buffer = NULL;
		s->buffer_size = 0;
	}
	return 0;
}

bool spool_is_due(const struct spool *s)
{
	return *s->status.open &&
	       (s->bytes >= (uint64_t)s->config->rotate_mib << 20 ||
		node_boot_ns() - s->opened_boot_ns >= s->config->rotate_seconds * NS_PER_S);
}

static int trailer_add(struct spool *s)
{
	_cleanup_json_ cJSON *trailer = file_record(s, "trailer");
	_cleanup_free_ char *line = NULL;
	cJSON *counts;
	size_t len;

	if (!trailer)
		return -ENOMEM;
	record_add_u64(trailer, "last_seq", s->next_seq - 1);
	record_add_number(trailer, "lines", s->lines); /* itself not counted, here nor by kind */
	counts = cJSON_AddObjectToObject(trailer, "counts");
	for (size_t i = 0; i < KINDS_MAX && *s->kinds[i].name; i++)
		record_add_number(counts, s->kinds[i].name, s->kinds[i].count);
	cJSON_AddItemToObject(trailer, "lost", losses_json(s->losses, &s->losses_at_open, true));
	record_add_time(trailer, "closed", node_unix_ns());
	cJSON_AddBoolToObject(trailer, "mended", false);
	line = record_print(trailer, &len);
	return line ? buffer_append(s, line, len) : -ENOMEM;
}

int spool_close(struct spool *s)
{
	size_t kept = s->buffered;
	char tmp[300];
	int r;

	if (!*s->status.open)
		return 0;
	if ((r = spool_follow(s)) || (r = trailer_add(s)))
		return r;
	r = spool_write(s);
	if (r) { /* the trailer is made anew at the next try */
		s->buffered = kept;
		return r;
	}
	snprintf(tmp, sizeof(tmp), ".%s.tmp", s->status.open);
	r = spool_finish(s->folder_fd, s->fd, tmp, s->status.open, s->config->compress);
	close(TAKE_FD(s->fd));
	if (!r)
		s->status.files_closed++;
	snprintf(s->status.last, sizeof(s->status.last), "%s", s->status.open);
	spool_previous_store(s->config->state, s->status.last);
	s->status.open[0] = '\0';
	sets_forget(s);
	return r;
}

int spool_sweep(struct spool *s, uint64_t *ret_bytes, uint64_t *ret_files, uint64_t *ret_expired)
{
	uint64_t bytes = 0, files = 0, expired = 0;
	uint64_t now = node_unix_ns() / NS_PER_S, keep = s->config->keep_days * 86400ULL;
	_cleanup_close_ int fd = dup(s->folder_fd);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return -errno;
	TAKE_FD(fd);
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		struct stat st;

		if (!strstr(entry->d_name, ".jsonl") ||
		    fstatat(s->folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		if (s->config->keep_days && entry->d_name[0] != '.' && st.st_mtime >= 0 &&
		    (uint64_t)st.st_mtime + keep < now &&
		    !unlinkat(s->folder_fd, entry->d_name, 0)) {
			expired++;
			continue;
		}
		bytes += st.st_blocks * 512ULL;
		files += entry->d_name[0] != '.';
	}
	closedir(dir);
	*ret_bytes = bytes;
	*ret_files = files;
	*ret_expired = expired;
	return 0;
}

void spool_status(const struct spool *s, struct spool_status *ret)
{
	*ret = s->status;
}

uint64_t spool_added(const struct spool *s)
{
	return s->added;
}

uint64_t spool_written(const struct spool *s)
{
	return s->added - s->buffered;
}

int spool_folder_fd(const struct spool *s)
{
	return s->folder_fd;
}

void spool_let_go(struct spool *s)
{
	close(TAKE_FD(s->fd));
}
