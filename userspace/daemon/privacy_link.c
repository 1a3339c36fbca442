// SPDX-License-Identifier: BSD-2-Clause
/* Command lines of link records. */
#include "daemon/privacy_state.h"

#include "common/record.h"
#include "common/text.h"

struct texts {
	struct bytes *items;
	size_t count;
};

static void texts_done(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free((char *)texts->items[i].data);
	free(texts->items);
}

/* A member's exact bytes, of which the caller owns the copy. */
static bool member_copy(const cJSON *member, const cJSON *base64, struct bytes *ret)
{
	char *copy;
	size_t len;

	if (cJSON_IsString(base64)) {
		if (text_from_base64(base64->valuestring, &copy, &len))
			return false;
	} else {
		len = strlen(member->valuestring);
		copy = strdup(member->valuestring);
	}
	*ret = (struct bytes){copy, len};
	return copy;
}

/* Replaces secrets in one. False if memory ran out. */
static bool item_scrub(struct scrub *scrub, struct bytes *item, bool *is_changed)
{
	struct bytes scrubbed = scrub_argument(scrub, *item);
	char *copy;

	if (scrubbed.data == item->data)
		return true;
	copy = malloc(scrubbed.len + 1);
	if (!copy)
		return false;
	memcpy(copy, scrubbed.data, scrubbed.len);
	free((char *)item->data);
	*item = (struct bytes){copy, scrubbed.len};
	*is_changed = true;
	return true;
}

static bool texts_scrub(struct privacy *p, const cJSON *array, const cJSON *base64_array,
			struct texts *texts, const char **ret_what)
{
	const cJSON *base64 = base64_array ? base64_array->child : NULL, *member;
	bool only_name = p->config->argv == CONFIG_ARGV_NAME, is_changed = false;

	texts->items = calloc(cJSON_GetArraySize(array) + 1, sizeof(*texts->items));
	if (!texts->items)
		return false;
	scrub_begin(p->scrub);
	cJSON_ArrayForEach (member, array) {
		struct bytes *item = &texts->items[texts->count];

		if (only_name && texts->count) {
			*ret_what = "not kept by configuration";
			return true;
		}
		if (!cJSON_IsString(member) || !member_copy(member, base64, item))
			return false;
		texts->count++;
		if (!item_scrub(p->scrub, item, &is_changed))
			return false;
		base64 = base64 ? base64->next : NULL;
	}
	*ret_what = is_changed ? "secrets replaced" : NULL;
	return true;
}

/* The array "name" of object. above: what the object is called in the record. */
static bool command_scrub(struct privacy *p, cJSON *record, cJSON *object, const char *above,
			  const char *name)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, name);
	cJSON *incomplete = cJSON_GetObjectItemCaseSensitive(record, "incomplete");
	_cleanup_(texts_done) struct texts texts = {0};
	const char *what = NULL;
	char base64[64], text[128];

	snprintf(base64, sizeof(base64), "%s_b64", name);
	if (!cJSON_IsArray(array))
		return true;
	if (!texts_scrub(p, array, cJSON_GetObjectItemCaseSensitive(object, base64), &texts, &what))
		return false;
	if (!what)
		return true;
	snprintf(text, sizeof(text), "%s%s: %s", above, name, what);
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	cJSON_DeleteItemFromObjectCaseSensitive(object, base64);
	return record_add_texts(object, name, texts.items, texts.count) && incomplete &&
	       cJSON_AddItemToArray(incomplete, cJSON_CreateString(text));
}

bool privacy_link(struct privacy *p, cJSON *record)
{
	cJSON *driver = cJSON_GetObjectItemCaseSensitive(record, "driver");

	if (p->config->argv == CONFIG_ARGV_FULL)
		return true;
	return command_scrub(p, record, record, "", "link_line") &&
	       command_scrub(p, record, driver, "driver.", "argv");
}
