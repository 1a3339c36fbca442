/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/age.h"

#include <errno.h>

int age_parse(const char *text, uint32_t *ret_days)
{
	static const struct {
		char unit;
		uint32_t days;
	} units[] = {{'d', 1}, {'w', 7}, {'m', 30}, {'y', 365}};
	uint64_t number = 0;
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 5 || strlen(text) != digits + 1)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		number = 10 * number + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit != text[digits])
			continue;
		number *= units[i].days;
		if (!number || number > AGE_DAYS_MAX)
			return -EINVAL;
		*ret_days = (uint32_t)number;
		return 0;
	}
	return -EINVAL;
}
