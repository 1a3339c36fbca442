/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_id_read() against readelf -n: over what this machine has in /usr/bin and /usr/lib, and over
 * what each linker makes of a note like ours.
 */
#include "tests/unit/unit.h"

#include "common/elf_id.h"
#include "common/text.h"

#include <elf.h>
#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#define FILES_MAX 797 /* of each folder */
#define BATCH	  97  /* files that one readelf is given */

struct found {
	char *path;
	char build_id[2 * NOTE_BUILD_ID_MAX + 1];
};

static struct found files[FILES_MAX];
static size_t file_count;

static int read_id(const char *path, struct elf_id *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : elf_id_read(fd, ret);
}

static int take_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct elf_id id;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || file_count == FILES_MAX ||
	    strchr(path, '\'') || read_id(path, &id) || id.type == ET_REL)
		return 0;
	files[file_count].path = strdup(path);
	text_to_hex(id.notes.build_id, id.notes.build_id_len, files[file_count].build_id);
	file_count++;
	return 0;
}

/* With -W a note and what it holds stand on one line. */
static void take_build_id(const char *line, char out[2 * NOTE_BUILD_ID_MAX + 1])
{
	static const char heading[] = "Build ID: ";
	const char *id = strstr(line, heading);

	if (id)
		sscanf(id + strlen(heading), "%128[0-9a-f]", out);
}

/* What readelf says of count files from first on, as build-ids in the same order. */
static void ask_readelf(size_t first, size_t count, char (*build_ids)[2 * NOTE_BUILD_ID_MAX + 1])
{
	_cleanup_free_ char *command = NULL;
	size_t len, current = SIZE_MAX;
	FILE *out = open_memstream(&command, &len), *in;
	char line[4096];

	fputs("readelf -nW", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, " '%s'", files[first + i].path);
	/* one file alone has no heading, so another one is always there */
	fputs(" /proc/self/exe 2>/dev/null", out);
	fclose(out);
	in = popen(command, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		if (!strncmp(line, "File: ", 6)) {
			current++;
			if (current < count)
				assert_memory_equal(line + 6, files[first + current].path,
						    strlen(files[first + current].path));
		} else if (current < count && !*build_ids[current]) {
			take_build_id(line, build_ids[current]);
		}
	}
	pclose(in);
	assert_int_equal(current, count);
}

static void build_ids_are_readelfs(void **state)
{
	static const char *const folders[] = {"/usr/bin", "/usr/lib"};
	size_t with_id = 0;

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(folders); f++) {
		file_count = 0;
		nftw(folders[f], take_file, 16, FTW_PHYS);
		for (size_t i = 0; i < file_count; i += BATCH) {
			size_t count = MIN(file_count - i, (size_t)BATCH);
			char expected[BATCH][2 * NOTE_BUILD_ID_MAX + 1] = {};

			ask_readelf(i, count, expected);
			for (size_t j = 0; j < count; j++) {
				if (strcmp(files[i + j].build_id, expected[j]))
					print_error("%s\n", files[i + j].path);
				assert_string_equal(files[i + j].build_id, expected[j]);
				with_id += *expected[j] != '\0';
			}
		}
		print_message("# %zu files of %s\n", file_count, folders[f]);
		assert_true(file_count > 23);
		while (file_count)
			free(files[--file_count].path);
	}
	assert_true(with_id > 23);
}

static const char note_source[] = ".section .note.runmark,\"a\",%note\n"
				  ".balign 4\n"
				  ".long 12, 16, 1\n"
				  ".asciz \"RunmarkNote\"\n"
				  ".ascii \"0123456789abcdef\"\n"
				  ".section .note.GNU-stack,\"\",%progbits\n";

static void write_source(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void check_output(const char *folder, const char *linker, const char *options)
{
	char command[1024], path[256], line[4096], shown[2 * NOTE_BUILD_ID_MAX + 1] = "";
	char hex[2 * NOTE_BUILD_ID_MAX + 1];
	struct elf_id id;
	bool has_note = false;
	FILE *in;

	snprintf(command, sizeof(command),
		 "cd %s && gcc -fuse-ld=%s %s -Wl,--build-id=sha1 -o out main.c note.S 2>&1",
		 folder, linker, options);
	in = popen(command, "re");
	while (fgets(line, sizeof(line), in))
		print_message("# %s", line);
	assert_int_equal(pclose(in), 0);
	snprintf(path, sizeof(path), "%s/out", folder);
	assert_int_equal(read_id(path, &id), 0);
	assert_true(note_is_stamped(&id.notes));
	assert_memory_equal(id.notes.watermark, "0123456789abcdef", NOTE_UUID_LEN);
	snprintf(command, sizeof(command), "readelf -nW %s", path);
	in = popen(command, "re");
	while (fgets(line, sizeof(line), in)) {
		has_note |= strstr(line, "RunmarkNote") && strstr(line, "0x00000010");
		take_build_id(line, shown);
	}
	assert_int_equal(pclose(in), 0);
	assert_true(has_note);
	assert_string_equal(text_to_hex(id.notes.build_id, id.notes.build_id_len, hex), shown);
	assert_int_equal(id.notes.build_id_len, 20);
}

static void linkers_output_is_readelfs(void **state)
{
	static const char *const kinds[] = {
		"", "-no-pie", "-static", "-static-pie", "-shared -fPIC", "-s"};
	const char *linker = *state;
	char folder[] = "/tmp/runmark-elf-XXXXXX", command[128];

	snprintf(command, sizeof(command),
		 "command -v gcc >/dev/null && command -v %s%s >/dev/null",
		 strcmp(linker, "mold") ? "ld." : "", linker);
	if (system(command)) {
		print_message("# SKIP no gcc or no %s here\n", linker);
		skip();
	}
	assert_non_null(mkdtemp(folder));
	write_source(folder, "main.c", "int main(void) { return 0; }\n");
	write_source(folder, "note.S", note_source);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		/* gold has no --no-dynamic-linker, which gcc gives it for this */
		if (strcmp(linker, "gold") || strcmp(kinds[i], "-static-pie"))
			check_output(folder, linker, kinds[i]);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_ids_are_readelfs),
		{"bfd", linkers_output_is_readelfs, NULL, NULL, "bfd"},
		{"gold", linkers_output_is_readelfs, NULL, NULL, "gold"},
		{"lld", linkers_output_is_readelfs, NULL, NULL, "lld"},
		{"mold", linkers_output_is_readelfs, NULL, NULL, "mold"},
	};

	if (system("command -v readelf >/dev/null")) {
		puts("1..0 # SKIP no readelf here");
		return 0;
	}
	return cmocka_run_group_tests_name("elf_id_oracle", tests, NULL, NULL);
}
