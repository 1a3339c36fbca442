/* SPDX-License-Identifier: BSD-2-Clause */
/* What is made is written to a nameless file first, so that a key is whole or not there. */
#include "ingest/pseudonym_key.h"
#include "common/fs.h"
#include "common/text.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/stat.h>

#define FILE_SIZE (2 * PSEUDONYM_KEY_SIZE + 1) /* hexadecimal, and a newline */

static int say(char *why, int error, const char *format, ...) PRINTF_LIKE(3, 4);

static int say(char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, PSEUDONYM_WHY_SIZE, format, args);
	va_end(args);
	return error;
}

/* The open file, checked to be ours alone. */
static int open_key(const char *path, int flags, char *why)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return say(why, -errno, "cannot open the pseudonyms' key %s: %s", path,
			   strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return say(why, -EINVAL, "the pseudonyms' key %s is not a regular file of one name",
			   path);
	if (st.st_mode & 077)
		return say(why, -EPERM,
			   "others may read the pseudonyms' key %s: run chmod 600 on it, and "
			   "consider it known",
			   path);
	return TAKE_FD(fd);
}

int pseudonym_key_load(const char *path, struct pseudonym_key *ret, char why[PSEUDONYM_WHY_SIZE])
{
	uint8_t bytes[PSEUDONYM_KEY_SIZE];
	char text[FILE_SIZE + 1];
	_cleanup_close_ int fd = open_key(path, O_RDONLY, why);
	ssize_t len;

	if (fd < 0)
		return fd;
	len = fs_read_all(fd, text, sizeof(text));
	if (len == FILE_SIZE && text[FILE_SIZE - 1] == '\n') {
		text[FILE_SIZE - 1] = '\0';
		len = text_from_hex(text, bytes, sizeof(bytes));
	}
	explicit_bzero(text, sizeof(text));
	if (len != PSEUDONYM_KEY_SIZE)
		return say(why, -EINVAL,
			   "the pseudonyms' key %s is damaged: it is not 64 hexadecimal digits and "
			   "a newline; restore it, or begin with a new one by --destroy-key",
			   path);
	hmac_sha256_set_key(&ret->state, sizeof(bytes), bytes);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

/* The folder of a file, opened. */
static int open_folder(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	int fd;

	if (!copy)
		return -ENOMEM;
	if (slash)
		slash[slash == copy] = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Nameless where the file system can; else under a name that the next one takes over. */
static int open_new(int folder, const char *temporary, bool *ret_is_nameless)
{
	int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	*ret_is_nameless = fd >= 0;
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	if (unlinkat(folder, temporary, 0) && errno != ENOENT)
		return -errno;
	fd = openat(folder, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int write_random(int fd)
{
	uint8_t bytes[PSEUDONYM_KEY_SIZE];
	char text[FILE_SIZE + 1];
	int r = getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : -EIO;

	text_to_hex(bytes, sizeof(bytes), text);
	text[FILE_SIZE - 1] = '\n';
	if (r == 0)
		r = fs_write_all(fd, text, FILE_SIZE);
	if (r == 0 && fsync(fd))
		r = -errno;
	explicit_bzero(bytes, sizeof(bytes));
	explicit_bzero(text, sizeof(text));
	return r;
}

/* Gives the new file its name, unless another has it. */
static int give_name(int folder, int fd, const char *temporary, bool is_nameless, const char *name)
{
	char self[40];
	int r;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	r = is_nameless ? linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW)
			: linkat(folder, temporary, folder, name, 0);
	r = r ? -errno : 0;
	if (!is_nameless)
		(void)unlinkat(folder, temporary, 0);
	return r < 0 || fsync(folder) == 0 ? r : -errno;
}

int pseudonym_key_make(const char *path, char why[PSEUDONYM_WHY_SIZE])
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int folder = open_folder(path);
	_cleanup_close_ int fd = -1;
	bool is_nameless;
	int r = folder;

	if (r >= 0 && asprintf(&temporary, ".%s.new", fs_base_name(path)) < 0)
		r = -ENOMEM;
	if (r >= 0)
		r = fd = open_new(folder, temporary, &is_nameless);
	if (r >= 0)
		r = write_random(fd);
	if (r >= 0)
		r = give_name(folder, fd, temporary, is_nameless, fs_base_name(path));
	if (r < 0)
		say(why, r, "cannot make the pseudonyms' key %s: %s", path, strerrordesc_np(-r));
	return r;
}

int pseudonym_key_destroy(const char *path, char why[PSEUDONYM_WHY_SIZE])
{
	static const char zeros[FILE_SIZE];
	_cleanup_close_ int folder = open_folder(path);
	_cleanup_close_ int fd = -1;
	int r;

	/* A key that is damaged or that others may read is destroyed all the same. */
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = folder < 0 ? folder : fd < 0 ? -errno : fs_write_all(fd, zeros, sizeof(zeros));
	if (r >= 0 && fsync(fd))
		r = -errno;
	if (r >= 0 && (unlink(path) || fsync(folder)))
		r = -errno;
	if (r < 0)
		say(why, r, "cannot destroy the pseudonyms' key %s: %s", path, strerrordesc_np(-r));
	return MIN(r, 0);
}

void pseudonym_hash(const struct pseudonym_key *key, enum pseudonym_purpose purpose,
		    struct bytes data, uint8_t ret[PSEUDONYM_HASH_SIZE])
{
	static const char *const names[PSEUDONYM_PURPOSES] = {
		[PSEUDONYM_USER] = "user",
		[PSEUDONYM_PATH] = "path",
		[PSEUDONYM_SET] = "set",
		[PSEUDONYM_ID] = "id",
	};
	struct hmac_sha256_ctx state = key->state;
	const char *name = names[purpose];

	hmac_sha256_update(&state, strlen(name) + 1, (const uint8_t *)name);
	hmac_sha256_update(&state, data.len, (const uint8_t *)data.data);
	hmac_sha256_digest(&state, PSEUDONYM_HASH_SIZE, ret);
}

int64_t pseudonym_key_id(const struct pseudonym_key *key)
{
	uint8_t hash[PSEUDONYM_HASH_SIZE];
	int64_t id = 0;

	pseudonym_hash(key, PSEUDONYM_ID, bytes_of(""), hash);
	for (size_t i = 0; i < sizeof(id) - 1; i++)
		id = id << 8 | hash[i];
	return id | 1;
}
