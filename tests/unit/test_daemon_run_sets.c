// SPDX-License-Identifier: BSD-2-Clause
/* Sets: sorted, each variable once, and a hash of what they say and nothing else. */
#include "tests/unit/daemon_image.h"

#include "common/text.h"

static struct facts *facts;

static int facts_begin(void **state)
{
	(void)state;
	return facts_new(0, &facts);
}

static void variables_stand_once_and_sorted(void **state)
{
	static const struct {
		struct bytes env;
		const char *json;
	} cases[] = {
		{BYTES_INIT(""), "{}"},
		{BYTES_INIT("B=2\0A=1\0"), "{\"A\":\"1\",\"B\":\"2\"}"},
		/* by name, not by what stands behind: '-' and '1' are smaller than '=' */
		{BYTES_INIT("A1=x\0A-=y\0A=z\0"), "{\"A\":\"z\",\"A-\":\"y\",\"A1\":\"x\"}"},
		/* set twice: the first counts, as for getenv() */
		{BYTES_INIT("A=2\0B=x\0A=1\0A=3\0"), "{\"A\":\"2\",\"B\":\"x\"}"},
		{BYTES_INIT("A=first\0A1=y\0A=\0"), "{\"A\":\"first\",\"A1\":\"y\"}"},
		/* names differ by case */
		{BYTES_INIT("http_proxy=a\0HTTP_PROXY=b\0"),
		 "{\"HTTP_PROXY\":\"b\",\"http_proxy\":\"a\"}"},
		{BYTES_INIT("A=B=C\0D=\0"), "{\"A\":\"B=C\",\"D\":\"\"}"},
		{BYTES_INIT("A\0=B\0\0C=1\0"), "{\"C\":\"1\"}"},
		{BYTES_INIT("A=1\0B=cut"), "{\"A\":\"1\",\"B\":\"cut\"}"},
		/* names that look alike as UTF-8: one of them, since a JSON name stands once */
		{BYTES_INIT("\xff=1\0\xfe=2\0\xef\xbf\xbd=3\0"), "{\"\ufffd\":\"3\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image *image =
			image_of(facts, &(struct exec_texts){.env = cases[i].env}, 0, 0);
		_cleanup_json_ cJSON *set = run_env_set(image, "0");
		_cleanup_free_ char *text = cJSON_PrintUnformatted(record_get(set, "env"));

		assert_string_equal(text, cases[i].json);
		assert_null(record_get(set, "env_b64"));
		image_free(facts, image);
	}
}

static void values_that_are_not_utf8_stand_exactly(void **state)
{
	struct image *image = image_of(
		facts, &(struct exec_texts){.env = BYTES("A=\xff\xfe\0B=plain\0C=a\xc3\0")}, 0, 0);
	_cleanup_json_ cJSON *set = run_env_set(image, "0");
	_cleanup_free_ char *text = cJSON_PrintUnformatted(record_get(set, "env_b64"));

	(void)state;
	assert_string_equal(text, "{\"A\":\"//4=\",\"C\":\"YcM=\"}");
	image_free(facts, image);
}

static void env_hash_of(struct bytes env, char ret[ID_HASH_SIZE])
{
	struct image *image = image_of(facts, &(struct exec_texts){.env = env}, 0, 0);

	run_env_hash(image, ret);
	image_free(facts, image);
}

static void equal_environments_have_one_hash(void **state)
{
	static const struct bytes equal[] = {BYTES_INIT("A=1\0B=2\0"), BYTES_INIT("B=2\0A=1\0"),
					     BYTES_INIT("B=2\0A=1"), BYTES_INIT("B=2\0A=1\0A=3\0"),
					     BYTES_INIT("\0B=2\0X\0A=1\0")};
	static const struct bytes others[] = {BYTES_INIT("A=1\0B=3\0"), BYTES_INIT("A=1\0"),
					      BYTES_INIT(""), BYTES_INIT("A=1B=2\0")};
	char first[ID_HASH_SIZE], hash[ID_HASH_SIZE];

	(void)state;
	env_hash_of(equal[0], first);
	assert_int_equal(strspn(first, "0123456789abcdef"), 32);
	for (size_t i = 1; i < ARRAY_SIZE(equal); i++) {
		env_hash_of(equal[i], hash);
		assert_string_equal(hash, first);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		env_hash_of(others[i], hash);
		assert_string_not_equal(hash, first);
	}
}

/* exec, the objects of a list of letters, exit. */
static struct image *image_of_objects(const char *letters)
{
	static union event_room room;
	struct event head = IMAGE_HEAD;
	char path[] = "/lib/?.so";
	struct live *live;

	assert_int_equal(live_new(facts, &live), 0);
	event_make_exec(&room, &head, &(struct exec_texts){});
	live_apply(live, &room.head, false);
	for (; *letters; letters++) {
		path[5] = *letters;
		event_make_mmap(&room, &head, *letters + 1000, bytes_of(path));
		live_apply(live, &room.head, false);
	}
	event_make_exit(&room, &head, 0);
	live_apply(live, &room.head, false);
	return image_take(facts, live);
}

static void objects_stand_in_load_order(void **state)
{
	struct image *image = image_of_objects("cab");
	_cleanup_json_ cJSON *set = NULL;
	_cleanup_free_ char *text = NULL;

	(void)state;
	image->objects[0]->state = FACT_KNOWN;
	image->objects[0]->notes =
		(struct note_ids){.build_id_len = 3, .build_id = {0xab, 0xcd, 0x01}};
	image->objects[1]->state = FACT_KNOWN;
	image->objects[1]->notes = (struct note_ids){.has_watermark = true, .watermark = {1, 2}};
	/* what a fact says while it isn't known is nothing */
	image->objects[2]->notes = image->objects[0]->notes;
	set = run_object_set(image, "0");
	text = cJSON_PrintUnformatted(record_get(set, "objects"));
	assert_string_equal(text,
			    "[{\"path\":\"/lib/c.so\",\"build_id\":\"abcd01\",\"watermark\":null},"
			    "{\"path\":\"/lib/a.so\",\"build_id\":null,"
			    "\"watermark\":\"01020000-0000-0000-0000-000000000000\"},"
			    "{\"path\":\"/lib/b.so\",\"build_id\":null,\"watermark\":null}]");
	for (int i = 0; i < 3; i++) {
		image->objects[i]->state = FACT_ASKED;
		image->objects[i]->notes = (struct note_ids){};
	}
	image_free(facts, image);
}

static void object_hashes_tell_sets_apart(void **state)
{
	static const char *const lists[] = {"", "a", "b", "ab", "ba", "abc"};
	char hashes[ARRAY_SIZE(lists) + 1][ID_HASH_SIZE], again[ID_HASH_SIZE];
	struct image *image;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		image = image_of_objects(lists[i]);
		run_object_hash(image, hashes[i]);
		image_free(facts, image);
	}
	image = image_of_objects("a");
	run_object_hash(image, again);
	assert_string_equal(again, hashes[1]);
	image->objects[0]->state = FACT_KNOWN;
	image->objects[0]->notes = (struct note_ids){.build_id_len = 1, .build_id = {1}};
	run_object_hash(image, hashes[ARRAY_SIZE(lists)]);
	image->objects[0]->state = FACT_ASKED;
	image_free(facts, image);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(hashes[i], hashes[j]);
}

/* Each node of a site shares the sets of all others: the hash must not change with the program. */
static void hashes_stay_what_they_are(void **state)
{
	struct image *image = image_of_objects("ab");
	char hash[ID_HASH_SIZE];

	(void)state;
	run_object_hash(image, hash);
	assert_string_equal(hash, "09cd3150fc2363f02bb59c3ca1c95e3c");
	image_free(facts, image);
	env_hash_of(BYTES("A=1\0B=2\0"), hash);
	assert_string_equal(hash, "8a84f0b672111dc4408273dfae3095a1");
}

static void empty_sets_of_two_kinds_differ(void **state)
{
	struct image *image = image_of(facts, &(struct exec_texts){.env = BYTES_INIT("")}, 0, 0);
	char objects[ID_HASH_SIZE], env[ID_HASH_SIZE];

	(void)state;
	run_object_hash(image, objects);
	run_env_hash(image, env);
	assert_true(*objects && *env);
	assert_string_not_equal(objects, env);
	image_free(facts, image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_stand_once_and_sorted),
		cmocka_unit_test(values_that_are_not_utf8_stand_exactly),
		cmocka_unit_test(equal_environments_have_one_hash),
		cmocka_unit_test(objects_stand_in_load_order),
		cmocka_unit_test(object_hashes_tell_sets_apart),
		cmocka_unit_test(empty_sets_of_two_kinds_differ),
		cmocka_unit_test(hashes_stay_what_they_are),
	};

	return cmocka_run_group_tests(tests, facts_begin, NULL);
}
