/* SPDX-License-Identifier: BSD-2-Clause */
/* runmark run: the order of things. See private.h. */
#include "cli/private.h"
#include "common/beside.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>
#include <time.h>

#define BEGIN_NS (100 * NS_PER_MS) /* who has just been left becomes a program meanwhile */

struct private_run {
	struct private_args args;
	struct private_signals signals;
	struct private_folder folder;
	struct private_daemon daemon;
	struct private_command command;
	char *library; /* NULL: none, or none needed */
	uint64_t start_ns;
};

/* Files of ours must not become what the command would have as its standard streams. */
static void fill_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* LD_PRELOAD has no way to write them. */
static bool is_preloadable(const char *path)
{
	return !strpbrk(path, ": \t\n");
}

/* Where the 32-bit build is there, the loader takes the one that fits: $LIB is for it. */
static int choose_class(struct private_run *run)
{
	_cleanup_free_ char *other = NULL;
	char *both, *slash = strrchr(run->library, '/');
	int len = (int)(slash - run->library);

	if (asprintf(&other, "%.*s/librunmark32.so", len, run->library) < 0) {
		other = NULL;
		return -ENOMEM;
	}
	if (access(other, R_OK))
		return 0;
	if (asprintf(&both, "%.*s/$LIB%s", len, run->library, slash) < 0)
		return -ENOMEM;
	free(run->library);
	run->library = both;
	return 0;
}

static int find_library(struct private_run *run)
{
	int r = beside_find(BESIDE_LIBRARY, &run->library);

	if (r < 0)
		return log_err(r, "cannot find librunmark.so beside this program; what runs will "
				  "not be recorded");
	if (is_preloadable(run->library))
		return choose_class(run);
	log_err(0,
		"%s cannot be preloaded, with a blank or colon in its path; what runs will not "
		"be recorded",
		run->library);
	free(TAKE_PTR(run->library));
	return -EINVAL;
}

/* False: there will be no records. */
static bool prepare(struct private_run *run)
{
	if (!run->args.bpf && find_library(run) < 0)
		return false;
	if (private_folder_make(&run->folder) < 0 ||
	    private_url_choose(&run->folder, run->args.db) < 0)
		return false;
	return private_folder_configure(&run->folder, run->args.bpf) >= 0;
}

static void say_command_failed(int error, const char *name)
{
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(name));

	log_err(-error, "cannot run %s", safe ?: "?");
}

static void say_stragglers(const struct private_run *run)
{
	const struct timespec begin = {.tv_nsec = BEGIN_NS};
	size_t count = private_stragglers(run->daemon.pid);

	if (!count)
		return;
	log_warn(0,
		 "%zu process%s the command has left still run%s, and %s not watched "
		 "any more",
		 count, count == 1 ? "" : "es", count == 1 ? "s" : "", count == 1 ? "is" : "are");
	nanosleep(&begin, NULL);
}

/* What was recorded is in the database, and told; or the folder is kept. */
static void conclude(struct private_run *run)
{
	_cleanup_free_ char *url = NULL;
	int r = private_load(&run->folder, &run->signals, &url);

	/* a database that could not take it can't be asked, either: the folder is named, then */
	(void)private_report(&run->folder, &run->args, r < 0 ? NULL : url, run->start_ns);
	private_recover(&run->folder, &run->signals);
	if (run->args.keep || r < 0)
		private_folder_keep(&run->folder);
}

/* Short of processes or descriptors: what it has itself is enough for the command. */
static int run_unrecorded(struct private_run *run, int reason, char **argv)
{
	int error = 0, status;

	log_err(reason, "cannot watch the command; it runs, and will not be recorded");
	private_folder_remove(&run->folder);
	status = private_command_become(argv, &run->signals, &error);
	say_command_failed(error, argv[0]);
	return status;
}

static int run_command(struct private_run *run, char **argv)
{
	bool is_recorded = prepare(run);
	int r;

	r = private_command_fork(argv, is_recorded ? run->library : NULL, &run->folder,
				 &run->signals, &run->command);
	if (r < 0)
		return run_unrecorded(run, r, argv);
	if (is_recorded)
		(void)private_daemon_start(&run->daemon, &run->folder,
					   run->args.bpf ? run->command.pid : 0, &run->signals);
	private_command_wait(&run->command, &run->daemon, &run->folder, &run->signals);
	(void)private_daemon_flush(&run->daemon);
	private_command_reap(&run->command);
	if (run->command.error)
		say_command_failed(run->command.error, argv[0]);
	say_stragglers(run);
	private_daemon_stop(&run->daemon);
	if (is_recorded && !run->command.error)
		conclude(run);
	private_folder_remove(&run->folder);
	private_daemon_done(&run->daemon);
	return run->command.status;
}

static int run_main(const struct command *command, int argc, char **argv)
{
	struct private_run run = {.folder = {.lock_fd = -1}};
	struct timespec now;
	int first, status;

	if (!command_parse(command, argc, argv, &run.args, &first, &status))
		return status;
	if (run.args.bpf && geteuid())
		return command_wrong(command,
				     "--bpf is root's; without it the preload module tells");
	clock_gettime(CLOCK_REALTIME, &now);
	run.start_ns = (uint64_t)now.tv_sec * NS_PER_S;
	fill_streams();
	log_init("runmark run");
	private_signals_take(&run.signals);
	status = run_command(&run, argv + first);
	free(run.library);
	return status;
}

#define OPTION(member) offsetof(struct private_args, member)

static const struct option_spec run_options[] = {
	{"bpf", NULL, &option_flag, OPTION(bpf),
	 "The kernel side tells, not the preload module (as root)."},
	{"keep", NULL, &option_flag, OPTION(keep), "The folder with the records is not removed."},
	OPTION_FORMAT(struct private_args, "table|json", option_format_pair),
	{"output", "FILE", &option_text, OPTION(output),
	 "Where it is printed (default: standard error)."},
	{"db", "URL", &option_text, OPTION(db),
	 "Database (default: the user's own, runmark/runmark.db below $XDG_DATA_HOME\nor "
	 "~/.local/share)."},
};

const struct command command_run = {
	.name = "run",
	.operands = "CMD [ARGUMENT...]",
	.min_operands = 1,
	.max_operands = SIZE_MAX,
	.runs_another = true,
	.summary = "A command, recorded for yourself, and what ran then.",
	.details = "Exit status: the command's, 128 and the signal's number if one ended it, 127 "
		   "if it was\nnot found, 126 if it could not be started; 2 wrong usage.",
	.options = run_options,
	.n_options = ARRAY_SIZE(run_options),
	.run = run_main,
};
