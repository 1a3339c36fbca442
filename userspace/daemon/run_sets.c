// SPDX-License-Identifier: BSD-2-Clause
/*
 * The sets that runs refer to: objects in load order, environment sorted by name. A set's hash is
 * of what it says and nothing else, so that all nodes of a site that run the same libraries share
 * one set.
 */
#include "common/record.h"
#include "common/text.h"
#include "daemon/run_record.h"

#include <xxhash.h>

static void digest(XXH3_state_t *state, char ret[ID_HASH_SIZE])
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	text_to_hex(&canonical, sizeof(canonical), ret);
	XXH3_freeState(state);
}

static bool object_is_stamped(const struct fact *fact)
{
	return fact->state == FACT_KNOWN && note_is_stamped(&fact->notes);
}

static size_t object_build_id_len(const struct fact *fact)
{
	return fact->state == FACT_KNOWN ? fact->notes.build_id_len : 0;
}

void run_object_hash(const struct image *image, char ret[ID_HASH_SIZE])
{
	XXH3_state_t *state = XXH3_createState();

	ret[0] = '\0';
	if (!state)
		return;
	XXH3_128bits_reset(state);
	for (uint32_t i = 0; i < image->object_count; i++) {
		const struct fact *fact = image->objects[i];
		uint8_t lens[2] = {object_build_id_len(fact),
				   object_is_stamped(fact) ? NOTE_UUID_LEN : 0};

		XXH3_128bits_update(state, fact->path, fact->path_len + 1);
		XXH3_128bits_update(state, lens, sizeof(lens));
		XXH3_128bits_update(state, fact->notes.build_id, lens[0]);
		XXH3_128bits_update(state, fact->notes.watermark, lens[1]);
	}
	digest(state, ret);
}

cJSON *run_object_set(const struct image *image, const char *hash)
{
	cJSON *set = cJSON_CreateObject(), *objects;

	if (!set)
		return NULL;
	cJSON_AddStringToObject(set, "schema", RECORD_SCHEMA("set"));
	cJSON_AddStringToObject(set, "hash", hash);
	objects = cJSON_AddArrayToObject(set, "objects");
	for (uint32_t i = 0; i < image->object_count; i++) {
		const struct fact *fact = image->objects[i];
		char hex[2 * NOTE_BUILD_ID_MAX + 1];
		cJSON *object = cJSON_CreateObject();

		if (!cJSON_AddItemToArray(objects, object) ||
		    !record_add_text(object, "path", (struct bytes){fact->path, fact->path_len}) ||
		    !(object_build_id_len(fact)
			      ? cJSON_AddStringToObject(object, "build_id",
							text_to_hex(fact->notes.build_id,
								    fact->notes.build_id_len,
								    hex)) != NULL
			      : record_add_null(object, "build_id")) ||
		    !record_add_uuid(object, "watermark",
				     object_is_stamped(fact) ? fact->notes.watermark : NULL)) {
			cJSON_Delete(set);
			return NULL;
		}
	}
	return set;
}

static int entry_compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	int order = memcmp(x->data, y->data, MIN(x->len, y->len));

	return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

/* The image's variables, sorted by name; each without its NUL. Number; *ret is freed by the caller.
 */
static size_t env_sorted(const struct image *image, struct bytes **ret)
{
	struct bytes env = {NULL, 0}, *entries;
	size_t count = 0, i;

	if (image->exec)
		env = event_bytes(&image->exec->head, image->exec->env);
	for (i = 0; i < env.len; i++)
		count += !env.data[i] || i + 1 == env.len;
	entries = calloc(count + 1, sizeof(*entries));
	for (i = 0; entries && env.len; i++) {
		size_t len = strnlen(env.data, env.len), step = MIN(len + 1, env.len);

		entries[i] = (struct bytes){env.data, len};
		env.data += step;
		env.len -= step;
	}
	*ret = entries;
	if (!entries)
		return 0;
	qsort(entries, i, sizeof(*entries), entry_compare);
	return i;
}

void run_env_hash(const struct image *image, char ret[ID_HASH_SIZE])
{
	_cleanup_free_ struct bytes *entries = NULL;
	XXH3_state_t *state = XXH3_createState();
	size_t count = env_sorted(image, &entries);

	ret[0] = '\0';
	if (!state)
		return;
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < count; i++) {
		XXH3_128bits_update(state, entries[i].data, entries[i].len);
		XXH3_128bits_update(state, "", 1);
	}
	digest(state, ret);
}

cJSON *run_env_set(const struct image *image, const char *hash)
{
	_cleanup_free_ struct bytes *entries = NULL;
	size_t count = env_sorted(image, &entries);
	cJSON *set = cJSON_CreateObject(), *env, *exact = NULL;

	if (!set)
		return NULL;
	cJSON_AddStringToObject(set, "schema", RECORD_SCHEMA("set"));
	cJSON_AddStringToObject(set, "hash", hash);
	env = cJSON_AddObjectToObject(set, "env");
	for (size_t i = 0; i < count; i++) {
		const char *equals = memchr(entries[i].data, '=', entries[i].len);
		struct bytes name = {entries[i].data, equals ? equals - entries[i].data : 0};
		struct bytes value = {equals ? equals + 1 : NULL,
				      equals ? entries[i].len - name.len - 1 : 0};
		_cleanup_free_ char *name_text = text_to_utf8(name),
				    *value_text = text_to_utf8(value);

		if (!name.len || !name_text || !value_text ||
		    cJSON_HasObjectItem(
			    env, name_text)) /* set twice: the first counts, as for getenv() */
			continue;
		cJSON_AddStringToObject(env, name_text, value_text);
		if (!text_is_utf8(value)) {
			_cleanup_free_ char *base64 = text_to_base64(value);

			if (!exact)
				exact = cJSON_CreateObject();
			if (base64)
				cJSON_AddStringToObject(exact, name_text, base64);
		}
	}
	if (exact)
		cJSON_AddItemToObject(set, "env_b64", exact);
	return set;
}
