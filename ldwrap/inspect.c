/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two dangers that only files show: an output that isn't a regular file (/dev/null, a pipe), and a
 * linker script among the inputs that lays out sections, so could drop our note or make room for it
 * where none should be.
 */
#include "inspect.h"

#include "common/fs.h"

#include <byteswap.h>
#include <elf.h>
#include <errno.h>

const char *const input_kind_names[] = {"object", "archive", "shared", "script", "other"};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

static enum input_kind kind_of_bytes(const char *start, size_t len)
{
	Elf32_Ehdr header;

	if (len >= 8 && (!memcmp(start, "!<arch>\n", 8) || !memcmp(start, "!<thin>\n", 8)))
		return INPUT_ARCHIVE;
	if (len >= sizeof(header) && !memcmp(start, ELFMAG, SELFMAG)) {
		memcpy(&header, start, sizeof(header));
		if (header.e_type == ET_DYN || header.e_type == bswap_16(ET_DYN))
			return INPUT_SHARED;
		return INPUT_OBJECT;
	}
	if (len >= 4 && (!memcmp(start, "BC\xc0\xde", 4) || !memcmp(start, "\xde\xc0\x17\x0b", 4)))
		return INPUT_OBJECT; /* LLVM's */
	if (!memchr(start, '\0', len))
		return INPUT_SCRIPT;
	return INPUT_OTHER;
}

/* Regular files only: a pipe could be read only once. Descriptor or negative errno. */
static int open_regular(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

static ssize_t read_start(const char *path, char *out, size_t size)
{
	_cleanup_close_ int fd = open_regular(path);

	return fd < 0 ? fd : fs_pread_all(fd, out, size, 0);
}

enum input_kind inspect_input(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	char start[64];
	ssize_t len;

	if (ends_with(path, ".o") || ends_with(path, ".lo"))
		return INPUT_OBJECT;
	if (ends_with(path, ".a"))
		return INPUT_ARCHIVE;
	fd = open_regular(path);
	len = fd < 0 ? -1 : fs_pread_all(fd, start, sizeof(start), 0);
	if (len < 0)
		return INPUT_OTHER;
	*ret_fd = TAKE_FD(fd);
	return kind_of_bytes(start, (size_t)len);
}

struct look {
	const char *why;
	unsigned int left;
	char *buffer;
};

static bool look_at_input(void *arg, const char *name, bool is_library)
{
	static const char *const words[] = {"SECTIONS", "PHDRS",  "MEMORY", "DISCARD",
					    "OUTPUT",	"TARGET", "INSERT", "STARTUP"};
	struct look *look = arg;
	ssize_t len;

	if (is_library || ends_with(name, ".o") || ends_with(name, ".a") || ends_with(name, ".so"))
		return true;
	if (!look->left--) {
		look->why = "too many inputs of an unknown kind";
		return false;
	}
	len = read_start(name, look->buffer, INSPECT_SCRIPT_BYTES_MAX);
	if (len < 0) {
		look->why = "an input that can't be read";
		return false;
	}
	switch (kind_of_bytes(look->buffer, (size_t)len)) {
	case INPUT_OTHER:
		look->why = "an input of an unknown kind";
		return false;
	case INPUT_SCRIPT:
		break;
	default:
		return true;
	}
	if (len == INSPECT_SCRIPT_BYTES_MAX)
		look->why = "a long script among the inputs";
	for (size_t i = 0; !look->why && i < ARRAY_SIZE(words); i++)
		if (memmem(look->buffer, (size_t)len, words[i], strlen(words[i])))
			look->why = "a script among the inputs lays out the output";
	return !look->why;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* By the file's own times, old and new: a server's clock may differ from ours. */
bool inspect_is_unchanged(const struct file_state *before, int fd)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_dev == before->st.st_dev &&
	       now.st_ino == before->st.st_ino && now.st_size == before->st.st_size &&
	       same_time(&now.st_mtim, &before->st.st_mtim) &&
	       same_time(&now.st_ctim, &before->st.st_ctim);
}

const char *inspect_link(const char *const *tokens, size_t count, const struct ldargs *args,
			 struct file_state *ret_output)
{
	_cleanup_free_ char *buffer = malloc(INSPECT_SCRIPT_BYTES_MAX);
	struct look look = {.left = INSPECT_SCRIPTS_MAX, .buffer = buffer};

	if (!buffer)
		return "no memory";
	if (stat(args->output, &ret_output->st) < 0)
		memset(ret_output, 0, sizeof(*ret_output));
	else if (!S_ISREG(ret_output->st.st_mode))
		return "the output isn't a regular file";
	ldargs_each_input(tokens, count, look_at_input, &look);
	return look.why;
}
