// SPDX-License-Identifier: BSD-2-Clause
/* From files to spool files: see collect.h. */
#include "daemon/collect.h"
#include "common/fs.h"
#include "common/log.h"
#include "daemon/collect_files.h"
#include "daemon/preload.h"
#include "daemon/tracker.h"
#include "daemon/writer.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STATE	      ".runmark"
#define IDLE_MAX_NS   (60 * NS_PER_S) /* for what is looked up, and for the disk */
#define IDLE_PAUSE_US 1000

struct collect {
	const struct config *site; /* the configuration in force */
	struct config config;	   /* the same, with the folder's own places; not freed */
	const char *path;
	int folder, lock;
	char boot_id[37]; /* this machine's */
	size_t taken, refused;
};

/* What one batch goes through. */
struct batch {
	struct node node;
	struct writer *writer;
	struct tracker *tracker;
	struct preload *preload;
};

static void refuse(const char *name, const char *why)
{
	printf("refused %s: %s\n", name, why);
}

/* --- one batch */

/* The clocks of its boot: as they were taken before, or as this machine's own daemon has them, or
 * as the first file tells. */
static int64_t find_epoch(const struct collect *c, const struct collect_file *file)
{
	int64_t epoch;

	if (file->is_here && !node_epoch_read(c->site->state, c->boot_id, &epoch))
		return epoch;
	if (file->is_here || !file->unix_ns)
		return (int64_t)(node_unix_ns() - node_boot_ns());
	return (int64_t)(file->unix_ns - file->boot_ns);
}

/* The files are what is taken again: nothing of an earlier, killed one is needed. */
static int forget_journal(const struct collect *c)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/journal", c->config.state);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static int begin_node(struct collect *c, const struct collect_file *file, struct node *ret)
{
	int64_t epoch = find_epoch(c, file), kept;
	int r = fs_mkdir_all(c->config.state, 0700);

	if (r < 0)
		return r;
	if (node_epoch_read(c->config.state, file->boot_id, &kept)) {
		r = node_epoch_write(c->config.state, file->boot_id, epoch);
		if (r < 0)
			return r;
	}
	return file->is_here ? node_init(ret, &c->config)
			     : node_init_past(ret, &c->config, file->host, file->boot_id, epoch);
}

static int batch_begin(struct collect *c, const struct collect_file *file, struct batch *b)
{
	struct preload_options options = {.node = &b->node, .spool_fd = -1};
	int r = begin_node(c, file, &b->node);

	if (!r)
		r = forget_journal(c);
	if (!r)
		r = writer_new(&c->config, &b->node, &b->writer);
	if (!r)
		r = tracker_new(&c->config, &b->node, b->writer, &b->tracker);
	options.tracker = b->tracker;
	return r ? r : preload_new(&options, &b->preload);
}

static void batch_done(struct batch *b)
{
	preload_free(b->preload);
	if (!writer_is_stuck(b->writer)) /* else its thread may still read what it was given */
		tracker_free(b->tracker);
	writer_free(b->writer);
}

/* Until all that has ended is with the writer and on the disk. */
static int batch_settle(struct batch *b)
{
	uint64_t until = node_boot_ns() + IDLE_MAX_NS;
	struct writer_status status;

	for (;;) {
		char *lines = NULL;

		preload_advance(b->preload, true);
		tracker_advance(b->tracker, &lines);
		free(lines);
		if (tracker_end_groups(b->tracker))
			return 0;
		if (node_boot_ns() > until)
			break;
		usleep(IDLE_PAUSE_US);
	}
	writer_status(b->writer, &status);
	return status.error ?: -ETIMEDOUT;
}

static int take_file(struct collect *c, struct batch *b, const struct collect_file *file)
{
	_cleanup_free_ char *data = NULL;
	const char *why;
	struct stat st;
	size_t len;
	int r = collect_file_read(c->folder, file->name, &data, &len, &st, &why);

	if (!r && !tracker_has_room(b->tracker))
		r = batch_settle(b);
	if (!r)
		r = preload_take_file(b->preload, st.st_uid, st.st_gid, (struct bytes){data, len});
	return r == -EEXIST ? 0 : r;
}

/* Parents come before their children. */
static int compare_begin(const void *a, const void *b)
{
	const struct collect_file *x = a, *y = b;

	if (x->boot_ns != y->boot_ns)
		return x->boot_ns < y->boot_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Takes them, and when their records are on the disk, removes them: what a process ran last first,
 * since an image's id hangs on those before it. */
static int batch_take(struct collect *c, struct collect_file *files, size_t count)
{
	struct batch b = {};
	int r = batch_begin(c, files, &b), finished;

	qsort(files, count, sizeof(*files), compare_begin);
	for (size_t i = 0; !r && i < count; i++) {
		r = take_file(c, &b, &files[i]);
		if (r != -EINVAL && r != -EXDEV && r != -ENOENT)
			continue;
		/* it has changed since it was looked at */
		if (r != -ENOENT)
			refuse(files[i].name, "it is no message of the preload module");
		files[i].name[0] = '\0';
		r = 0;
	}
	if (!r)
		r = batch_settle(&b);
	finished = b.writer ? writer_finish(b.writer) : 0;
	if (!r)
		r = finished;
	for (size_t i = count; !r && i-- > 0;) {
		if (files[i].name[0])
			(void)unlinkat(c->folder, files[i].name, 0);
	}
	batch_done(&b);
	(void)forget_journal(c);
	return r;
}

/* --- all of them */

static bool is_same_boot(const struct collect_file *a, const struct collect_file *b)
{
	return !strcmp(a->boot_id, b->boot_id) && !strcmp(a->host, b->host);
}

static bool is_same_process(const struct collect_file *a, const struct collect_file *b)
{
	return is_same_boot(a, b) && a->pid == b->pid && a->start_ticks == b->start_ticks;
}

static size_t batch_size(const struct collect_file *files, size_t count)
{
	size_t size = 1;

	while (size < count && is_same_boot(&files[0], &files[size]) &&
	       (size < COLLECT_BATCH || is_same_process(&files[size - 1], &files[size])))
		size++;
	return size;
}

/* What is looked up leaves threads behind, and memory: so each batch is a process, which ends with
 * us. */
static int batch_fork(struct collect *c, struct collect_file *files, size_t count)
{
	pid_t parent = getpid(), pid;
	int status = 0;

	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		status = getppid() == parent ? batch_take(c, files, count) : -ECANCELED;
		(void)fflush(stdout);
		_exit(status ? MIN(-status, (int)UINT8_MAX) : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status))
		return -EINTR;
	if (WEXITSTATUS(status))
		return -WEXITSTATUS(status);
	/* those that are still there were refused */
	for (size_t i = 0; i < count; i++) {
		bool is_there = !faccessat(c->folder, files[i].name, F_OK, AT_SYMLINK_NOFOLLOW);

		c->refused += is_there;
		c->taken += !is_there;
	}
	return 0;
}

static int take_all(struct collect *c, struct collect_files *files)
{
	int r = 0;

	for (size_t at = 0, count; !r && at < files->count; at += count) {
		_cleanup_free_ char *state = NULL;
		struct collect_file *first = &files->items[at];

		count = batch_size(first, files->count - at);
		if (asprintf(&state, "%s/" STATE "/%s.%s", c->path, first->host, first->boot_id) <
		    0) {
			state = NULL;
			return log_err(-ENOMEM, "cannot collect from %s", c->path);
		}
		c->config.state = state;
		if (!first->is_here)
			c->config.host = first->host;
		r = batch_fork(c, first, count);
		c->config.host = c->site->host;
		if (r)
			log_err(r, "cannot write records to %s; the files stay", c->path);
	}
	return r;
}

/* A group would hang on what else was collected with it. */
static void drop_groups(struct config *config)
{
	for (size_t i = 0; i < config->rules.count; i++) {
		char *text = config->rules.items[i].text;
		size_t skip = strlen("group");

		if (!strncmp(text, "group", skip) && strchr(" \t", text[skip]) != NULL) {
			memmove(text + strlen("full"), text + skip, strlen(text + skip) + 1);
			memcpy(text, "full", strlen("full"));
		}
	}
}

static int open_folder(struct collect *c)
{
	char path[4096];
	struct stat st;

	c->folder = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0 || fstat(c->folder, &st))
		return log_err(-errno, "cannot collect from %s", c->path);
	if (st.st_uid != geteuid())
		return log_err(0,
			       "%s belongs to user %u: let him collect it (runmark-ingest, as that "
			       "user)",
			       c->path, st.st_uid)
			       ?: -EPERM;
	if (st.st_mode & 022)
		return log_err(0, "%s is not yours alone: chmod go-w it", c->path) ?: -EPERM;
	snprintf(path, sizeof(path), "%s/" STATE, c->path);
	if (mkdir(path, 0700) && errno != EEXIST)
		return log_err(-errno, "cannot make %s", path);
	c->lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->lock < 0)
		return log_err(-errno, "cannot use %s", path);
	if (flock(c->lock, LOCK_EX)) /* another collector: what it leaves is ours */
		return log_err(-errno, "cannot lock %s", path);
	return 0;
}

static int collect(struct collect *c)
{
	size_t running, refused, before;
	bool has_more;
	int r;

	do {
		struct collect_files files = {};

		r = collect_files_list(c->folder, c->boot_id, &files, refuse);
		if (r < 0)
			log_err(r, "cannot read %s", c->path);
		running = files.running;
		refused = files.refused;
		has_more = files.has_more && files.count;
		before = c->taken;
		if (!r)
			r = take_all(c, &files);
		collect_files_done(&files);
	} while (!r && has_more && c->taken > before);
	c->refused += refused;
	printf("collected %zu files, %zu of programs that still run, %zu refused\n", c->taken,
	       running, c->refused);
	return r;
}

static int boot_id_read(char ret[37])
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len);

	if (r)
		return log_err(r, "cannot read the boot id");
	snprintf(ret, 37, "%s", text);
	return 0;
}

int collect_run(const struct config *config, const char *folder)
{
	struct collect c = {.site = config, .config = *config, .folder = -1, .lock = -1};
	_cleanup_free_ char *path = realpath(folder, NULL);
	int r;

	if (!path)
		return log_err(-errno, "cannot collect from %s", folder);
	c.path = c.config.spool = path;
	c.config.keep_days = c.config.spool_quota_mib = c.config.start_seconds = 0;
	c.config.scope = CONFIG_SCOPE_ALL;
	drop_groups(&c.config);
	r = boot_id_read(c.boot_id);
	if (!r)
		r = open_folder(&c);
	if (!r)
		r = collect(&c);
	cleanup_close(&c.lock);
	cleanup_close(&c.folder);
	if (fflush(stdout) && !r)
		r = log_err(-errno, "cannot tell what was collected");
	return r;
}
