/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/counts.h"

void counts_print(const char *done, uint64_t files, const struct count_part *parts, size_t count)
{
	printf("%s %llu %s", done, (unsigned long long)files, files == 1 ? "file" : "files");
	for (size_t i = 0; i < count; i++)
		if (parts[i].count || parts[i].is_always)
			printf(", %llu %s", (unsigned long long)parts[i].count,
			       parts[i].count == 1 ? parts[i].one : parts[i].many);
	puts("");
}
