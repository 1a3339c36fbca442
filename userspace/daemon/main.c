// SPDX-License-Identifier: BSD-2-Clause
/* runmarkd(8): options, and going to the background. */
#include "common/log.h"
#include "common/version.h"
#include "daemon/capture.h"
#include "daemon/collect.h"
#include "daemon/daemon.h"
#include "daemon/node.h"

#include <errno.h>
#include <getopt.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PID_MAX (1 << 22) /* the kernel's own limit */

enum { EXIT_USAGE = 2, EXIT_FAULT = 3 };

static const struct {
	struct option option;
	const char *argument, *help;
} table[] = {
	{{"config", required_argument, NULL, 'c'},
	 "FILE",
	 "read FILE instead of " CONFIG_DEFAULT_FILE},
	{{"foreground", no_argument, NULL, 'f'},
	 NULL,
	 "stay in the foreground, log to standard error"},
	{{"check-config", no_argument, NULL, 'k'},
	 NULL,
	 "print the configuration in force and exit"},
	{{"unload", no_argument, NULL, 'u'}, NULL, "detach and remove what is pinned, and exit"},
	{{"hook", required_argument, NULL, 'o'},
	 "FACT=RUNG",
	 "use this hook and no other for a fact"},
	{{"below", required_argument, NULL, 'b'},
	 "PID",
	 "record only this process and what descends from it"},
	{{"announce", no_argument, NULL, 'a'},
	 NULL,
	 "at the end, tell of what still runs, since none will go on with it"},
	{{"collect", required_argument, NULL, 'C'},
	 "DIR",
	 "make spool files of what programs left in a RUNMARK_SPOOL folder, and exit"},
	{{"help", no_argument, NULL, 'h'}, NULL, "show this"},
	{{"version", no_argument, NULL, 'v'}, NULL, "show the version"},
};

static void help(FILE *out)
{
	fprintf(out, "Usage: runmarkd [OPTION...]\n"
		     "Records which programs run on this node, watching from the kernel.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		fprintf(out, "  --%-13s %-10s %s\n", table[i].option.name,
			table[i].argument ? table[i].argument : "", table[i].help);
	fprintf(out, "\nHooks:\n");
	for (const struct hook *hook = hooks_table(); hook->rung; hook++)
		fprintf(out, "  %s=%s\n", hook_fact_name(hook->fact), hook->rung);
	fprintf(out, "\nExit status: 0 stopped by a signal, 2 wrong usage, 3 failure.\n"
		     "See runmarkd(8), runmark.conf(5).\n");
}

static int hook_argument(const char *text, const struct hook *forced[HOOK_FACTS])
{
	char fact_text[32];
	const char *equals = strchr(text, '=');
	enum hook_fact fact;

	if (!equals || equals - text >= (ptrdiff_t)sizeof(fact_text))
		return log_err(-EINVAL, "--hook %s: write FACT=RUNG, see --help", text);
	snprintf(fact_text, sizeof(fact_text), "%.*s", (int)(equals - text), text);
	fact = hook_fact_from_name(fact_text);
	if (fact == HOOK_FACTS || !hook_by_rung(fact, equals + 1))
		return log_err(-EINVAL, "--hook %s: no such hook; --help lists them", text);
	forced[fact] = hook_by_rung(fact, equals + 1);
	return 0;
}

static int unload(const struct config *config)
{
	int holder = 0, r, lock = node_lock(config, &holder);

	if (lock == -EBUSY)
		return log_err(-EBUSY, "runmarkd (pid %d) is running; stop it first", holder);
	if (lock < 0)
		return log_err(lock, "cannot lock %s/lock%s", config->state,
			       geteuid() ? "; --unload must be run by root" : "");
	r = capture_unload(config->pin);
	close(lock);
	if (r == -ENOENT) {
		log_info("nothing is pinned below %s", config->pin);
		return 0;
	}
	if (r == -EBUSY)
		return log_err(r, "a runmarkd that is running uses %s; stop it first", config->pin);
	return r ? log_err(r, "cannot remove %s", config->pin) : 0;
}

/* The parent waits until tracking has begun or the child has failed; the child goes on. */
static int to_background(int *ret_ready_fd)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return log_err(-errno, "cannot start in the background");
	pid = fork();
	if (pid < 0)
		return log_err(-errno, "cannot start in the background");
	if (pid > 0) {
		close(ends[1]);
		if (read(ends[0], &byte, 1) == 1)
			_exit(0);
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAULT);
	}
	close(ends[0]);
	setsid();
	if (chdir("/"))
		return log_err(-errno, "cannot change to /");
	*ret_ready_fd = ends[1];
	return 0;
}

/* In the background: whoever started us goes on, and no pipe of his stays open. Messages go to
 * STATE/log. */
static void leave_caller(const struct daemon_options *options)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC), log = -1;
	char path[4096];

	snprintf(path, sizeof(path), "%s/log", options->config->state);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (write(options->ready_fd, "", 1) != 1)
		log_warn(-errno, "nobody waits for the start any more");
	close(options->ready_fd);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(log >= 0 ? log : null, STDERR_FILENO);
}

static int pid_argument(const char *text, pid_t *ret)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value <= 0 || value > PID_MAX)
		return log_err(-EINVAL, "--below %s: write a process id", text);
	*ret = (pid_t)value;
	return 0;
}

struct options {
	const char *config, *collect;
	bool foreground, check, unload, announce;
	pid_t below;
	const struct hook *forced[HOOK_FACTS];
};

/* 0 to go on, -1 when all is said (0) or usage was wrong (2): *ret_exit. */
static int options_read(int argc, char **argv, struct options *o, int *ret_exit)
{
	struct option options[ARRAY_SIZE(table) + 1] = {};
	int c;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		options[i] = table[i].option;
	*ret_exit = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'u':
			o->unload = true;
			break;
		case 'o':
			if (hook_argument(optarg, o->forced))
				return -1;
			break;
		case 'b':
			if (pid_argument(optarg, &o->below))
				return -1;
			break;
		case 'a':
			o->announce = true;
			break;
		case 'C':
			o->collect = optarg;
			break;
		case 'h':
			help(stdout);
			*ret_exit = 0;
			return -1;
		case 'v':
			printf("runmarkd %s\n", RUNMARK_VERSION);
			*ret_exit = 0;
			return -1;
		default:
			fprintf(stderr, "Try runmarkd --help.\n");
			return -1;
		}
	}
	if (optind < argc) {
		log_err(0, "unexpected argument \"%s\"; try --help", argv[optind]);
		return -1;
	}
	if (o->check + o->unload + !!o->collect > 1) {
		log_err(0, "--check-config, --unload and --collect exclude each other; try --help");
		return -1;
	}
	return 0;
}

static int print_config(const struct config *config)
{
	config_print(config, stdout);
	if (fflush(stdout) || ferror(stdout))
		return log_err(-errno, "cannot print the configuration");
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {};
	struct config config;
	struct daemon_options daemon = {.config = &config, .ready_fd = -1};
	char *message = NULL;
	int r, code;

	log_init("runmarkd");
	if (options_read(argc, argv, &o, &code))
		return code;
	r = config_load(o.config, &config, &message);
	if (r) {
		log_err_lines(0, message);
		return EXIT_FAULT;
	}
	if (!o.unload)
		log_warn_lines(config.warnings);
	if (o.check) {
		r = print_config(&config);
	} else if (o.collect) {
		log_init(program_invocation_short_name); /* of whoever collects by this */
		r = collect_run(&config, o.collect);
	} else if (o.unload) {
		r = unload(&config);
	} else {
		/* memlock is only needed before Linux 5.11, and may not be ours to raise */
		setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
		memcpy(daemon.forced, o.forced, sizeof(daemon.forced));
		daemon.below = o.below;
		daemon.announces = o.announce;
		if (!o.foreground) {
			daemon.ready = leave_caller;
			r = to_background(&daemon.ready_fd);
		}
		if (!r)
			r = daemon_run(&daemon);
	}
	config_done(&config);
	return r ? EXIT_FAULT : 0;
}
