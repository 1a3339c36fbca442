/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of linkers, and the search for the real one. How a candidate is judged:
 *	ours		the mark below stands in its first page (it is a note, which linkers put
 *there) a linker	an ELF file that is named like one once all links are followed, or has its
 *words in it anything else	runs, but with the round counted (linker.h)
 */
#include "linker.h"

#include "common/fs.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

/* The mark: in a section that is loaded, so strip keeps it; `used`, so that the compiler does. */
struct mark_note {
	uint32_t name_len, text_len, type;
	char name[8];
	char text[28];
};
__attribute__((used, aligned(4),
	       section(".note.runmark_ld"))) static const struct mark_note mark = {
	sizeof(mark.name), sizeof(mark.text), 2, "Runmark", LINKER_MARK};
_Static_assert(sizeof(LINKER_MARK) <= sizeof(mark.text), "the mark has room");

#define MARK_BYTES 8192 /* of a candidate in which the mark is looked for */

#define LINKS_MAX 16 /* symbolic links followed by hand, one to the next */

static const struct linker linkers[] = {
	{"ld", true, true, NULL, {"/usr/bin/ld", "/usr/bin/ld.bfd"}},
	{"ld.bfd", true, true, NULL, {"/usr/bin/ld.bfd"}},
	{"ld.gold", true, false, NULL, {"/usr/bin/ld.gold"}},
	{"ld.lld", true, false, NULL, {"/usr/bin/ld.lld"}},
	{"ld.mold", true, false, NULL, {"/usr/bin/ld.mold", "/usr/bin/mold"}},
};

/* How linkers are called once links are followed, and their words, for those that are not. */
static const struct linker_sign {
	const char *name_end;
	const char *words;
	const char *
		version_start; /* in the file itself; NULL: the output's .comment has the version */
	const char *version_prefix;
	bool has_colours;
} linker_signs[] = {
	{"ld.bfd", "GNU ld %s", "(GNU Binutils", "GNU ld ", false},
	{"ld.gold", "GNU gold (%s)", "(GNU Binutils", "GNU gold ", false},
	{"lld", "compatible with GNU linkers", NULL, NULL, true},
	{"mold", "(compatible with GNU ld)", NULL, NULL, true},
};

/* "aarch64-linux-gnu-ld.bfd", "ld.lld-14": the same linkers, for one target or of one version, and
 * nowhere but under that very name. */
static struct linker of_kind(const char *name)
{
	size_t len = strlen(name), end = len;

	while (end && strchr("0123456789.", name[end - 1]))
		end--;
	if (end && end < len && name[end - 1] == '-')
		len = end - 1;
	for (size_t i = 0; i < ARRAY_SIZE(linkers); i++) {
		size_t kind_len = strlen(linkers[i].name);

		if (len < kind_len || memcmp(name + len - kind_len, linkers[i].name, kind_len))
			continue;
		if (len == kind_len)
			return (struct linker){.name = name, .can_augment = true};
		if (name[len - kind_len - 1] == '-')
			return (struct linker){.name = name,
					       .can_augment = true,
					       .without_target = name + len - kind_len};
	}
	return (struct linker){.name = name};
}

struct linker linker_by_name(const char *argv0)
{
	const char *name = argv0 ? fs_base_name(argv0) : "";

	if (!name[0] || !strcmp(name, "runmark-ld"))
		return linkers[0];
	for (size_t i = 0; i < ARRAY_SIZE(linkers); i++)
		if (!strcmp(name, linkers[i].name))
			return linkers[i];
	return of_kind(name);
}

/* Where the file's constants begin: its words are there, behind the code. 0 if that can't be told.
 */
static off_t find_constants(int fd)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[16];
	} start;
	ssize_t len = fs_pread_all(fd, &start, sizeof(start), 0);

	if (len != sizeof(start) || memcmp(start.header.e_ident, ELFMAG, SELFMAG) ||
	    start.header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    start.header.e_phoff != sizeof(start.header))
		return 0;
	for (size_t i = 0; i < MIN((size_t)start.header.e_phnum, ARRAY_SIZE(start.segments)); i++)
		if (start.segments[i].p_type == PT_LOAD && start.segments[i].p_flags == PF_R &&
		    start.segments[i].p_offset && start.segments[i].p_offset < LINKER_SCAN_MAX)
			return (off_t)start.segments[i].p_offset;
	return 0;
}

/* Offset of words in the file from there on, or -1. Reads in overlapping steps, so that words
 * across two are found. */
static off_t find_from(int fd, const char *words, off_t offset)
{
	char buffer[16384];
	size_t len = strlen(words), kept = 0;

	while (offset < LINKER_SCAN_MAX) {
		ssize_t n = fs_pread_all(fd, buffer + kept, sizeof(buffer) - kept, offset);
		const char *at;

		if (n <= 0)
			return -1;
		at = memmem(buffer, kept + (size_t)n, words, len);
		if (at)
			return offset - (off_t)kept + (at - buffer);
		offset += n;
		n += (ssize_t)kept;
		kept = MIN((size_t)n, len - 1);
		memmove(buffer, buffer + n - kept, kept);
	}
	return -1;
}

static off_t find_in_file(int fd, const char *words)
{
	off_t constants = find_constants(fd), at = find_from(fd, words, constants);

	return at < 0 && constants ? find_from(fd, words, 0) : at;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len >= end_len && !memcmp(text + len - end_len, end, end_len);
}

/* Which linker it surely is, or NULL. */
static const struct linker_sign *find_sign(const char *path, int fd, const char *start, size_t len)
{
	char real[PATH_MAX];

	if (len < 4 || memcmp(start, "\177ELF", 4))
		return NULL;
	if (realpath(path, real)) {
		size_t real_len = strlen(real);

		if (ends_with(real, real_len, LINKER_DISPLACED))
			real_len -= strlen(LINKER_DISPLACED);
		for (size_t i = 0; i < ARRAY_SIZE(linker_signs); i++)
			if (ends_with(real, real_len, linker_signs[i].name_end))
				return &linker_signs[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(linker_signs); i++)
		if (find_in_file(fd, linker_signs[i].words) >= 0)
			return &linker_signs[i];
	return NULL;
}

enum judgement { CANDIDATE_NONE, CANDIDATE_OURS, CANDIDATE_LINKER, CANDIDATE_OTHER };

static enum judgement judge(const char *path, const struct linker_sign **ret)
{
	char start[MARK_BYTES];
	_cleanup_close_ int fd = -1;
	struct stat st;
	ssize_t len;

	if (stat(path, &st) < 0)
		return access(path, X_OK) < 0 ? CANDIDATE_NONE : CANDIDATE_OTHER;
	if (!S_ISREG(st.st_mode) || (access(path, X_OK) < 0 && errno == EACCES))
		return CANDIDATE_NONE;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) /* may be run, not read */
		return CANDIDATE_OTHER;
	len = fs_pread_all(fd, start, sizeof(start), 0);
	if (len < 0)
		return CANDIDATE_OTHER;
	if (memmem(start, (size_t)len, mark.text, strlen(mark.text) + 1))
		return CANDIDATE_OURS;
	*ret = find_sign(path, fd, start, (size_t)len);
	return *ret ? CANDIDATE_LINKER : CANDIDATE_OTHER;
}

struct search {
	unsigned int rounds; /* started before us: as many others are passed over */
	unsigned int passed; /* so far */
	unsigned int left;   /* folders */
	struct linker_found found;
};

/* Where the linker went in whose place path leads to us: beside one of the names on the way. */
static bool find_displaced(const char *path, char ret[PATH_MAX])
{
	char at[PATH_MAX], target[PATH_MAX];

	if (snprintf(at, sizeof(at), "%s", path) >= (int)sizeof(at))
		return false;
	for (unsigned int i = 0; i < LINKS_MAX; i++) {
		size_t folder = (size_t)(fs_base_name(at) - at);
		ssize_t len;

		if (snprintf(ret, PATH_MAX, "%s" LINKER_DISPLACED, at) >= PATH_MAX)
			return false;
		if (access(ret, F_OK) == 0)
			return true;
		len = readlink(at, target, sizeof(target));
		if (len <= 0 || (size_t)len >= sizeof(target))
			return false;
		if (target[0] == '/')
			folder = 0;
		if (folder + (size_t)len >= sizeof(at))
			return false;
		memcpy(at + folder, target, (size_t)len);
		at[folder + (size_t)len] = '\0';
	}
	return false;
}

/* 1 found, 0 not this one, -ENOMEM. */
static int try_candidate(struct search *search, const char *path)
{
	const struct linker_sign *sign = NULL;
	enum judgement judgement = judge(path, &sign);
	char places[2][PATH_MAX];
	const char *real = path;

	for (unsigned int i = 0; i < LINKS_MAX && judgement == CANDIDATE_OURS; i++) {
		if (!find_displaced(real, places[i % 2]))
			return 0;
		real = places[i % 2];
		judgement = judge(real, &sign);
	}
	if (judgement == CANDIDATE_NONE || judgement == CANDIDATE_OURS)
		return 0;
	if (judgement == CANDIDATE_OTHER && search->passed++ < search->rounds)
		return 0;
	search->found.path = strdup(real);
	search->found.shown = strdup(path);
	if (!search->found.path || !search->found.shown)
		return -ENOMEM;
	search->found.rounds = judgement == CANDIDATE_OTHER ? search->rounds + 1 : 0;
	search->found.has_colours = !sign || sign->has_colours;
	search->found.version_start = sign ? sign->version_start : NULL;
	search->found.version_prefix = sign ? sign->version_prefix : NULL;
	return 1;
}

/* list: folders with colons between them; an empty one is the current folder. */
static int try_list(struct search *search, const char *list, const char *name)
{
	while (list && search->left) {
		size_t len = strcspn(list, ":");
		char path[PATH_MAX];
		int n;

		search->left--;
		n = snprintf(path, sizeof(path), "%.*s%s%s", (int)MIN(len, (size_t)PATH_MAX), list,
			     !len || list[len - 1] == '/' ? "" : "/", name);
		if (n > 0 && (size_t)n < sizeof(path)) {
			int r = try_candidate(search, path);

			if (r)
				return r;
		}
		list = list[len] ? list + len + 1 : NULL;
	}
	return 0;
}

static unsigned int rounds_before(void)
{
	const char *text = getenv(LINKER_ROUND_VARIABLE);
	unsigned long rounds = text ? strtoul(text, NULL, 10) : 0;

	return (unsigned int)MIN(rounds, (unsigned long)LINKER_CANDIDATES_MAX);
}

/* In all places where name may be. 1 found, 0 nowhere, -ENOMEM. */
static int try_name(struct search *search, const char *name, bool use_compiler_path)
{
	int r = 0;

	if (use_compiler_path)
		r = try_list(search, getenv("COMPILER_PATH"), name);
	return r ? r : try_list(search, getenv("PATH"), name);
}

/* As "TARGET-name" for one of targets. */
static int try_targets(struct search *search, const char *targets, const char *name)
{
	int r = 0;

	for (size_t len; !r && (len = strcspn(targets, " "));
	     targets += len + (targets[len] == ' ')) {
		char whole[64];

		if ((size_t)snprintf(whole, sizeof(whole), "%.*s-%s", (int)len, targets, name) <
		    sizeof(whole))
			r = try_name(search, whole, true);
	}
	return r;
}

/* At one of the system's places. Where alternatives lead ld to us, it is still called ld. */
static int try_usual(struct search *search, const struct linker *linker, size_t index)
{
	int r = try_candidate(search, linker->fallbacks[index]);

	if (r <= 0 || !index)
		return r;
	free(search->found.shown);
	search->found.shown = strdup(linker->fallbacks[0]);
	return search->found.shown ? r : -ENOMEM;
}

int linker_find(const struct linker *linker, const char *configured, const char *called,
		const char *targets, struct linker_found *ret)
{
	struct search search = {.rounds = rounds_before(), .left = LINKER_CANDIDATES_MAX};
	char displaced[PATH_MAX], usual[PATH_MAX];
	int r = 0;

	/* gcc, which leaves this variable, has a folder for each target instead */
	if (called && targets && !linker->without_target && !getenv("COLLECT_GCC"))
		r = try_targets(&search, targets, linker->name);
	if (!r && configured && configured[0] && linker->is_configurable)
		r = try_candidate(&search, configured);
	/* in a linker's place: that one, wherever else there may be one of its name */
	if (!r && called && find_displaced(called, displaced))
		r = try_candidate(&search, called);
	if (!r)
		r = try_name(&search, linker->name, called != NULL);
	for (size_t i = 0; !r && i < ARRAY_SIZE(linker->fallbacks) && linker->fallbacks[i]; i++)
		r = try_usual(&search, linker, i);
	if (!r && snprintf(usual, sizeof(usual), "/usr/bin/%s", linker->name) < PATH_MAX)
		r = try_candidate(&search, usual);
	/* a driver takes a target's own linker first, and ld else: as it would have, without us */
	if (!r && called && linker->without_target)
		r = try_name(&search, linker->without_target, true);
	if (r <= 0)
		return r ? r : -ENOENT;
	*ret = search.found;
	return 0;
}

bool linker_version(const struct linker_found *found, char out[LINKER_VERSION_MAX])
{
	_cleanup_close_ int fd = -1;
	char text[LINKER_VERSION_MAX];
	off_t offset;
	ssize_t n;

	if (!found->version_start)
		return false;
	fd = open(found->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	offset = fd < 0 ? -1 : find_in_file(fd, found->version_start);
	if (offset < 0)
		return false;
	n = fs_pread_all(fd, text, sizeof(text), offset);
	if (n <= 0 || !memchr(text, '\0', (size_t)n))
		return false;
	n = snprintf(out, LINKER_VERSION_MAX, "%s%s", found->version_prefix, text);
	return n < LINKER_VERSION_MAX;
}

bool linker_version_from_comment(struct bytes comment, char out[LINKER_VERSION_MAX])
{
	static const char *const starts[][2] = {{"Linker: ", ""}, {"mold ", "mold "}};

	for (size_t pos = 0; pos < comment.len;) {
		const char *text = comment.data + pos;
		size_t len = strnlen(text, comment.len - pos);

		for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
			size_t start = strlen(starts[i][0]);

			if (len <= start || memcmp(text, starts[i][0], start))
				continue;
			snprintf(out, LINKER_VERSION_MAX, "%s%.*s", starts[i][1],
				 (int)MIN(len - start, (size_t)LINKER_VERSION_MAX), text + start);
			return true;
		}
		pos += len + 1;
	}
	return false;
}
