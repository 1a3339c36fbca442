// SPDX-License-Identifier: BSD-2-Clause
/* /proc/PID, file by file. A process may end or exec meanwhile: what can't be read is left empty,
 * and the events of its end or exec come all the same. */
#include "daemon/scan_read.h"
#include "common/fs.h"
#include "common/proc_stat.h"

#include <errno.h>

static void text_set(struct scan_text *text, char *data, const char *from, size_t max)
{
	size_t len = from ? strlen(from) : 0;

	*text = (struct scan_text){.len = MIN(len, max), .is_cut = len > max};
	if (text->len)
		memcpy(data, from, text->len);
}

/* Uid, Gid, PPid of /proc/PID/status. False if the process is gone. */
static bool read_status(struct scan_read *s, int dir)
{
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t len;

	if (fs_read_file(dir, "status", 65536, &text, &len))
		return false;
	at = strstr(text, "\nUid:");
	if (!at || sscanf(at, "\nUid: %u %u", &s->uid, &s->euid) != 2)
		return false;
	at = strstr(text, "\nGid:");
	if (at)
		(void)sscanf(at, "\nGid: %u", &s->gid);
	at = strstr(text, "\nPPid:");
	if (at)
		(void)sscanf(at, "\nPPid: %u", &s->ppid);
	return true;
}

/* Where arguments and environment should be. */
static void read_places(struct scan_read *s, int dir)
{
	struct proc_stat stat;

	if (proc_stat_read(dir, "stat", &stat))
		return;
	s->argv_start = stat.argv_start;
	s->argv_end = stat.argv_end;
	s->env_start = stat.env_start;
	s->env_end = stat.env_end;
}

static void read_login_uid(struct scan_read *s, int dir)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	s->login_uid = (uint32_t)-1;
	if (!fs_read_file(dir, "loginuid", 32, &text, &len))
		s->login_uid = strtoul(text, NULL, 10);
}

static void read_link(struct scan_read *s, int dir, const char *name, struct scan_text *text,
		      char *data)
{
	static const char deleted[] = " (deleted)";
	size_t tail = sizeof(deleted) - 1;
	ssize_t len = readlinkat(dir, name, data, PATH_MAX_BYTES);

	*text = (struct scan_text){.len = MAX(len, 0), .is_cut = len < 0 && errno == ENAMETOOLONG};
	if (text->len > tail && !memcmp(data + text->len - tail, deleted, tail)) {
		text->len -= tail;
		s->is_deleted = true;
	}
}

/* "0::/path" is v2's; of v1's lines the deepest. */
static void read_cgroup(struct scan_read *s, int dir)
{
	_cleanup_free_ char *text = NULL;
	char *line, *save = NULL, *v1 = NULL, *v2 = NULL;
	unsigned int deepest = 0;
	size_t len;

	if (!fs_read_file(dir, "cgroup", 65536, &text, &len)) {
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			char *controllers = strchr(line, ':');
			char *path = controllers ? strchr(controllers + 1, ':') : NULL;
			unsigned int depth = 0;

			if (!path)
				continue;
			path++;
			if (!strncmp(line, "0::", 3)) {
				v2 = path;
				continue;
			}
			for (const char *c = path; *c; c++)
				depth += *c == '/' && c[1];
			if (depth > deepest && strncmp(controllers, ":name=", 6)) {
				deepest = depth;
				v1 = path;
			}
		}
	}
	text_set(&s->cgroup, s->cgroup_data, v2, CGROUP_MAX_BYTES);
	text_set(&s->cgroup_v1, s->cgroup_v1_data, v1, CGROUP_MAX_BYTES);
}

/* "start-end perms offset major:minor inode   path" */
bool scan_line_parse(const char *line, struct scan_line *ret)
{
	unsigned int major, minor;
	unsigned long long inode;
	char perms[5];
	int at = 0;

	if (sscanf(line, "%*x-%*x %4s %*x %x:%x %llu %n", perms, &major, &minor, &inode, &at) !=
		    4 ||
	    !at || !inode || line[at] != '/')
		return false;
	*ret = (struct scan_line){.inode = inode,
				  .device = major << 20 | minor,
				  .path = {line + at, strcspn(line + at, "\n")},
				  .is_executable = perms[2] == 'x'};
	return true;
}

static void mapping_add(struct scan_read *s, const struct scan_line *line)
{
	uint32_t len = MIN(line->path.len, (size_t)PATH_MAX_BYTES);
	uint32_t bytes = (sizeof(struct scan_mapping) + len + 7) & ~7U;
	struct scan_mapping *m;

	if (!s->maps)
		s->maps = malloc(SCAN_MAPS_BYTES);
	if (!s->maps || s->maps_bytes + bytes > SCAN_MAPS_BYTES || s->maps_count == OBJECTS_MAX) {
		s->has_more_maps = true;
		return;
	}
	m = (void *)(s->maps + s->maps_bytes);
	*m = (struct scan_mapping){line->inode, line->device, len};
	memcpy(m->path, line->path.data, len);
	s->maps_bytes += bytes;
	s->maps_count++;
}

/* Objects; and the program's own file identity, which the first line of its path shows. */
static void read_maps(struct scan_read *s, int dir)
{
	int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char text[PATH_MAX_BYTES + 256];
	struct scan_line line, last = {};

	while (file && fgets(text, sizeof(text), file)) {
		if (!scan_line_parse(text, &line))
			continue;
		if (s->exe.len && !s->program.inode && line.path.len >= s->exe.len &&
		    !memcmp(line.path.data, s->exe_data, s->exe.len)) {
			s->program.inode = line.inode;
			s->program.device = line.device;
		}
		if (!line.is_executable || (line.inode == last.inode && line.device == last.device))
			continue;
		mapping_add(s, &line);
		last = line;
	}
}

/* The kernel stops, without a word, at a page of a file (CVE-2018-1120), or one that nobody gives:
 * what is there is compared with where stat(5) says that it should be. */
static void read_text(int dir, const char *name, struct scan_text *text, char *data, size_t max)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : fs_read_all(fd, data, max + 1);

	*text = (struct scan_text){.len = MIN(MAX(len, 0), (ssize_t)max),
				   .is_cut = len > (ssize_t)max};
}

static void read_env(struct scan_read *s, int dir)
{
	read_text(dir, "environ", &s->env, s->env_data, ENV_MAX_BYTES);
	s->env.is_partial = s->env.len < MIN(s->env_end - s->env_start, (uint64_t)ENV_MAX_BYTES);
}

/* A program that has written its title over its arguments is told up to that title's end, which is
 * anywhere; a page ends where pages do. */
static void read_argv(struct scan_read *s, int dir)
{
	read_text(dir, "cmdline", &s->argv, s->argv_data, ARGV_MAX_BYTES);
	s->argv.is_partial =
		s->argv.len < MIN(s->argv_end - s->argv_start, (uint64_t)ARGV_MAX_BYTES) &&
		(!s->argv.len || (s->argv_start + s->argv.len) % 4096 == 0);
}

static void part_is_done(struct scan_read *s, enum scan_part part)
{
	atomic_fetch_or_explicit(&s->done, part, memory_order_release);
}

void scan_read(struct scan_read *s)
{
	_cleanup_close_ int dir = -1;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", s->pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && read_status(s, dir)) {
		read_login_uid(s, dir);
		read_link(s, dir, "exe", &s->exe, s->exe_data);
		read_link(s, dir, "cwd", &s->cwd, s->cwd_data);
		read_cgroup(s, dir);
		read_places(s, dir);
		/* a kernel thread has none, nor who has ended */
		s->is_program = s->exe.len || s->exe.is_cut;
	}
	part_is_done(s, SCAN_STATUS);
	if (s->is_program && (s->wanted & SCAN_MAPS)) {
		read_maps(s, dir);
		part_is_done(s, SCAN_MAPS);
	}
	if (s->is_program && (s->wanted & SCAN_ENV)) {
		read_env(s, dir);
		part_is_done(s, SCAN_ENV);
	}
	if (s->is_program && (s->wanted & SCAN_ARGV)) {
		read_argv(s, dir);
		part_is_done(s, SCAN_ARGV);
	}
}

void scan_read_done(struct scan_read *s)
{
	free(s->maps);
	s->maps = NULL;
}
