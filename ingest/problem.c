/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/problem.h"

#include <errno.h>
#include <stdarg.h>

int problem_set(struct problem *problem, const char *field, const char *format, ...)
{
	va_list args;

	snprintf(problem->field, sizeof(problem->field), "%s", field);
	va_start(args, format);
	vsnprintf(problem->reason, sizeof(problem->reason), format, args);
	va_end(args);
	return -EINVAL;
}
