// SPDX-License-Identifier: BSD-2-Clause
/* Names of losses, and losses as JSON. */
#include "daemon/losses.h"

static const struct {
	const char *name, *text;
} causes[LOSSES] = {
#define X(cause, cause_name, cause_text) [LOSS_##cause] = {cause_name, cause_text},
	LOSS_CAUSES(X)
#undef X
};

const char *loss_name(enum loss cause)
{
	return causes[cause].name;
}

const char *loss_text(enum loss cause)
{
	return causes[cause].text;
}

cJSON *losses_json(const struct losses *now, const struct losses *base, bool only_grown)
{
	cJSON *json = cJSON_CreateObject();

	for (enum loss cause = 0; json && cause < LOSSES; cause++) {
		uint64_t grown = now->count[cause] - (base ? base->count[cause] : 0);

		if ((grown || !only_grown) &&
		    !cJSON_AddNumberToObject(json, causes[cause].name, grown)) {
			cJSON_Delete(json);
			json = NULL;
		}
	}
	return json;
}
