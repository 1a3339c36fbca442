/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/progress.h"
#include "common/fs.h"
#include "common/text.h"

#include <time.h>

#define STEP_MS 200

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS;
}

void progress_init(struct progress *progress, const struct loader *loader)
{
	*progress = (struct progress){
		.is_shown = isatty(STDERR_FILENO), .start_ms = now_ms(), .loader = loader};
}

void progress_show(void *arg, const char *path, uint64_t lines)
{
	struct progress *progress = arg;
	uint64_t now = now_ms(), done = progress->loader->totals.lines + lines;
	_cleanup_free_ char *name = NULL;

	if (!progress->is_shown || now - progress->last_ms < STEP_MS)
		return;
	progress->last_ms = now;
	progress->is_there = true;
	name = text_for_terminal(bytes_of(fs_base_name(path)));
	fprintf(stderr, "\rfile %zu of %zu, %llu lines, %llu a second: %.40s, line %llu\033[K",
		progress->file, progress->files, (unsigned long long)done,
		(unsigned long long)(done * 1000 / MAX(now - progress->start_ms, 1)), name ?: "",
		(unsigned long long)lines);
	fflush(stderr);
}

void progress_records(struct progress *progress, uint64_t records)
{
	uint64_t now = now_ms();

	if (!progress->is_shown || now - progress->last_ms < STEP_MS)
		return;
	progress->last_ms = now;
	progress->is_there = true;
	fprintf(stderr, "\r%llu records, %llu a second\033[K", (unsigned long long)records,
		(unsigned long long)(records * 1000 / MAX(now - progress->start_ms, 1)));
	fflush(stderr);
}

void progress_clear(struct progress *progress)
{
	if (progress->is_there)
		fputs("\r\033[K", stderr);
	progress->is_there = false;
}
