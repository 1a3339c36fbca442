/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark-ingest(8): spool files into a database. */
#include "ingest/accounting.h"
#include "ingest/names_command.h"
#include "ingest/prune_command.h"
#include "ingest/quarantine.h"
#include "ingest/work.h"
#include "ingest/xalt_command.h"
#include "common/config.h"
#include "common/log.h"

#include <errno.h>
#include <malloc.h>
#include <sys/stat.h>

enum status { STATUS_LOADED, STATUS_NOTHING, STATUS_USAGE, STATUS_FAILED };

#define SERVER_SECONDS 2 /* until a server that was not there is tried again */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static void catch_signals(void)
{
	/* Without SA_RESTART: a wait ends. A write over a limit is an error, not an end. */
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGXFSZ, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
}

static int show_quarantine(struct backend *db, const struct options *options)
{
	int64_t count = options->export_to ? quarantine_export(db, options->export_to)
					   : quarantine_list(db);

	return count < 0 ? STATUS_FAILED : count ? STATUS_LOADED : STATUS_NOTHING;
}

static int load_paths(struct work *work, char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct stat st;
		int r;

		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			r = work_directory(work, paths[i]);
		} else {
			work->progress.file = work->progress.files = 1;
			r = work_file(work, paths[i], false);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int load(struct backend *db, const struct options *options, char *const *paths, size_t count)
{
	struct work work = {.options = options, .stop = &stop};
	int r = loader_init(&work.loader, db, &stop);
	enum status status = STATUS_NOTHING;

	if (r < 0) {
		log_err(r, "cannot start");
		return STATUS_FAILED;
	}
	if (db->is_forgetful && (options->remove || options->archive))
		log_warn(0, "the server may forget what it has taken when it dies, and the files "
			    "will be gone: "
			    "set innodb_flush_log_at_trx_commit = 1 there");
	names_command_load(&work.names);
	work.loader.names = &work.names;
	progress_init(&work.progress, &work.loader);
	work.loader.progress = progress_show;
	work.loader.progress_arg = &work.progress;
	r = options->follow ? work_follow(&work, paths, count) : load_paths(&work, paths, count);
	progress_clear(&work.progress);
	if (r == -EINTR && !options->follow)
		log_warn(0, "stopped; what was not loaded will be the next time");
	work_report(&work);
	if ((r < 0 && !(r == -EINTR && options->follow)) || work.failures)
		status = STATUS_FAILED;
	else if (options->follow || work.loader.totals.files || work.disposed)
		status = STATUS_LOADED;
	loader_done(&work.loader);
	site_names_done(&work.names);
	return status;
}

/* Jobs from what sacct printed. */
static int import_jobs(struct backend *db, const char *path)
{
	bool is_input = !strcmp(path, "-");
	_cleanup_fclose_ FILE *file = is_input ? NULL : fopen(path, "re");
	const char *name = is_input ? "standard input" : path;
	struct accounting_totals t = {};
	int r;

	if (!is_input && !file) {
		log_err(-errno, "cannot read %s", path);
		return STATUS_FAILED;
	}
	r = accounting_import(db, is_input ? stdin : file, name, &stop, &t);
	if (r < 0 && r != -EINVAL && r != -EINTR)
		log_err(*db->message ? 0 : r, "%s", *db->message ? db->message : name);
	if (r < 0 && r != -EINTR)
		return STATUS_FAILED;
	printf("imported %llu jobs: %llu new, %llu changed, %llu as before, %llu of which a later "
	       "state is known; %llu lines could not be read\n",
	       (unsigned long long)(t.added + t.changed + t.known + t.older),
	       (unsigned long long)t.added, (unsigned long long)t.changed,
	       (unsigned long long)t.known, (unsigned long long)t.older, (unsigned long long)t.bad);
	if (r < 0)
		return STATUS_FAILED;
	return t.added + t.changed + t.known + t.older ? STATUS_LOADED : STATUS_NOTHING;
}

static int import_xalt(struct backend *db, const struct options *options)
{
	int r = xalt_command(db, options->spool, options->spool_count, &stop);

	return r < 0 ? STATUS_FAILED : r ? STATUS_LOADED : STATUS_NOTHING;
}

/* The spool of the configuration, where none is named. */
static int load_configured(struct backend *db, const struct options *options)
{
	_cleanup_free_ char *message = NULL;
	struct config config = {};
	int r = config_load(NULL, &config, &message);

	if (r < 0) {
		log_err_lines(r, message ?: "cannot read the configuration");
		return STATUS_FAILED;
	}
	r = load(db, options, &config.spool, 1);
	config_done(&config);
	return r;
}

static int check_archive(const char *directory)
{
	struct stat st;

	if (stat(directory, &st))
		return log_err(-errno, "cannot archive to %s; make it first", directory);
	if (!S_ISDIR(st.st_mode))
		return log_err(-ENOTDIR, "cannot archive to %s", directory);
	return 0;
}

static int prune(struct backend *db, const struct options *options)
{
	int r = prune_command(db, options, &stop);

	return r < 0 ? STATUS_FAILED : r ? STATUS_NOTHING : STATUS_LOADED;
}

/* Who follows a spool waits for a server, too, that is not there yet. */
static int open_database(const struct options *options, enum backend_mode mode,
			 struct backend **ret, char message[BACKEND_MESSAGE_SIZE])
{
	int r = backend_open(options->db, mode, &stop, ret, message);
	bool is_said = false;

	while (r == -EAGAIN && options->follow && !stop) {
		if (!is_said)
			log_warn(0, "%s (trying again)", message);
		is_said = true;
		sleep(SERVER_SECONDS);
		r = stop ? -EINTR : backend_open(options->db, mode, &stop, ret, message);
	}
	return r;
}

static int run(const struct options *options)
{
	enum backend_mode mode = options->migrate      ? BACKEND_MIGRATE
				 : options->quarantine ? BACKEND_READ
						       : BACKEND_LOAD;
	char message[BACKEND_MESSAGE_SIZE];
	struct backend *db;
	int r;

	if (options->check_names)
		return names_command_check();
	if (options->explain_name)
		return names_command_explain(options->explain_name);
	if (options->destroy_key && prune_confirm() < 0)
		return STATUS_FAILED;
	if (options->archive && check_archive(options->archive) < 0)
		return STATUS_FAILED;
	r = open_database(options, mode, &db, message);
	if (r == -EINTR && options->follow)
		return STATUS_LOADED;
	if (r == -EINTR) {
		log_warn(0, "stopped; begin again");
		return STATUS_FAILED;
	}
	if (r < 0) {
		log_err(0, "%s", message);
		return r == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
	}
	if (options->migrate)
		r = STATUS_LOADED;
	else if (options->quarantine)
		r = show_quarantine(db, options);
	else if (options->names)
		r = names_command_refresh(db, &stop);
	else if (options->sacct)
		r = import_jobs(db, options->sacct);
	else if (options->xalt)
		r = import_xalt(db, options);
	else if (options->prune || options->destroy_key)
		r = prune(db, options);
	else if (options->spool_count)
		r = load(db, options, options->spool, options->spool_count);
	else
		r = load_configured(db, options);
	backend_close(db);
	if (fflush(stdout) && r != STATUS_FAILED) {
		log_err(-errno, "cannot write to standard output");
		r = STATUS_FAILED;
	}
	return r;
}

int main(int argc, char **argv)
{
	struct options options;

	log_init("runmark-ingest");
	/* The database holds what users did: nobody else's business unless the site says so. */
	umask(027);
	switch (options_parse(argc, argv, &options)) {
	case OPTIONS_DONE:
		return STATUS_LOADED;
	case OPTIONS_WRONG:
		return STATUS_USAGE;
	case OPTIONS_RUN:
		break;
	}
	/* What a huge line needed goes back to the system: by itself malloc would come to keep it.
	 */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	catch_signals();
	return run(&options);
}
