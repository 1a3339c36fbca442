/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of what the daemon says of itself, through the control socket. */
#include "cli/control.h"
#include "cli/doctor.h"
#include "common/fs.h"
#include "common/record.h"
#include <errno.h>

#define ROOM_WARN_PERCENT 80

/* Nobody may ask but root; where that isn't the reason, there is nobody to ask. */
static bool is_forbidden(const struct doctor *doctor)
{
	return !doctor->is_root &&
	       (doctor->status_error == -EACCES || doctor->status_error == -EPERM);
}

static void report_unasked(struct doctor *doctor)
{
	doctor_report(doctor, FINDING_WARN,
		      is_forbidden(doctor) ? "run it as root" : "start the daemon",
		      "known to the daemon only");
}

void check_config(struct doctor *doctor)
{
	if (!doctor->config_message) {
		doctor_report(doctor, FINDING_OK, NULL, "valid");
		return;
	}
	/* One error a line. */
	for (char *rest = doctor->config_message, *line; (line = strsep(&rest, "\n"));)
		if (*line)
			doctor_report(doctor, FINDING_FAIL, NULL, "%s", line);
}

void check_daemon(struct doctor *doctor)
{
	const cJSON *status = doctor->status;
	_cleanup_free_ char *version = NULL, *source = NULL;
	double pid = 0;
	size_t len;

	if (!status && is_forbidden(doctor)) {
		doctor_report(doctor, FINDING_WARN, "run it as root", "can't be asked");
		return;
	}
	if (!status) {
		doctor_report(doctor, FINDING_FAIL, control_explain(doctor->status_error),
			      "no answer on %s", doctor->config.control);
		return;
	}
	record_get_number(status, "pid", &pid);
	record_get_text(status, "version", &version, &len);
	record_get_text(status, "source", &source, &len);
	doctor_report(doctor, FINDING_OK, NULL, "runs (pid %.0f, version %s, source %s)", pid,
		      version ? version : "?", source ? source : "?");
}

void check_hooks(struct doctor *doctor)
{
	const cJSON *hooks = record_get(doctor->status, "hooks"), *hook;
	const char *source = cJSON_GetStringValue(record_get(doctor->status, "source"));
	const char *way_out = source && !strcmp(source, "preload")
				      ? "the kernel side sees it, see runmarkd(8), SOURCES"
				      : NULL;

	if (!doctor->status) {
		report_unasked(doctor);
		return;
	}
	cJSON_ArrayForEach (hook, hooks) {
		_cleanup_free_ char *fact = NULL, *rung = NULL, *lost = NULL;
		size_t len;

		record_get_text(hook, "fact", &fact, &len);
		if (record_get_text(hook, "rung", &rung, &len) < 0)
			doctor_report(doctor, FINDING_FAIL, NULL, "%s: no hook works here",
				      fact ? fact : "?");
		else if (!record_get_text(hook, "lost", &lost, &len) && *lost)
			doctor_report(doctor, FINDING_WARN, way_out, "%s by %s: %s",
				      fact ? fact : "?", rung, lost);
		else
			doctor_report(doctor, FINDING_OK, NULL, "%s by %s", fact ? fact : "?",
				      rung);
	}
	if (!cJSON_GetArraySize(hooks))
		doctor_report(doctor, FINDING_FAIL, "see the daemon's messages",
			      "none is in use: nothing is seen");
}

/* Everything that is not zero in an object of counters. */
static unsigned int report_counters(struct doctor *doctor, const char *member, const char *what)
{
	const cJSON *counters = record_get(doctor->status, member), *counter;
	unsigned int reported = 0;

	cJSON_ArrayForEach (counter, counters) {
		if (!cJSON_IsNumber(counter) || counter->valuedouble == 0)
			continue;
		doctor_report(doctor, FINDING_WARN, NULL, "%s %s: %.0f", what, counter->string,
			      counter->valuedouble);
		reported++;
	}
	return reported;
}

void check_losses(struct doctor *doctor)
{
	unsigned int reported;

	if (!doctor->status) {
		report_unasked(doctor);
		return;
	}
	reported = report_counters(doctor, "lost", "lost by");
	reported += report_counters(doctor, "cut", "cut:");
	if (!reported)
		doctor_report(doctor, FINDING_OK, NULL, "none since the daemon's start");
}

static void report_room(struct doctor *doctor, const char *name)
{
	const cJSON *store = record_get(doctor->status, name);
	double size, used;

	if (record_get_number(store, "size", &size) < 0 ||
	    record_get_number(store, "used", &used) < 0 || size <= 0)
		return;
	doctor_report(doctor, used * 100 > size * ROOM_WARN_PERCENT ? FINDING_WARN : FINDING_OK,
		      NULL, "%s %.0f%% full of %.1f MiB", name, used * 100 / size,
		      size / (1024 * 1024));
}

void check_room(struct doctor *doctor)
{
	if (!doctor->status) {
		report_unasked(doctor);
		return;
	}
	report_room(doctor, "ring");
	report_room(doctor, "journal");
}

/* Also without a daemon: the next one will want it. */
void check_state_room(struct doctor *doctor)
{
	const struct config *c = &doctor->config;
	uint64_t room = 0;
	int r = fs_room_for_file(c->state, "journal", &room);

	if (r == -ENOENT)
		doctor_report(doctor, FINDING_OK, NULL, "%s is not made yet", c->state);
	else if (r < 0)
		doctor_report(doctor, FINDING_WARN,
			      r == -EACCES && !doctor->is_root ? "run it as root" : NULL,
			      "%s can't be looked at: %s", c->state, strerror(-r));
	else
		doctor_report(doctor,
			      room >= (uint64_t)c->journal_mib << 20 ? FINDING_OK : FINDING_WARN,
			      NULL, "%s has room for %.0f MiB of journal, journal_mib is %u",
			      c->state, (double)room / (1024 * 1024), c->journal_mib);
}

void check_errors(struct doctor *doctor)
{
	const cJSON *errors = record_get(doctor->status, "errors"), *error;

	if (!doctor->status) {
		report_unasked(doctor);
		return;
	}
	cJSON_ArrayForEach (error, errors)
		doctor_report(doctor, FINDING_WARN, NULL, "%s",
			      cJSON_IsString(error) ? error->valuestring : "of an unknown kind");
	if (!cJSON_GetArraySize(errors))
		doctor_report(doctor, FINDING_OK, NULL, "none");
}
