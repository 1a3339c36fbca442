// SPDX-License-Identifier: BSD-2-Clause
/* A loader that was exec'd by name, and a script that env(1) runs: what the image is then. */
#include "tests/unit/unit.h"

#include "daemon/live_image.h"
#include "tests/unit/daemon_events.h"

#define LD    "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
#define LD_ID 77 /* inode, as event_make_exec() has it */

static struct facts *facts;
static const struct event head = {.pid = 7, .start_ns = 7000, .exec_id = 1, .time_ns = 7};

static int facts_begin(void **state)
{
	(void)state;
	return facts_new(0, &facts);
}

static void tell_exec(struct live *live, const struct exec_texts *texts)
{
	static union event_room room;

	event_make_exec(&room, &head, texts);
	live_apply(live, &room.head, false);
}

static void tell_mapping(struct live *live, uint64_t inode, const char *path, uint32_t traits)
{
	static union event_room room;

	event_make_mmap(&room, &head, inode, bytes_of(path));
	room.head.traits = traits;
	if (traits & TRAIT_SCANNED) /* maps(5) shows device and inode */
		room.mmap.file = (struct event_file){.inode = inode, .device = 8 << 20 | 1};
	live_apply(live, &room.head, false);
}

static const char *exe_of(const struct image *image, char path[PATH_MAX_BYTES])
{
	struct bytes exe = event_bytes(&image->exec->head, image->exec->exe);

	snprintf(path, PATH_MAX_BYTES, "%.*s", (int)exe.len, exe.data);
	return path;
}

#define ARGV(text) BYTES_INIT(text "\0")
static const struct {
	const char *exe;
	struct bytes argv;
	bool runs_program;
} cases[] = {
	{LD, ARGV("ld.so\0./program"), true},
	{LD, ARGV("ld.so\0./program\0--list"), true},
	{LD, ARGV("ld.so\0--library-path\0--list\0./program"), true},
	{LD, ARGV("ld.so\0--argv0\0x\0--inhibit-cache\0./program"), true},
	{LD, ARGV("ld.so\0--unknown-as-yet\0./program"), true},
	{LD, ARGV("ld.so\0-\0x"), true},
	{LD, ARGV("ld.so\0--preload\0a.so\0--\0--program"), true},
	{LD, ARGV("ld.so\0--list\0./program"), false},
	{LD, ARGV("ld.so\0--inhibit-cache\0--verify\0./program"), false},
	{LD, ARGV("ld.so\0--help"), false},
	{LD, ARGV("ld.so\0--"), false},
	{LD, ARGV("ld.so\0--library-path"), false},
	{LD, ARGV("ld.so"), true}, /* "argv = name" */
	{LD, BYTES_INIT(""), false},
	{"/lib/ld-2.31.so", ARGV("ld.so\0./program"), true},
	{"/lib/ld-musl-x86_64.so.1", ARGV("ld.so\0./program"), true},
	{"/usr/lib/x86_64-linux-musl/libc.so", ARGV("ld.so\0./program"), true},
	{"/lib64/ld64.so.2", ARGV("ld.so\0./program"), true},
	{"/libexec/ld.so.1", ARGV("ld.so\0./program"), true},
	{"/lib/x86_64-linux-gnu/libc.so.6", ARGV("ld.so\0./program"), false},
	{"/usr/bin/ld", ARGV("ld\0./program"), false},
	{"/usr/bin/ld-linux", ARGV("ld.so\0./program"), false},
	{"/tmp/ld-linux.so/prog", ARGV("ld.so\0./program"), false},
};

static void a_loaders_program_is_what_it_maps_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct image *image;
		char path[PATH_MAX_BYTES];
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		tell_mapping(live, LD_ID, cases[i].exe, TRAIT_BEFORE_MAIN); /* by some hooks */
		tell_exec(live, &(struct exec_texts){.exe = bytes_of(cases[i].exe),
						     .requested = bytes_of("/lib64/ld.so"),
						     .argv = cases[i].argv});
		tell_mapping(live, 1001, "/home/alice/program", 0);
		tell_mapping(live, 1002, "/lib/libc.so.6", 0);
		tell_mapping(live, 1001, "/home/alice/program", 0); /* its second segment */
		image = live_image_of(live, 7, 0);
		if (image->s.by_loader != cases[i].runs_program)
			print_message("# case %zu\n", i);
		assert_int_equal(image->s.by_loader, cases[i].runs_program);
		assert_string_equal(exe_of(image, path),
				    cases[i].runs_program ? "/home/alice/program" : cases[i].exe);
		assert_int_equal(image->exec->file.inode, cases[i].runs_program ? 1001 : LD_ID);
		assert_int_equal(image->object_count, 2);
		assert_string_equal(image->objects[0]->path,
				    cases[i].runs_program ? cases[i].exe : "/home/alice/program");
		assert_string_equal(image->objects[1]->path, "/lib/libc.so.6");
		assert_int_equal(event_bytes(&image->exec->head, image->exec->requested).len, 12);
		assert_memory_equal(event_bytes(&image->exec->head, image->exec->argv).data,
				    cases[i].argv.data, cases[i].argv.len);
		live_free(live);
	}
}

/* Something of a loader's name that has a loader itself, told after its exec or before it. */
static void what_has_a_loader_is_none(void **state)
{
	(void)state;
	for (int is_before = 0; is_before < 2; is_before++) {
		char path[PATH_MAX_BYTES];
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		if (is_before)
			tell_mapping(live, 1002, LD, 0);
		tell_exec(live, &(struct exec_texts){.exe = bytes_of("/home/alice/ld-mine.so"),
						     .argv = ARGV("ld-mine.so\0x")});
		if (!is_before)
			tell_mapping(live, 1002, LD, TRAIT_BEFORE_MAIN);
		tell_mapping(live, 1003, "/lib/libc.so.6", 0);
		assert_string_equal(exe_of(live_image_of(live, 7, 0), path),
				    "/home/alice/ld-mine.so");
		assert_int_equal(live_image_of(live, 7, 0)->object_count, 2);
		live_free(live);
	}
}

/* /proc/PID/maps is sorted by address: the program is the one that was asked for. */
static void a_scanned_program_is_found_by_its_name(void **state)
{
	char path[PATH_MAX_BYTES];
	struct live *live;

	(void)state;
	assert_int_equal(live_new(facts, &live), 0);
	tell_exec(live,
		  &(struct exec_texts){.exe = bytes_of(LD), .argv = ARGV("ld.so\0./program")});
	tell_mapping(live, 1002, "/lib/libc.so.6", TRAIT_SCANNED);
	tell_mapping(live, 1001, "/home/alice/program", TRAIT_SCANNED);
	tell_mapping(live, LD_ID, LD, TRAIT_SCANNED);
	assert_string_equal(exe_of(live_image_of(live, 7, 0), path), "/home/alice/program");
	assert_int_equal(live_image_of(live, 7, 0)->object_count, 2);
	live_free(live);
}

/* "#!/usr/bin/env python3": env runs for the script, python3 too. */
static void a_script_by_env_stays_a_script(void **state)
{
	static const struct {
		const char *interp;
		struct bytes argv;
		const char *script;
	} scripts[] = {
		{"/usr/bin/env", ARGV("python3\0./script\0x"), "./script"},
		{"/usr/bin/env", ARGV("python3\0-u\0./script"), "./script"},
		{"/usr/bin/env", ARGV("./script"), ""},
		{"/usr/bin/env", ARGV("python3\0./script2"), ""},
		{"/bin/sh", ARGV("python3\0./script"), ""},
		{"", ARGV("python3\0./script"), ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		static union event_room room;
		struct event next = head;
		struct bytes script;
		struct live *live;

		assert_int_equal(live_new(facts, &live), 0);
		tell_exec(live, &(struct exec_texts){.requested = bytes_of("./script"),
						     .interp = bytes_of(scripts[i].interp)});
		next.exec_id++;
		event_make_exec(&room, &next, &(struct exec_texts){.argv = scripts[i].argv});
		live_apply(live, &room.head, false);
		script = image_script(live_image_of(live, 7, 0));
		assert_int_equal(script.len, strlen(scripts[i].script));
		assert_memory_equal(script.len ? script.data : "", scripts[i].script, script.len);
		live_free(live);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loaders_program_is_what_it_maps_first),
		cmocka_unit_test(what_has_a_loader_is_none),
		cmocka_unit_test(a_scanned_program_is_found_by_its_name),
		cmocka_unit_test(a_script_by_env_stays_a_script),
	};

	return cmocka_run_group_tests(tests, facts_begin, NULL);
}
