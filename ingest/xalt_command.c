/* SPDX-License-Identifier: BSD-2-Clause */
/* What --xalt does and says. */
#include "ingest/xalt_command.h"
#include "ingest/counts.h"
#include "ingest/names_command.h"
#include "ingest/xalt.h"
#include "common/config.h"
#include "common/log.h"

#include <errno.h>

#define NAMED_MAX 1009 /* incomplete records that are named; the others are counted */

static uint64_t named;

static void report_incomplete(const char *text)
{
	if (named++ < NAMED_MAX)
		printf("incomplete: %s\n", text);
}

static void report_failure(int error, const char *message)
{
	if (error == -EINTR)
		log_warn(0, "stopped; what was not imported will be the next time");
	else
		log_err(*message ? 0 : error, "%s", *message ? message : "cannot import");
}

static void warn(uint64_t count, const char *one, const char *many)
{
	if (count)
		log_warn(0, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

static void print_counts(const struct xalt_totals *t)
{
	const struct count_part parts[] = {
		{t->runs, "run", "runs", true},
		{t->open, "without an end", "without an end", false},
		{t->completed, "run completed", "runs completed", false},
		{t->links, "link", "links", true},
		{t->packages, "package", "packages", true},
		{t->known, "record known before", "records known before", false},
		{t->repeated, "piece repeated", "pieces repeated", false},
		{t->foreign, "line of others", "lines of others", false},
		{t->others, "other file", "other files", false},
		{t->damaged, "checksum wrong", "checksums wrong", false},
		{t->incomplete, "record incomplete", "records incomplete", false},
		{t->orphans, "package without a run", "packages without a run", false},
		{t->quarantined, "record quarantined", "records quarantined", true},
	};

	counts_print("imported", t->files, parts, ARRAY_SIZE(parts));
}

static void report(const struct xalt_totals *t)
{
	if (named > NAMED_MAX)
		printf("incomplete: %llu more records\n", (unsigned long long)named - NAMED_MAX);
	print_counts(t);
	warn(t->quarantined, "record could not be loaded; --quarantine lists it",
	     "records could not be loaded; --quarantine lists them");
	warn(t->damaged, "record was loaded whose checksum is wrong; it is marked as incomplete",
	     "records were loaded whose checksums are wrong; they are marked as incomplete");
	warn(t->irregular, "file with the name of a record is a link, FIFO or device: passed over",
	     "files with names of records are links, FIFOs or devices: passed over");
	warn(t->too_deep, "directory lies too deep: passed over",
	     "directories lie too deep: passed over");
	warn(t->unasked,
	     "package more came than runs can be looked for; see the view "
	     "package_without_run",
	     "packages more came than runs can be looked for; see the view package_without_run");
}

static int import(struct loader *loader, const struct xalt_options *options)
{
	struct site_names names = {};
	struct xalt_totals totals = {};
	struct progress progress = {};
	int r;

	names_command_load(&names);
	loader->names = &names;
	progress_init(&progress, loader);
	r = xalt_import(loader, options, &progress, &totals);
	progress_clear(&progress);
	if (r < 0)
		report_failure(r, loader->db->message);
	report(&totals);
	site_names_done(&names);
	if (r == 0 && totals.failures)
		r = -EIO;
	return r < 0 ? r : totals.files > 0;
}

int xalt_command(struct backend *db, char *const *paths, size_t count,
		 const volatile sig_atomic_t *stop)
{
	struct xalt_options options = {
		.paths = paths, .count = count, .incomplete = report_incomplete};
	_cleanup_free_ char *message = NULL;
	struct config config = {};
	struct loader loader;
	int r = config_load(NULL, &config, &message);

	if (r < 0) {
		log_err_lines(r, message ?: "cannot read the configuration");
		return r;
	}
	/* Command lines are kept as a node would. */
	options.is_name_only = config.argv == CONFIG_ARGV_NAME;
	if (config.argv == CONFIG_ARGV_SCRUB)
		r = scrub_new(&config.scrub, &options.scrub);
	if (r == 0)
		r = loader_init(&loader, db, stop);
	if (r == 0) {
		r = import(&loader, &options);
		loader_done(&loader);
	} else {
		log_err(r, "cannot start");
	}
	scrub_free(options.scrub);
	config_done(&config);
	return r;
}
