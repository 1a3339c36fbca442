// SPDX-License-Identifier: BSD-2-Clause
/* What is kept of a user's words, as the configuration says: of an exec's event, a blank one of
 * who opts out, and a link record's command lines. */
#include "tests/unit/unit.h"

#include "common/record.h"
#include "daemon/privacy.h"
#include "tests/unit/daemon_events.h"

static char *allowed[] = {"OMP_*"};
static char *more[] = {"--pin"};
static union event_room in, out, again;

static struct privacy *privacy_of(enum config_argv argv, bool opt_out)
{
	static struct config config;
	struct privacy *privacy;

	config = (struct config){
		.environment = {allowed, 1}, .scrub = {more, 1}, .argv = argv, .opt_out = opt_out};
	assert_int_equal(privacy_new(&config, &privacy), 0);
	return privacy;
}

static void exec_make(struct bytes argv, struct bytes env)
{
	const struct event head = {.pid = 7, .start_ns = 9, .exec_id = 3};

	memset(&in, 0, sizeof(in));
	memset(&out, 0xee, sizeof(out));
	event_make_exec(&in, &head, &(struct exec_texts){.argv = argv, .env = env});
}

static void an_exec_keeps_what_the_configuration_says(void **state)
{
	static const struct {
		enum config_argv mode;
		struct bytes argv, wanted;
		uint32_t traits;
	} cases[] = {
		{CONFIG_ARGV_FULL, BYTES_INIT("p\0--token\0s\0"), BYTES_INIT("p\0--token\0s\0"), 0},
		{CONFIG_ARGV_SCRUB, BYTES_INIT("p\0--token\0s\0"),
		 BYTES_INIT("p\0--token\0[scrubbed]\0"), TRAIT_ARGV_SCRUBBED},
		{CONFIG_ARGV_SCRUB, BYTES_INIT("p\0-x\0"), BYTES_INIT("p\0-x\0"), 0},
		{CONFIG_ARGV_SCRUB, BYTES_INIT("p\0--pin\0x\0"),
		 BYTES_INIT("p\0--pin\0[scrubbed]\0"), TRAIT_ARGV_SCRUBBED},
		{CONFIG_ARGV_SCRUB, BYTES_INIT(""), BYTES_INIT(""), 0},
		{CONFIG_ARGV_NAME, BYTES_INIT("p\0--token\0s\0"), BYTES_INIT("p\0"),
		 TRAIT_ARGV_DROPPED},
		{CONFIG_ARGV_NAME, BYTES_INIT("p\0"), BYTES_INIT("p\0"), 0},
		{CONFIG_ARGV_NAME, BYTES_INIT("p"), BYTES_INIT("p"), 0},
		{CONFIG_ARGV_NAME, BYTES_INIT("TOKEN=s\0x\0"), BYTES_INIT("TOKEN=[scrubbed]\0"),
		 TRAIT_ARGV_DROPPED | TRAIT_ARGV_SCRUBBED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct privacy *privacy = privacy_of(cases[i].mode, true);
		const struct event *event;

		exec_make(cases[i].argv, BYTES("A=1\0OMP_X=2\0B=3\0"));
		privacy_exec(privacy, &in.exec, &out.exec);
		assert_int_equal(event_check((struct bytes){out.bytes, out.head.size}, &event), 0);
		assert_int_equal(out.exec.argv.len, cases[i].wanted.len);
		assert_memory_equal(event_bytes(event, out.exec.argv).data, cases[i].wanted.data,
				    cases[i].wanted.len);
		assert_int_equal(out.exec.env.len, 8);
		assert_memory_equal(event_bytes(event, out.exec.env).data, "OMP_X=2", 8);
		assert_memory_equal(event_bytes(event, out.exec.cwd).data, "/home/alice", 11);
		assert_int_equal(out.head.traits, cases[i].traits);
		privacy_exec(privacy, &out.exec, &again.exec);
		assert_int_equal(again.head.size, out.head.size);
		assert_memory_equal(&again.exec, &out.exec, sizeof(out.exec));
		privacy_free(privacy);
	}
}

static void the_longest_event_stays_one(void **state)
{
	static char argv[ARGV_MAX_BYTES], env[ENV_MAX_BYTES], path[PATH_MAX_BYTES];
	struct privacy *privacy = privacy_of(CONFIG_ARGV_SCRUB, true);
	const struct event head = {.pid = 7};
	const struct event *event;

	(void)state;
	memset(path, 'x', sizeof(path));
	memset(env, 'x', sizeof(env));
	memcpy(env, "OMP_X=", 6);
	for (size_t i = 0; i < sizeof(argv); i += 4)
		memcpy(argv + i, i ? "-Ps" : "bcp", 4);
	event_make_exec(&in, &head,
			&(struct exec_texts){.exe = {path, sizeof(path)},
					     .argv = {argv, sizeof(argv)},
					     .env = {env, sizeof(env)}});
	assert_true(in.head.size <= EVENT_MAX_BYTES);
	privacy_exec(privacy, &in.exec, &out.exec);
	assert_int_equal(event_check((struct bytes){out.bytes, sizeof(out)}, &event), 0);
	assert_true(out.exec.argv.len <= ARGV_MAX_BYTES);
	privacy_free(privacy);
}

static void opting_out_is_to_the_letter(void **state)
{
	static const struct {
		struct bytes env;
		bool opts_out;
	} cases[] = {
		{BYTES_INIT("A=1\0RUNMARK_TRACKING=no\0B=2\0"), true},
		{BYTES_INIT("XALT_EXECUTABLE_TRACKING=no\0"), true},
		{BYTES_INIT("RUNMARK_TRACKING=no"), true},
		{BYTES_INIT("RUNMARK_TRACKING=yes\0XALT_EXECUTABLE_TRACKING=no\0"), true},
		{BYTES_INIT("RUNMARK_TRACKING=yes\0"), false},
		{BYTES_INIT("RUNMARK_TRACKING=NO\0"), false},
		{BYTES_INIT("RUNMARK_TRACKING=nope\0"), false},
		{BYTES_INIT("RUNMARK_TRACKING=\0"), false},
		{BYTES_INIT("RUNMARK_TRACKING=n"), false},
		{BYTES_INIT("XRUNMARK_TRACKING=no\0"), false},
		{BYTES_INIT("A=RUNMARK_TRACKING=no\0"), false},
		{BYTES_INIT(""), false},
		{BYTES_INIT("\0\0"), false},
	};
	struct privacy *allowed_here = privacy_of(CONFIG_ARGV_SCRUB, true);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(privacy_opts_out(allowed_here, cases[i].env), cases[i].opts_out);
	privacy_free(allowed_here);
	allowed_here = privacy_of(CONFIG_ARGV_SCRUB, false);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_false(privacy_opts_out(allowed_here, cases[i].env));
	privacy_free(allowed_here);
}

static void a_blank_event_holds_no_word(void **state)
{
	const struct event head = {.pid = 7, .start_ns = 9, .exec_id = 3};
	const struct event *event;

	(void)state;
	exec_make(BYTES("p\0s3cret\0"), BYTES("RUNMARK_TRACKING=no\0"));
	in.exec.before.runtime_ns = 5;
	privacy_blank_exec(&in.exec, &out.exec);
	assert_int_equal(event_check((struct bytes){out.bytes, out.head.size}, &event), 0);
	assert_int_equal(out.head.size, sizeof(out.exec));
	assert_int_equal(out.exec.file.inode, 0);
	assert_int_equal(out.exec.before.runtime_ns, 5);
	assert_int_equal(out.head.exec_id, 3);
	event_make_exit(&in, &head, 256);
	strcpy(in.exit.comm, "s3cret");
	privacy_blank_exit(&in.exit, &out.exit);
	assert_int_equal(event_check((struct bytes){out.bytes, out.head.size}, &event), 0);
	assert_int_equal(out.exit.wait_status, 256);
	assert_int_equal(out.exit.comm[0], 0);
	assert_int_equal(out.exit.notes.len, 0);
}

static void link_records_are_scrubbed(void **state)
{
	static const struct {
		enum config_argv mode;
		const char *before, *after;
	} cases[] = {
		{CONFIG_ARGV_FULL,
		 "{\"link_line\":[\"ld\",\"--token=s\"],\"driver\":null,\"incomplete\":[]}",
		 "{\"link_line\":[\"ld\",\"--token=s\"],\"driver\":null,\"incomplete\":[]}"},
		{CONFIG_ARGV_SCRUB,
		 "{\"link_line\":[\"ld\",\"-o\",\"a\"],\"driver\":{\"argv\":[\"gcc\",\"-DAPI_KEY="
		 "s\",\"x.c\"]},\"incomplete\":[]}",
		 "{\"link_line\":[\"ld\",\"-o\",\"a\"],\"driver\":{\"argv\":[\"gcc\",\"-DAPI_KEY=["
		 "scrubbed]\",\"x.c\"]},"
		 "\"incomplete\":[\"driver.argv: secrets replaced\"]}"},
		{CONFIG_ARGV_SCRUB,
		 "{\"link_line\":[\"a\\ufffd\",\"--token\",\"s\\ufffd\"],\"link_line_b64\":[\"Yf8="
		 "\",null,\"c/8=\"],"
		 "\"driver\":{\"argv\":null},\"incomplete\":[]}",
		 "{\"driver\":{\"argv\":null},\"incomplete\":[\"link_line: secrets replaced\"],"
		 "\"link_line\":[\"a\xef\xbf\xbd\",\"--token\",\"[scrubbed]\"],\"link_line_b64\":["
		 "\"Yf8=\",null,null]}"},
		{CONFIG_ARGV_NAME,
		 "{\"link_line\":[\"ld\",\"-o\",\"a\"],\"driver\":{\"argv\":[\"gcc\"]},"
		 "\"incomplete\":[]}",
		 "{\"driver\":{\"argv\":[\"gcc\"]},\"incomplete\":[\"link_line: not kept by "
		 "configuration\"],"
		 "\"link_line\":[\"ld\"]}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct privacy *privacy = privacy_of(cases[i].mode, true);
		_cleanup_json_ cJSON *record = cJSON_Parse(cases[i].before);
		_cleanup_free_ char *text = NULL;

		assert_non_null(record);
		assert_true(privacy_link(privacy, record));
		text = cJSON_PrintUnformatted(record);
		assert_string_equal(text, cases[i].after);
		privacy_free(privacy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exec_keeps_what_the_configuration_says),
		cmocka_unit_test(the_longest_event_stays_one),
		cmocka_unit_test(opting_out_is_to_the_letter),
		cmocka_unit_test(a_blank_event_holds_no_word),
		cmocka_unit_test(link_records_are_scrubbed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
