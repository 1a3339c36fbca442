/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runmark doctor: what is wrong with this node, and the way out. A table of checks; each reports
 * findings, one a line. A check never changes anything, and needs no daemon but says what it can't
 * tell without.
 */
#include "cli/command.h"
#include "cli/control.h"
#include "cli/doctor.h"
#include "cli/output.h"
#include "cli/store.h"
#include "common/log.h"
#include "common/record.h"
#include "common/text.h"
#include <errno.h>
#include <stdarg.h>

static const struct check checks[] = {
	{"configuration", check_config, "correct the file; runmarkd --check-config shows all keys",
	 OF_BOTH},
	{"privileges", check_privileges, "run it as root", OF_BOTH},
	{"kernel types", check_kernel_types,
	 "use a kernel with CONFIG_DEBUG_INFO_BTF (all of today's distributions have it)", OF_BPF},
	{"bpf", check_bpf,
	 "let the daemon use bpf(): CAP_BPF and CAP_PERFMON, no seccomp filter on it", OF_BPF},
	{"lockdown", check_lockdown, "boot with lockdown=integrity or none", OF_BPF},
	{"bpffs", check_bpffs, "mount -t bpf bpf /sys/fs/bpf", OF_BPF},
	{"tracefs", check_tracefs, "mount -t tracefs tracefs /sys/kernel/tracing", OF_BPF},
	{"daemon", check_daemon, NULL, OF_BOTH},
	{"pins", check_pins, "restart runmarkd (systemctl restart runmarkd): it pins anew", OF_BPF},
	{"hooks", check_hooks, "a newer kernel, or one with the better hook's option, has it",
	 OF_BOTH},
	{"library", check_library,
	 "make install puts it there; or give programs another by LD_PRELOAD", OF_PRELOAD},
	{"ld.so.preload", check_ld_preload, "runmark-preload-setup(8) makes it right", OF_PRELOAD},
	{"socket", check_socket, NULL, OF_PRELOAD},
	{"ends", check_ends, "see runmarkd(8), SOURCES", OF_PRELOAD},
	{"end memory", check_end_memory, NULL, OF_PRELOAD},
	{"losses", check_losses, "see runmarkd(8), LOSSES", OF_BOTH},
	{"room", check_room, "raise ring_mib or journal_mib in runmark.conf", OF_BOTH},
	{"state folder", check_state_room,
	 "free room on its file system, or lower journal_mib in runmark.conf", OF_BOTH},
	{"errors", check_errors, "see the daemon's messages (journalctl -u runmarkd)", OF_BOTH},
	{"spool", check_spool, "see runmark.conf(5), spool", OF_BOTH},
	{"spool space", check_spool_space, "fetch files more often, or raise spool_quota_mib",
	 OF_BOTH},
	{"files waiting", check_waiting, "see whether runmark-ingest (or the mover) still runs",
	 OF_BOTH},
	{"drop directory", check_drop,
	 "systemd-tmpfiles --create makes it right: root's, mode 1733", OF_BOTH},
	{"database", check_database, "see runmark-ingest(8)", OF_BOTH},
};

static const char *const level_names[] = {"ok", "warn", "fail"};

static int print_json(const struct doctor *doctor, enum finding_level level, const char *text,
		      const char *way_out)
{
	_cleanup_json_ cJSON *object = cJSON_CreateObject();

	if (!object || !record_add_text(object, "check", bytes_of(doctor->check->name)) ||
	    !record_add_text(object, "level", bytes_of(level_names[level])) ||
	    !record_add_text(object, "finding", bytes_of(text)) ||
	    !record_add_text(object, "way_out", bytes_of(level == FINDING_OK ? NULL : way_out)))
		return -ENOMEM;
	return output_json(object, stdout);
}

static int print_line(const struct doctor *doctor, enum finding_level level, const char *text,
		      const char *way_out)
{
	_cleanup_free_ char *safe = text_for_terminal(bytes_of(text));

	if (!safe)
		return -ENOMEM;
	printf("%-4s  %s: %s", level_names[level], doctor->check->name, safe);
	if (level != FINDING_OK && way_out)
		printf("; way out: %s", way_out);
	putchar('\n');
	return 0;
}

void doctor_report(struct doctor *doctor, enum finding_level level, const char *way_out,
		   const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int r;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (!way_out)
		way_out = doctor->check->way_out;
	doctor->worst = MAX(doctor->worst, level);
	r = !text	      ? -ENOMEM
	    : doctor->as_json ? print_json(doctor, level, text, way_out)
			      : print_line(doctor, level, text, way_out);
	if (r == -ENOMEM)
		doctor->error = r;
}

struct doctor_args {
	enum output_format format;
	const char *db, *config, *explain;
};

static void run_checks(struct doctor *doctor)
{
	const char *source = cJSON_GetStringValue(record_get(doctor->status, "source"));
	bool is_preload = source ? !strcmp(source, "preload")
				 : doctor->config.source == CONFIG_SOURCE_PRELOAD;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].of == OF_BPF && doctor->config.source == CONFIG_SOURCE_PRELOAD)
			continue;
		if (checks[i].of == OF_PRELOAD && !is_preload)
			continue;
		doctor->check = &checks[i];
		checks[i].run(doctor);
	}
}

/* A file that can't be used is a finding; the checks then go on with the defaults. */
static int load_config(struct doctor *doctor, const char *path)
{
	int r = config_load(path, &doctor->config, &doctor->config_message);

	if (r >= 0)
		return 0;
	if (!doctor->config_message)
		doctor->config_message = strdup(strerror(-r));
	return config_load("/dev/null", &doctor->config, NULL);
}

static int doctor_main(const struct command *command, int argc, char **argv)
{
	static const int status_of[] = {EXIT_FOUND, EXIT_NOTHING, EXIT_TROUBLE};
	struct doctor_args args = {0};
	struct doctor doctor = {.is_root = geteuid() == 0};
	int first, status, r;

	if (!command_parse(command, argc, argv, &args, &first, &status))
		return status;
	doctor.as_json = args.format == OUTPUT_JSON;
	doctor.db = args.db;
	r = load_config(&doctor, args.config);
	if (r < 0) {
		log_err(r, "cannot start the checks");
		return EXIT_TROUBLE;
	}
	if (args.explain) {
		status = doctor_explain(doctor.config.control, args.explain, doctor.as_json);
		config_done(&doctor.config);
		free(doctor.config_message);
		return status;
	}
	doctor.status_error = control_ask(doctor.config.control, "status", &doctor.status);
	run_checks(&doctor);
	if (doctor.error)
		log_err(doctor.error, "cannot print all findings");
	cJSON_Delete(doctor.status);
	config_done(&doctor.config);
	free(doctor.config_message);
	return output_leave(doctor.error ? EXIT_TROUBLE : status_of[doctor.worst]);
}

static const struct option_spec doctor_options[] = {
	{
		.name = "explain",
		.argument = "PID|PATH",
		.type = &option_text,
		.offset = offsetof(struct doctor_args, explain),
		.help = "Instead: which rule of the daemon takes this process or program, and why.",
	},
	OPTION_FORMAT(struct doctor_args, "table|json", option_format_pair),
	OPTION_DB(struct doctor_args),
	OPTION_CONFIG(struct doctor_args),
};

const struct command command_doctor = {
	.name = "doctor",
	.summary = "What is wrong with this node: hooks, losses, spool, database; and the way out.",
	.details = "Each line is a check: ok, warn or fail, what was found, and the way out.\n"
		   "Exit status: 0 all is well, 1 there are warnings, 3 something fails;\n"
		   "with --explain: 0 explained, 1 no such process is tracked.",
	.options = doctor_options,
	.n_options = ARRAY_SIZE(doctor_options),
	.run = doctor_main,
};
