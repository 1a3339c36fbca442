/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A heading and lines of any bytes: refused with a reason, or read into texts that end and numbers
 * that are in bounds; read again, a line gives the same.
 */
#include "ingest/sacct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sacct_job job, again;

static void check_job(const struct sacct_job *read)
{
	if (!*read->texts[SACCT_JOB_ID] || read->stage > SACCT_ENDED)
		abort();
	for (size_t i = 0; i < SACCT_TEXTS; i++)
		if (!memchr(read->texts[i], '\0', SACCT_TEXT_MAX))
			abort();
	if (!memchr(read->node_list, '\0', SACCT_NODES_MAX))
		abort();
	for (size_t i = 0; i < SACCT_NUMBERS; i++)
		if (read->numbers[i] != SACCT_UNKNOWN && read->numbers[i] < 0)
			abort();
}

static struct bytes next_line(struct bytes *rest)
{
	const char *end = memchr(rest->data, '\n', rest->len);
	struct bytes line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
	size_t step = line.len + (end ? 1 : 0);

	rest->data += step;
	rest->len -= step;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size ?: 1);
	struct bytes rest = {copy, size};
	char why[SACCT_WHY_SIZE] = "";
	struct sacct sacct;

	memcpy(copy, data, size);
	if (sacct_heading(next_line(&rest), &sacct, why)) {
		if (!*why)
			abort();
		return 0;
	}
	for (int i = 0; rest.len && i < 17; i++) {
		struct bytes line = next_line(&rest);

		*why = '\0';
		if (sacct_line(&sacct, line, &job, why)) {
			if (!*why)
				abort();
			continue;
		}
		check_job(&job);
		if (sacct_line(&sacct, line, &again, why) || memcmp(&job, &again, sizeof(job)) != 0)
			abort();
		sacct_add_step(&again, &job);
	}
	return 0;
}
