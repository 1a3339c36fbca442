/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/names_complaints.h"

#include <stdarg.h>

void names_complain(struct names_complaints *complaints, const char *file, unsigned int line,
		    const char *format, ...)
{
	va_list arguments;

	if (complaints->count++ >= NAMES_COMPLAINTS_MAX)
		return;
	fprintf(complaints->out, "%s%s:", complaints->count > 1 ? "\n" : "", file);
	if (line)
		fprintf(complaints->out, "%u:", line);
	fputc(' ', complaints->out);
	va_start(arguments, format);
	vfprintf(complaints->out, format, arguments);
	va_end(arguments);
}
