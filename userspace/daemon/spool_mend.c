// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mending: a file that a killed daemon left open has whole lines and perhaps a piece of one. It is
 * cut at the last newline, gets a trailer that says so ("mended": true) and its final name.
 */
#include "common/fs.h"
#include "common/id.h"
#include "common/record.h"
#include "daemon/spool.h"
#include "daemon/spool_finish.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

struct leftover {
	cJSON *header;
	cJSON *counts;
	uint64_t last_seq, lines; /* those that are no records too */
	off_t whole;		  /* bytes up to the last newline */
	bool has_trailer;
};

static void leftover_line(struct leftover *l, struct bytes line,
			  void (*seen)(void *arg, const uuid_t id), void *arg)
{
	_cleanup_json_ cJSON *record = NULL;
	const cJSON *count;
	char kind[16];
	uuid_t run, id;

	l->lines++;
	if (record_parse(line, &record) || !record_kind(record, kind, sizeof(kind)))
		return;
	count = cJSON_GetObjectItemCaseSensitive(l->counts, kind);
	if (count)
		cJSON_SetNumberValue((cJSON *)count, count->valuedouble + 1);
	else
		cJSON_AddNumberToObject(l->counts, kind, 1);
	record_get_u64(record, "seq", &l->last_seq);
	if (!strcmp(kind, "start") && !record_get_uuid(record, "run_id", run)) {
		id_derived(run, SPOOL_START_ID, id);
		seen(arg, id);
	}
	if ((!strcmp(kind, "run") && !record_get_uuid(record, "run_id", id)) ||
	    (!strcmp(kind, "group") && !record_get_uuid(record, "group_id", id)) ||
	    (!strcmp(kind, "link") && !record_get_uuid(record, "link_id", id)))
		seen(arg, id);
	if (!strcmp(kind, "file") && !l->header)
		l->header = TAKE_PTR(record);
	else if (!strcmp(kind, "file"))
		l->has_trailer = true;
}

static int leftover_read(struct leftover *l, int fd, void (*seen)(void *arg, const uuid_t id),
			 void *arg)
{
	_cleanup_close_ int own = dup(fd);
	_cleanup_fclose_ FILE *file = own < 0 ? NULL : fdopen(own, "r");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		return -errno;
	TAKE_FD(own);
	while ((len = getline(&line, &size, file)) > 0 && line[len - 1] == '\n') {
		leftover_line(l, (struct bytes){line, len - 1}, seen, arg);
		l->whole += len;
	}
	return 0;
}

static int leftover_trailer(struct leftover *l, int fd)
{
	static const char *const same[] = {"host",     "cluster", "boot_id",
					   "instance", "number",  "first_seq"};
	_cleanup_json_ cJSON *trailer = cJSON_CreateObject();
	_cleanup_free_ char *line = NULL;
	uint64_t first = 1;
	size_t len;

	if (!trailer)
		return -ENOMEM;
	record_get_u64(l->header, "first_seq", &first);
	cJSON_AddStringToObject(trailer, "schema", RECORD_SCHEMA("file"));
	cJSON_AddStringToObject(trailer, "part", "trailer");
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		cJSON_AddItemToObject(trailer, same[i],
				      cJSON_Duplicate(record_get(l->header, same[i]), true));
	record_add_u64(trailer, "last_seq", l->last_seq ? l->last_seq : first - 1);
	record_add_number(trailer, "lines", l->lines);
	cJSON_AddItemToObject(trailer, "counts", TAKE_PTR(l->counts));
	cJSON_AddObjectToObject(trailer, "lost");
	record_add_time(trailer, "closed", node_unix_ns());
	cJSON_AddBoolToObject(trailer, "mended", true);
	line = record_print(trailer, &len);
	return line ? fs_write_all(fd, line, len) : -ENOMEM;
}

static bool is_finished(int folder_fd, const char *name)
{
	char compressed[300];

	snprintf(compressed, sizeof(compressed), "%s.zst", name);
	return !faccessat(folder_fd, compressed, F_OK, 0);
}

/* tmp is ".NAME.tmp". */
static int file_mend(int folder_fd, const char *tmp, const struct config *config,
		     const struct node *node, const struct spool_mender *mender, void *arg)
{
	_cleanup_close_ int fd = openat(folder_fd, tmp, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct leftover l = {.counts = cJSON_CreateObject()};
	char name[256];
	int r;

	if (fd < 0)
		return -errno;
	r = leftover_read(&l, fd, mender->record_seen, arg);
	if (!r)
		mender->file_read(arg);
	if (!r && !l.lines) /* killed before its first write: nothing was in it */
		r = unlinkat(folder_fd, tmp, 0) ? -errno : 0;
	else if (!r) {
		snprintf(name, sizeof(name), "%.*s", (int)(strlen(tmp) - 5), tmp + 1);
		/* the chain is a boot's: what power loss left belongs to the one before */
		if (!strncmp(name + strlen(node->host) + 1, node->boot_id, strlen(node->boot_id)))
			spool_previous_store(config->state, name);
		if (l.has_trailer && is_finished(folder_fd, name)) /* killed before the removal */
			r = unlinkat(folder_fd, tmp, 0) ? -errno : -EEXIST;
		else if (ftruncate(fd, l.whole) || lseek(fd, l.whole, SEEK_SET) < 0)
			r = -errno;
		if (!r && !l.has_trailer && l.header) /* without, the reader says what is wrong */
			r = leftover_trailer(&l, fd);
		if (!r)
			r = spool_finish(folder_fd, fd, tmp, name, false);
	}
	cJSON_Delete(l.header);
	cJSON_Delete(l.counts);
	return r == -EEXIST ? 0 : r;
}

/* ".HOST.BOOT.INSTANCE.NUMBER.jsonl": a shared folder holds other hosts' open files too, and a
 * host's name may be another's first part. */
static bool is_ours(const char *tmp, const struct node *node, const char *ending)
{
	size_t host_len = strlen(node->host), len = strlen(tmp), ending_len = strlen(ending);
	uuid_t boot;
	char text[37];

	if (len < 1 + host_len + 1 + 36 + 1 + 16 + 1 + ending_len || tmp[0] != '.' ||
	    strncmp(tmp + 1, node->host, host_len) || tmp[1 + host_len] != '.' ||
	    strcmp(tmp + len - ending_len, ending))
		return false;
	snprintf(text, sizeof(text), "%s", tmp + 1 + host_len + 1);
	return !uuid_parse(text, boot) && tmp[1 + host_len + 1 + 36] == '.';
}

int spool_mend(const struct config *config, const struct node *node,
	       const struct spool_mender *mender, void *arg)
{
	const char *folder = config->spool;
	_cleanup_close_ int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return -errno;
	/* One that can't be mended now, on a full disk, stays for the next start; what it holds is
	 * told all the same. */
	while (folder_fd >= 0 && (entry = readdir(dir))) {
		if (is_ours(entry->d_name, node, ".jsonl.zst.part"))
			unlinkat(folder_fd, entry->d_name, 0);
		if (is_ours(entry->d_name, node, ".jsonl.tmp") &&
		    !file_mend(folder_fd, entry->d_name, config, node, mender, arg))
			count++;
	}
	closedir(dir);
	return count;
}
