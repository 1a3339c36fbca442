/* SPDX-License-Identifier: BSD-2-Clause */
/* Ages, keys of pseudonyms, and which paths are personal. */
#include "tests/unit/unit.h"

#include "common/age.h"
#include "common/fs.h"
#include "ingest/pseudonym.h"

#include <errno.h>
#include <sys/stat.h>

static void ages_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int days; /* 0: refused */
	} cases[] = {
		{"1d", 1},
		{"180d", 180},
		{"26w", 182},
		{"6m", 180},
		{"2y", 730},
		{"100y", 36500},
		{"36500d", 36500},
		{"007d", 7},
		{"", 0},
		{"d", 0},
		{"180", 0},
		{"0d", 0},
		{"00y", 0},
		{"101y", 0},
		{"36501d", 0},
		{"-1d", 0},
		{"+1d", 0},
		{" 1d", 0},
		{"1d ", 0},
		{"1.5y", 0},
		{"1h", 0},
		{"1D", 0},
		{"1dd", 0},
		{"999999d", 0},
		{"99999999999999999999d", 0},
		{"0x1d", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t days = 77;
		int r = age_parse(cases[i].text, &days);

		if (r != (cases[i].days ? 0 : -EINVAL) ||
		    days != (uint32_t)(cases[i].days ? cases[i].days : 77))
			fail_msg("%s: %d, %u", cases[i].text, r, days);
	}
}

/* HMAC-SHA-256 by another program: printf 'user\0alice' | openssl dgst -sha256 -mac hmac
 * -macopt hexkey:000102…1f */
static void hashes_are_hmac_sha_256(void **state)
{
	uint8_t bytes[PSEUDONYM_KEY_SIZE];
	char name[PSEUDONYM_NAME_SIZE];
	struct pseudonym_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hmac_sha256_set_key(&key.state, sizeof(bytes), bytes);
	pseudonym_of_user(&key, bytes_of("alice"), name);
	assert_string_equal(name, "~34d45cbc91de5ce7");
	pseudonym_of_user(&key, bytes_of(""), name);
	assert_string_equal(name, "~27c4674af6707cea");
}

static bool is_account(void *arg, struct bytes name)
{
	static const char *const names[] = {"alice", "bob.x", "anna-maria_s",
					    "li",    "bin",   "swadmin"};

	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == name.len && !memcmp(names[i], name.data, name.len))
			return true;
	return false;
}

static void init_rules(struct pseudonym_rules *rules, struct pseudonym_key *key)
{
	static char *homes[] = {"/home/*", "/gpfs/u*/[a-z]*", "/root", "/run/user/*", "/tmp"};
	static char *others[] = {"bin", "sw*"};
	static const struct config_list home_list = {homes, ARRAY_SIZE(homes)};
	static const struct config_list other_list = {others, ARRAY_SIZE(others)};

	hmac_sha256_set_key(&key->state, 3, (const uint8_t *)"key");
	*rules = (struct pseudonym_rules){.key = key,
					  .homes = &home_list,
					  .not_persons = &other_list,
					  .is_account = is_account};
}

static void personal_paths_are_known(void **state)
{
	static const struct {
		struct bytes path;
		const char *owner; /* NULL: not personal; "": of nobody known */
	} cases[] = {
		/* below homes */
		{BYTES_INIT("/home/carol/a.out"), "carol"},
		{BYTES_INIT("/home/carol"), "carol"},
		{BYTES_INIT("//home///carol//x"), "carol"},
		{BYTES_INIT("/home"), NULL},
		{BYTES_INIT("/home/"), NULL},
		{BYTES_INIT("/homes/carol"), NULL},
		{BYTES_INIT("/srv/home/carol"), NULL},
		{BYTES_INIT("/home/group/alice/x"), "alice"},
		{BYTES_INIT("/gpfs/u7/dora/x"), "dora"},
		{BYTES_INIT("/gpfs/u7/Dora/x"), NULL},
		{BYTES_INIT("/gpfs/v7/dora/x"), NULL},
		{BYTES_INIT("/root/x"), ""},
		{BYTES_INIT("/run/user/1000/x"), "uid:1000"},
		{BYTES_INIT("/home/12345678901/x"), "12345678901"},
		{BYTES_INIT("/tmp/x"), ""},
		{BYTES_INIT("/tmp/x.alice.7"), "alice"},
		/* accounts */
		{BYTES_INIT("/scratch/alice/a.out"), "alice"},
		{BYTES_INIT("/scratch/~alice/a.out"), "alice"},
		{BYTES_INIT("/scratch/x/alice"), "alice"},
		{BYTES_INIT("alice/x"), "alice"},
		{BYTES_INIT("/data/bob.x/y"), "bob.x"},
		{BYTES_INIT("/data/of_bob.x-7/y"), "bob.x"},
		{BYTES_INIT("/data/(anna-maria_s)/y"), "anna-maria_s"},
		{BYTES_INIT("/data/alice_run/y"), "alice"},
		{BYTES_INIT("/data/run-alice"), "alice"},
		{BYTES_INIT("/data/malice/y"), NULL},
		{BYTES_INIT("/data/alice7/y"), NULL},
		{BYTES_INIT("/data/Alice/y"), NULL},
		{BYTES_INIT("/data/li/y"), "li"},
		{BYTES_INIT("/data/li-7/y"), NULL}, /* too short for a word */
		{BYTES_INIT("/usr/lib/alice-1.2/x"), NULL},
		{BYTES_INIT("/usr/lib/alice/x"), "alice"},
		{BYTES_INIT("/usr/local/alice-1.2/x"), "alice"},
		{BYTES_INIT("/usr/bin/x"), NULL},
		{BYTES_INIT("/opt/swadmin/x"), NULL},
		{BYTES_INIT("docker.io/alice/image:7"), "alice"},
		{BYTES_INIT("/memfd:alice (deleted)"), "alice"},
		/* odd ones */
		{BYTES_INIT(""), NULL},
		{BYTES_INIT("/"), NULL},
		{BYTES_INIT("///"), NULL},
		{BYTES_INIT("~"), NULL},
		{BYTES_INIT("/home/\xff\xfe/x"), "\xff\xfe"},
		{BYTES_INIT("/home/a\nb/x"), "a\nb"},
		{BYTES_INIT("/~0123456789abcdef/0123456789abcdef"), NULL},
		{BYTES_INIT("/~/0123456789abcdef"), NULL},
		{BYTES_INIT("/~alice/0123456789abcdef"), "alice"},
		{BYTES_INIT("/~0123456789abcdef/0123456789abcdef/alice"), "alice"},
	};
	struct pseudonym_key key;
	struct pseudonym_rules rules;

	(void)state;
	init_rules(&rules, &key);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[PSEUDONYM_PATH_SIZE] = "", owner[PSEUDONYM_NAME_SIZE] = "~";
		bool is_personal = pseudonym_of_path(&rules, cases[i].path, path);

		if (is_personal != !!cases[i].owner)
			fail_msg("%s: %d", cases[i].path.data, is_personal);
		if (!is_personal)
			continue;
		if (*cases[i].owner)
			pseudonym_of_user(&key, bytes_of(cases[i].owner), owner);
		if (memcmp(path + 1, owner, strlen(owner)) || path[1 + strlen(owner)] != '/' ||
		    strlen(path) != 1 + strlen(owner) + 1 + 16)
			fail_msg("%s: %s", cases[i].path.data, path);
		/* once is enough */
		assert_false(pseudonym_of_path(&rules, bytes_of(path), path));
	}
}

static void long_paths_are_read(void **state)
{
	enum { SIZE = 65536 };
	_cleanup_free_ char *path = malloc(SIZE);
	char out[PSEUDONYM_PATH_SIZE];
	struct pseudonym_key key;
	struct pseudonym_rules rules;

	(void)state;
	init_rules(&rules, &key);
	memset(path, 'a', SIZE);
	assert_false(pseudonym_of_path(&rules, (struct bytes){path, SIZE}, out));
	memcpy(path, "/home/", 6);
	assert_false(pseudonym_of_path(&rules, (struct bytes){path, SIZE}, out));
	for (size_t i = 0; i < SIZE; i++)
		path[i] = i % 2 ? '-' : 'b';
	assert_false(pseudonym_of_path(&rules, (struct bytes){path, SIZE}, out));
	memset(path, '/', SIZE);
	memcpy(path + SIZE - 5, "alice", 5);
	assert_true(pseudonym_of_path(&rules, (struct bytes){path, SIZE}, out));
}

static void pseudonyms_are_known(void **state)
{
	static const struct {
		const char *name;
		bool is_pseudonym;
	} cases[] = {
		{"~0123456789abcdef", true},
		{"~0123456789abcde", false},
		{"~0123456789abcdef0", false},
		{"~0123456789ABCDEF", false},
		{"0123456789abcdef0", false},
		{"", false},
		{"~", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (pseudonym_is_user(bytes_of(cases[i].name)) != cases[i].is_pseudonym)
			fail_msg("%s", cases[i].name);
}

static void keys_are_made_and_destroyed(void **state)
{
	char folder[] = "/tmp/runmark-key.XXXXXX", path[64], why[PSEUDONYM_WHY_SIZE], *text;
	struct pseudonym_key key, again;
	char name[PSEUDONYM_NAME_SIZE], same[PSEUDONYM_NAME_SIZE];
	struct stat st;
	size_t len;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(pseudonym_key_load(path, &key, why), -ENOENT);
	assert_int_equal(pseudonym_key_destroy(path, why), -ENOENT);
	assert_int_equal(pseudonym_key_make(path, why), 0);
	assert_int_equal(pseudonym_key_make(path, why), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(pseudonym_key_load(path, &key, why), 0);
	assert_int_equal(pseudonym_key_load(path, &again, why), 0);
	pseudonym_of_user(&key, bytes_of("alice"), name);
	pseudonym_of_user(&again, bytes_of("alice"), same);
	assert_string_equal(name, same);
	assert_int_equal(pseudonym_key_id(&key), pseudonym_key_id(&again));
	assert_int_equal(fs_read_file(AT_FDCWD, path, 100, &text, &len), 0);
	assert_int_equal(len, 65);
	free(text);
	assert_int_equal(chmod(path, 0604), 0);
	assert_int_equal(pseudonym_key_load(path, &key, why), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 64), 0);
	assert_int_equal(pseudonym_key_load(path, &key, why), -EINVAL);
	assert_int_equal(pseudonym_key_destroy(path, why), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(pseudonym_key_make(path, why), 0);
	assert_int_equal(pseudonym_key_load(path, &again, why), 0);
	pseudonym_of_user(&again, bytes_of("alice"), same);
	assert_string_not_equal(name, same);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(pseudonym_key_load(path, &key, why), -ELOOP);
	assert_int_equal(pseudonym_key_destroy(path, why), -ELOOP);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pseudonym_key_load(path, &key, why), -EINVAL);
	unlink(path);
	assert_int_equal(pseudonym_key_make("/nowhere/at/all", why), -ENOENT);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ages_are_parsed),
		cmocka_unit_test(hashes_are_hmac_sha_256),
		cmocka_unit_test(personal_paths_are_known),
		cmocka_unit_test(long_paths_are_read),
		cmocka_unit_test(pseudonyms_are_known),
		cmocka_unit_test(keys_are_made_and_destroyed),
	};

	return cmocka_run_group_tests_name("pseudonym", tests, NULL, NULL);
}
