/* SPDX-License-Identifier: BSD-2-Clause */
/* What was recorded goes into a database, by runmark-ingest beside us. */
#include "cli/private.h"
#include "common/beside.h"
#include "common/database_url.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <pwd.h>
#include <sys/wait.h>

#define INGEST_NOTHING 1 /* its exit status where there was nothing to load */
#define LOG_MAX	       65536
#define LOAD_LOG       "log.load"

static const char *home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = home && *home == '/' ? NULL : getpwuid(geteuid());

	return user ? user->pw_dir : home;
}

/* By the XDG base directories: one that doesn't begin with a slash counts as none. */
static int own_url(char **ret)
{
	const char *data = getenv("XDG_DATA_HOME"), *at = home();
	_cleanup_free_ char *folder = NULL;
	int r;

	if (data && *data == '/')
		r = asprintf(&folder, "%s/runmark", data);
	else if (at && *at == '/')
		r = asprintf(&folder, "%s/.local/share/runmark", at);
	else
		return log_err(-ENOENT, "there is no home for a database; use --db");
	if (r < 0) {
		folder = NULL;
		return log_err(-ENOMEM, "cannot load what was recorded");
	}
	r = fs_mkdir_all(folder, 0700);
	if (r < 0)
		return log_err(r, "cannot make %s for a database; use --db", folder);
	return asprintf(ret, "sqlite:%s/runmark.db", folder) < 0 ? -ENOMEM : 0;
}

/* Standard output to nowhere, error to the log. */
__attribute__((noreturn)) static void become(const char *const *argv, int log_fd,
					     const struct private_signals *signals)
{
	private_signals_restore(signals);
	private_child_close(log_fd);
	execv(argv[0], (char *const *)argv);
	_exit(EXIT_TROUBLE);
}

/* Its exit status, or negative errno. */
static int run(const char *const *argv, int log_fd, const struct private_signals *signals)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		become(argv, log_fd, signals);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* What they complained of, line by line. */
static void say(int log_fd)
{
	_cleanup_free_ char *text = calloc(1, LOG_MAX + 1);

	if (text && fs_pread_all(log_fd, text, LOG_MAX, 0) > 0)
		log_warn_lines(text);
}

static int load(const struct private_folder *folder, const char *url,
		const struct private_signals *signals)
{
	_cleanup_free_ char *ingest = NULL, *daemon = NULL;
	_cleanup_free_ char *log = private_folder_at(folder, LOAD_LOG);
	_cleanup_free_ char *config = private_folder_at(folder, PRIVATE_CONFIG);
	_cleanup_free_ char *spool = private_folder_at(folder, PRIVATE_SPOOL);
	_cleanup_free_ char *files = private_folder_at(folder, PRIVATE_FILES);
	_cleanup_close_ int log_fd = -1;
	int r;

	if (!log || !config || !spool || !files)
		return log_err(-ENOMEM, "cannot load what was recorded");
	log_fd = open(log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* what the daemon did not take is in files, and with its configuration has the same ids */
	if (!beside_find(BESIDE_DAEMON, &daemon))
		(void)run(
			(const char *const[]){daemon, "--config", config, "--collect", files, NULL},
			log_fd, signals);
	r = beside_find(BESIDE_INGEST, &ingest);
	if (r < 0)
		return log_err(r, "cannot find runmark-ingest beside this program");
	r = run((const char *const[]){ingest, "--db", url, spool, files, NULL}, log_fd, signals);
	if (log_fd >= 0)
		say(log_fd);
	if (r < 0 || r > INGEST_NOTHING)
		return log_err(0, "not all of what was recorded is in the database") ?: -EIO;
	return 0;
}

int private_url_choose(const struct private_folder *folder, const char *db)
{
	_cleanup_free_ char *url = NULL, *path = private_folder_at(folder, PRIVATE_URL);
	_cleanup_close_ int fd = -1;
	int r;

	if (db)
		url = strdup(db);
	r = db ? 0 : own_url(&url);
	if (r < 0)
		return r;
	if (!url || !path)
		return log_err(-ENOMEM, "cannot load what will be recorded");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd < 0 ? -errno : fs_write_all(fd, url, strlen(url));
	return r < 0 ? log_err(r, "cannot write %s", path) : 0;
}

int private_load(const struct private_folder *folder, const struct private_signals *signals,
		 char **ret_url)
{
	_cleanup_free_ char *url = NULL, *path = private_folder_at(folder, PRIVATE_URL);
	size_t len;
	int r = path ? fs_read_file(AT_FDCWD, path, URL_MAX, &url, &len) : -ENOMEM;

	if (r < 0)
		return log_err(r, "cannot load what was recorded");
	r = load(folder, url, signals);
	*ret_url = TAKE_PTR(url);
	return r;
}
