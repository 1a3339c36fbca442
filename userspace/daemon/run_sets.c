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

		struct bytes path = fact_path(fact);

		XXH3_128bits_update(state, path.data, path.len + 1);
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
		    !record_add_text(object, "path", fact_path(fact)) ||
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

static size_t name_len(struct bytes entry)
{
	const char *equals = entry.len ? memchr(entry.data, '=', entry.len) : NULL;

	return equals ? (size_t)(equals - entry.data) : 0;
}

/* By name; of one that is set twice, the first first: it counts, as for getenv(). */
static int entry_compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	size_t x_len = name_len(*x), y_len = name_len(*y);
	int order = memcmp(x->data, y->data, MIN(x_len, y_len));

	if (order || x_len != y_len)
		return order ? order : x_len < y_len ? -1 : 1;
	return x->data < y->data ? -1 : x->data > y->data;
}

/* The image's variables, sorted by name, each once and without its NUL. Number; *ret is freed by
 * the caller. */
static size_t env_sorted(const struct image *image, struct bytes **ret)
{
	struct bytes env = {NULL, 0}, *entries;
	size_t count = 0, kept = 0, i;

	if (image->exec)
		env = event_bytes(&image->exec->head, image->exec->env);
	for (i = 0; i < env.len; i++)
		count += !env.data[i] || i + 1 == env.len;
	entries = calloc(count + 1, sizeof(*entries));
	*ret = entries;
	if (!entries)
		return 0;
	for (i = 0; env.len; env.data += i, env.len -= i) {
		struct bytes entry = {env.data, strnlen(env.data, env.len)};

		if (name_len(entry))
			entries[kept++] = entry;
		i = MIN(entry.len + 1, env.len);
	}
	qsort(entries, kept, sizeof(*entries), entry_compare);
	for (i = count = 0; i < kept; i++)
		if (!count || name_len(entries[i]) != name_len(entries[count - 1]) ||
		    memcmp(entries[i].data, entries[count - 1].data, name_len(entries[i])))
			entries[count++] = entries[i];
	return count;
}

void run_env_hash(const struct image *image, char ret[ID_HASH_SIZE])
{
	_cleanup_free_ struct bytes *entries = NULL;
	XXH3_state_t *state;
	size_t count;

	ret[0] = '\0';
	if (!image->exec || image->s.is_trimmed || (image->s.flags & EVENT_ENV_FAULT))
		return;
	count = env_sorted(image, &entries);
	state = entries ? XXH3_createState() : NULL;
	if (!state)
		return;
	XXH3_128bits_reset(state);
	for (size_t i = 0; i < count; i++) {
		XXH3_128bits_update(state, entries[i].data, entries[i].len);
		XXH3_128bits_update(state, "", 1);
	}
	if (!count) /* an empty environment is not the same set as no objects */
		XXH3_128bits_update(state, "", 1);
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
		struct bytes name = {entries[i].data, name_len(entries[i])};
		struct bytes value = {name.data + name.len + 1, entries[i].len - name.len - 1};
		_cleanup_free_ char *name_text = text_to_utf8(name),
				    *value_text = text_to_utf8(value);

		if (!name_text || !value_text ||
		    /* names that are not UTF-8 may look alike */
		    (strstr(name_text, "\ufffd") &&
		     cJSON_GetObjectItemCaseSensitive(env, name_text)))
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
