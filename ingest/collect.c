/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/collect.h"
#include "common/beside.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ENDING	   ".run"
#define NAME_LEN   (16 + 4) /* 16 hex digits, ENDING */
#define REFUSED	   "refused "
#define LINE_BYTES 512

static bool is_name(const char *name)
{
	return strlen(name) == NAME_LEN && strspn(name, "0123456789abcdef") == 16 &&
	       !strcmp(name + 16, ENDING);
}

static bool has_files(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = is_name(entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int insert(struct work *work, const char *path, const char *reason, off_t size)
{
	struct backend *db = work->loader.db;
	struct value row[QUARANTINE_COLUMNS] = {};
	int r = loader_begin(&work->loader);

	if (r < 0)
		return r;
	row[QUARANTINE_SPOOL_FILE] = row[QUARANTINE_FIELD] = row[QUARANTINE_TEXT] = value_null();
	row[QUARANTINE_FILE] = value_text(bytes_of(path));
	row[QUARANTINE_LINE] = value_integer(1);
	row[QUARANTINE_REASON] = value_text(bytes_of(reason));
	row[QUARANTINE_SIZE] = value_integer(size);
	row[QUARANTINE_TIME] = value_integer(now_us());
	r = db->ops->insert(db, &mapping_quarantine, INSERT_KEEP, row, NULL, NULL);
	return loader_end(&work->loader, r);
}

/* The file stays, under another name: it is on record once. */
static int quarantine(struct work *work, const char *directory, const char *name,
		      const char *reason)
{
	_cleanup_free_ char *path = NULL, *bad = NULL;
	struct stat st = {};
	int r;

	if (asprintf(&path, "%s/%s.bad", directory, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	bad = strndup(path, strlen(path) - strlen(".bad"));
	if (!bad)
		return -ENOMEM;
	if (lstat(bad, &st) || rename(bad, path))
		return 0;
	r = insert(work, path, reason, st.st_size);
	if (r < 0) {
		(void)rename(path, bad);
		return r;
	}
	work->loader.totals.quarantined++;
	log_warn(0, "%s cannot be read: %s; --quarantine lists it", path, reason);
	return 0;
}

/* "refused NAME: why"; the last line says how many there were. */
static int take_line(struct work *work, const char *directory, char *line)
{
	char *name = line + strlen(REFUSED), *colon;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, REFUSED, strlen(REFUSED)) != 0) {
		printf("%s: %s\n", directory, line);
		return 0;
	}
	colon = strchr(name, ':');
	if (!colon || strlen(colon) < 3)
		return 0;
	*colon = '\0';
	return is_name(name) ? quarantine(work, directory, name, colon + 2) : 0;
}

__attribute__((noreturn)) static void become(const char *program, const char *directory, int out)
{
	const char *argv[] = {"runmark-ingest", "--collect", directory, NULL};

	dup2(out, STDOUT_FILENO);
	execv(program, (char *const *)argv);
	_exit(127);
}

/* runmarkd, with what it prints; its pid, or negative errno. */
static pid_t start(const char *directory, FILE **ret_out)
{
	_cleanup_free_ char *program = NULL;
	int ends[2], r = beside_find(BESIDE_DAEMON, &program);
	pid_t pid;

	if (r < 0)
		return r;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become(program, directory, ends[1]);
	r = -errno;
	close(ends[1]);
	*ret_out = pid < 0 ? NULL : fdopen(ends[0], "r");
	if (!*ret_out)
		close(ends[0]);
	return pid < 0 ? r : pid;
}

int collect_directory(struct work *work, const char *path)
{
	_cleanup_fclose_ FILE *out = NULL;
	char line[LINE_BYTES];
	int status = 0, r = 0;
	pid_t pid;

	if (!has_files(path))
		return 0;
	pid = start(path, &out);
	if (pid < 0) {
		work->failures++;
		log_err(pid, "%s has files of programs, and runmarkd cannot collect them", path);
		return 0;
	}
	while (r >= 0 && out && fgets(line, sizeof(line), out))
		r = take_line(work, path, line);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		work->failures++;
	if (r < 0 && r != -ENOMEM && !work->is_database_broken) {
		log_err(0, "%s", work->loader.db->message);
		work->is_database_broken = true;
	}
	return r < 0 ? r : 0;
}
