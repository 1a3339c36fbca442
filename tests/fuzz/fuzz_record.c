/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a spool file: what is read prints to a line that is read and prints the same. */
#include "common/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const cJSON *record)
{
	static const char *const paths[] = {"schema", "a", "exe.path", "exe.size", "start"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *text = NULL;
		uint8_t uuid[16];
		uint64_t value;
		double number;
		size_t len;
		bool is;

		record_get_text(record, paths[i], &text, &len);
		record_get_u64(record, paths[i], &value);
		record_get_number(record, paths[i], &number);
		record_get_bool(record, paths[i], &is);
		record_get_time(record, paths[i], &value);
		record_get_uuid(record, paths[i], uuid);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just that size: a read behind it is found. */
	_cleanup_free_ char *copy = malloc(size ?: 1), *line = NULL, *line_again = NULL;
	_cleanup_json_ cJSON *record = NULL, *again = NULL;
	char kind[32];
	size_t len;

	memcpy(copy, data, size);
	if (record_parse((struct bytes){copy, size}, &record) < 0)
		return 0;
	ask(record);
	record_kind(record, kind, sizeof(kind));
	line = record_print(record, &len);
	/* Printed numbers may be longer than they were. */
	if (!line || len > RECORD_LINE_MAX)
		return 0;
	if (record_parse((struct bytes){line, len}, &again) < 0)
		abort();
	line_again = record_print(again, &len);
	if (!line_again || strcmp(line, line_again))
		abort();
	return 0;
}
