// SPDX-License-Identifier: BSD-2-Clause
/*
 * The folder is one user's, but what is in it may still be anything: a link, a FIFO, a file that
 * grows, another's file. A process is known by its boot, its start and its number, which in a
 * container is not the one that we see: so all numbers of whoever started then are asked.
 */
#include "daemon/collect_files.h"
#include "common/array.h"
#include "common/fs.h"
#include "common/proc_stat.h"
#include "common/run_read.h"
#include "daemon/collect.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <uuid/uuid.h>

struct live_start {
	uint64_t ticks;
	uint32_t pid;
};

struct live_starts {
	struct live_start *items;
	size_t count, size;
};

void collect_files_done(struct collect_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].host);
	free(files->items);
	*files = (struct collect_files){};
}

static bool is_name(const char *name)
{
	return strlen(name) == COLLECT_NAME_LEN && strspn(name, "0123456789abcdef") == 16 &&
	       !strcmp(name + 16, ".run");
}

int collect_file_read(int folder, const char *name, char **ret, size_t *ret_len,
		      struct stat *ret_st, const char **ret_why)
{
	_cleanup_close_ int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	struct stat own;
	ssize_t len;

	*ret_why = NULL;
	if (fd < 0 && errno == ELOOP)
		*ret_why = "it is a link";
	else if (fd < 0 || fstat(fd, ret_st) || fstat(folder, &own))
		return -errno;
	else if (!S_ISREG(ret_st->st_mode) || ret_st->st_nlink != 1)
		*ret_why = "it is no regular file with one name";
	else if (ret_st->st_uid != own.st_uid)
		*ret_why = "it is not of the folder's owner";
	else if (ret_st->st_size > COLLECT_FILE_SIZE)
		*ret_why = "it is longer than the module writes";
	if (*ret_why)
		return -EINVAL;
	data = malloc((size_t)ret_st->st_size + 1);
	if (!data)
		return -ENOMEM;
	len = fs_read_all(fd, data, (size_t)ret_st->st_size);
	if (len < 0)
		return (int)len;
	*ret = TAKE_PTR(data);
	*ret_len = (size_t)len;
	return 0;
}

/* Its first part, as nodes are called in records; it becomes part of a file's name. */
static char *take_host(struct bytes text)
{
	size_t len = 0;

	while (len < text.len &&
	       (isalnum((unsigned char)text.data[len]) || strchr("-_", text.data[len]) != NULL) &&
	       text.data[len])
		len++;
	if (!len || len > COLLECT_HOST_MAX || (len < text.len && text.data[len] != '.'))
		return NULL;
	return strndup(text.data, len);
}

/* What of a message says which process it is of. NULL, or why that can't be. */
static const char *take_key(const struct run_read *read, struct collect_file *ret)
{
	uuid_t boot;

	if (!read->boot.is_there || read->boot.text.len != sizeof(ret->boot_id) - 1)
		return "it does not tell its boot";
	memcpy(ret->boot_id, read->boot.text.data, sizeof(ret->boot_id) - 1);
	if (uuid_parse(ret->boot_id, boot))
		return "its boot is no boot id";
	uuid_unparse_lower(boot, ret->boot_id);
	if (!read->pid || !read->has_process || !read->process.boot_ns || !read->start_ticks)
		return "it does not tell its process";
	ret->pid = read->pid;
	ret->start_ticks = read->start_ticks;
	ret->boot_ns = read->process.boot_ns;
	ret->unix_ns = read->process.unix_ns;
	ret->host = take_host(read->host.text);
	return ret->host ? NULL : "it does not tell its host";
}

/* --- who lives */

static int starts_add(struct live_starts *starts, const struct live_start *start)
{
	struct live_start *items =
		array_grow(starts->items, starts->count, &starts->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	starts->items = items;
	items[starts->count++] = *start;
	return 0;
}

static int starts_compare(const void *a, const void *b)
{
	const struct live_start *x = a, *y = b;

	return x->ticks < y->ticks ? -1 : x->ticks > y->ticks;
}

/* A zombie has ended. */
static bool start_read(int proc, const char *pid, struct live_start *ret)
{
	struct proc_stat stat;
	char path[32];

	snprintf(path, sizeof(path), "%.10s/stat", pid);
	if (proc_stat_read(proc, path, &stat) || stat.is_zombie)
		return false;
	*ret = (struct live_start){.ticks = stat.start_ticks, .pid = stat.pid};
	return true;
}

static int starts_list(struct live_starts *ret)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct live_start start;
	int r = 0;

	if (!proc)
		return -errno;
	while (!r && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    start_read(dirfd(proc), entry->d_name, &start))
			r = starts_add(ret, &start);
	closedir(proc);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), starts_compare);
	return r;
}

/* Whether that process is called so in any of the namespaces that it is in. */
static bool has_number(uint32_t pid, uint32_t number)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *at;
	size_t len;

	if (pid == number)
		return true;
	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if (fs_read_file(AT_FDCWD, path, 65536, &text, &len))
		return false;
	at = strstr(text, "\nNSpid:");
	if (!at)
		return false;
	at += strlen("\nNSpid:");
	while (*at && *at != '\n') {
		char *end;

		if (strtoul(at, &end, 10) == number)
			return true;
		if (end == at)
			return false;
		at = end;
	}
	return false;
}

static bool is_alive(const struct live_starts *starts, const struct collect_file *file)
{
	size_t low = 0, high = starts->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (starts->items[middle].ticks < file->start_ticks)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < starts->count && starts->items[low].ticks == file->start_ticks; low++)
		if (has_number(starts->items[low].pid, file->pid))
			return true;
	return false;
}

static bool is_old(const struct stat *st)
{
	return time(NULL) - st->st_mtime > COLLECT_AGE_S;
}

/* --- the list */

static int compare(const void *a, const void *b)
{
	const struct collect_file *x = a, *y = b;
	int order = strcmp(x->boot_id, y->boot_id);

	if (!order)
		order = strcmp(x->host, y->host);
	if (!order)
		order = x->pid < y->pid ? -1 : x->pid > y->pid;
	if (!order)
		order = x->start_ticks < y->start_ticks ? -1 : x->start_ticks > y->start_ticks;
	if (!order)
		order = x->boot_ns < y->boot_ns ? -1 : x->boot_ns > y->boot_ns;
	return order ? order : strcmp(x->name, y->name);
}

/* Takes file's host over. */
static int files_add(struct collect_files *files, struct collect_file *file)
{
	struct collect_file *items =
		array_grow(files->items, files->count, &files->size, sizeof(*items));

	if (!items) {
		free(file->host);
		return -ENOMEM;
	}
	files->items = items;
	items[files->count++] = *file;
	return 0;
}

static int look_at(int folder, const char *name, const char *boot_id, struct collect_files *files,
		   const char **ret_why)
{
	struct collect_file file = {};
	_cleanup_free_ char *data = NULL;
	struct run_read read;
	struct run_end end;
	struct bytes area;
	struct stat st;
	size_t len;
	int r = collect_file_read(folder, name, &data, &len, &st, ret_why);

	if (r < 0)
		return r;
	if (run_read_file((struct bytes){data, len}, &read, &area) < 0)
		*ret_why = "it is no message of the preload module";
	else
		*ret_why = take_key(&read, &file);
	if (*ret_why)
		return -EINVAL;
	memcpy(file.name, name, sizeof(file.name));
	file.is_here = !strcmp(file.boot_id, boot_id);
	if (file.is_here || !run_read_end(area, read.random[0], &end) || is_old(&st))
		return files_add(files, &file);
	files->running++;
	free(file.host);
	return 0;
}

/* Who lives is asked when all files are known: whoever lives then has lived before. */
static int drop_living(struct collect_files *files)
{
	struct live_starts starts = {};
	int r = starts_list(&starts);
	size_t kept = 0;

	for (size_t i = 0; i < files->count; i++) {
		struct collect_file *file = &files->items[i];

		if (r < 0 || (file->is_here && is_alive(&starts, file))) {
			files->running++;
			free(file->host);
		} else {
			files->items[kept++] = *file;
		}
	}
	files->count = kept;
	free(starts.items);
	return r;
}

int collect_files_list(int folder, const char *boot_id, struct collect_files *ret,
		       void (*refuse)(const char *name, const char *why))
{
	_cleanup_close_ int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	TAKE_FD(fd);
	while (r >= 0 && (entry = readdir(dir))) {
		const char *why;

		if (!is_name(entry->d_name))
			continue;
		if (ret->count == COLLECT_FILES_MAX) {
			ret->has_more = true;
			break;
		}
		r = look_at(folder, entry->d_name, boot_id, ret, &why);
		if (r < 0 && r != -ENOMEM) {
			ret->refused += r != -ENOENT;
			if (r != -ENOENT)
				refuse(entry->d_name, why ?: strerror(-r));
			r = 0;
		}
	}
	closedir(dir);
	if (r >= 0)
		r = drop_living(ret);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return r < 0 ? r : 0;
}
