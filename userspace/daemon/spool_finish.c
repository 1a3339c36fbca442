// SPDX-License-Identifier: BSD-2-Clause
/* Sync, compression by zstd, rename; and the note of which file was the last. */
#include "daemon/spool_finish.h"
#include "common/fs.h"
#include "daemon/spool.h"

#include <errno.h>
#include <zstd.h>

#define COMPRESSION_LEVEL 3
#define PIECE		  (128 * 1024)

struct compressor {
	ZSTD_CCtx *context;
	char *in, *out;
};

static void compressor_done(struct compressor *c)
{
	ZSTD_freeCCtx(c->context);
	free(c->in);
	free(c->out);
}

/* Compresses what from holds, read by offset, to to. */
static int compress_all(int from, int to)
{
	_cleanup_(compressor_done) struct compressor c = {ZSTD_createCCtx(), malloc(PIECE),
							  malloc(PIECE)};
	off_t at = 0;
	bool last = false;

	if (!c.context || !c.in || !c.out)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(c.context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
	ZSTD_CCtx_setParameter(c.context, ZSTD_c_windowLog, 19); /* memory: 1 MiB, not 8 */
	ZSTD_CCtx_setParameter(c.context, ZSTD_c_checksumFlag, 1);
	while (!last) {
		ssize_t len = fs_pread_all(from, c.in, PIECE, at);
		ZSTD_inBuffer in = {c.in, len < 0 ? 0 : len, 0};
		size_t left;

		if (len < 0)
			return len;
		at += len;
		last = len < PIECE;
		do {
			ZSTD_outBuffer out = {c.out, PIECE, 0};
			int r;

			left = ZSTD_compressStream2(c.context, &out, &in,
						    last ? ZSTD_e_end : ZSTD_e_continue);
			if (ZSTD_isError(left))
				return -EIO;
			r = fs_write_all(to, c.out, out.pos);
			if (r)
				return r;
		} while (last ? left > 0 : in.pos < in.size);
	}
	return 0;
}

static int finish_compressed(int folder_fd, int fd, const char *tmp, const char *name)
{
	char path[300], final[300];
	_cleanup_close_ int reader = openat(folder_fd, tmp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW),
			    to = -1;
	int r;

	(void)fd;
	snprintf(path, sizeof(path), ".%s.zst.part", name);
	snprintf(final, sizeof(final), "%s.zst", name);
	to = openat(folder_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (reader < 0 || to < 0)
		return -errno;
	r = compress_all(reader, to);
	if (!r && fsync(to))
		r = -errno;
	if (!r && renameat(folder_fd, path, folder_fd, final))
		r = -errno;
	unlinkat(folder_fd, r ? path : tmp, 0);
	return r;
}

int spool_finish(int folder_fd, int fd, const char *tmp, const char *name, bool compress)
{
	int r = 0;

	if (!compress || finish_compressed(folder_fd, fd, tmp, name)) {
		if (fsync(fd))
			r = -errno;
		if (renameat(folder_fd, tmp, folder_fd, name))
			return -errno;
	}
	if (fsync(folder_fd) && !r && errno != EINVAL) /* some file systems can't sync a folder */
		r = -errno;
	return r;
}

int spool_previous_load(const char *state, char *out, size_t size)
{
	char path[4096];
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/last-file", state);
	out[0] = '\0';
	r = fs_read_file(AT_FDCWD, path, 4096, &text, &len);
	if (r)
		return r;
	text[strcspn(text, "\n")] = '\0';
	snprintf(out, size, "%s", text);
	return 0;
}

int spool_previous_store(const char *state, const char *name)
{
	char path[4096], next[4096];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/last-file", state);
	snprintf(next, sizeof(next), "%s/last-file.new", state);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fs_write_all(fd, name, strlen(name)) || rename(next, path))
		return -errno;
	return 0;
}
