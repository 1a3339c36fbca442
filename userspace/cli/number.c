/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/number.h"
#include <math.h>

#define TEXT_SIZE 400 /* the greatest double has 309 digits, and then the commas */

char *number_format_count(double value)
{
	char digits[TEXT_SIZE], text[2 * TEXT_SIZE], *out = text;
	size_t len;

	len = (size_t)snprintf(digits, sizeof(digits), "%.0f", value);
	for (size_t i = 0; i < len; i++) {
		size_t left = len - i;

		if (i && left % 3 == 0 && digits[i - 1] != '-')
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return strdup(text);
}

/* At least three digits that count, and never 0 for what is not. */
static char *format(double value, double least, const char *below)
{
	char text[TEXT_SIZE];

	if (value == 0)
		return strdup("0");
	if (fabs(value) < least)
		return strdup(below);
	if (fabs(value) >= 99.95)
		return number_format_count(round(value));
	snprintf(text, sizeof(text), "%.*f", value >= 9.995 ? 1 : value >= 0.995 ? 2 : 3, value);
	return strdup(text);
}

char *number_format_hours(double value)
{
	return format(value, 0.001, "<0.001");
}

char *number_format_percent(double value)
{
	return format(value, 0.001, "<0.001");
}
