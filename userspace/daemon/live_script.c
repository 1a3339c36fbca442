// SPDX-License-Identifier: BSD-2-Clause
/*
 * The script that an image interprets. The exec call may have named it by its place in the working
 * directory ("./run.sh"): that names another file elsewhere, so it is told, and compared, behind
 * the working directory. By the text alone: the file system may be another namespace's, or hang.
 * So "." and empty parts go, ".." and links stay.
 */
#include "daemon/live_image.h"

#include "daemon/event.h"

struct bytes image_script(const struct image *image)
{
	const struct event_exec *e = image->exec;
	struct bytes argv;

	if (!e)
		return (struct bytes){};
	if (e->interp.len)
		return event_bytes(&e->head, e->requested);
	argv = event_bytes(&e->head, e->argv);
	for (uint32_t i = 0; image->s.script_argument && argv.len; i++) {
		size_t len = strnlen(argv.data, argv.len), step = MIN(len + 1, argv.len);

		if (i == image->s.script_argument)
			return (struct bytes){argv.data, len};
		argv.data += step;
		argv.len -= step;
	}
	return (struct bytes){};
}

/* The parts of path behind out's len bytes, which have room. The new length. */
static size_t parts_add(char *out, size_t len, struct bytes path)
{
	while (path.len) {
		const char *slash = memchr(path.data, '/', path.len);
		size_t part = slash ? (size_t)(slash - path.data) : path.len;

		if (part && !(part == 1 && *path.data == '.')) {
			out[len++] = '/';
			memcpy(out + len, path.data, part);
			len += part;
		}
		part = MIN(part + 1, path.len);
		path.data += part;
		path.len -= part;
	}
	return len;
}

struct bytes image_script_path(const struct image *image, char room[SCRIPT_PATH_MAX],
			       bool *ret_is_known)
{
	static const char descriptors[] = "/dev/fd/";
	struct bytes path = image_script(image), cwd = {NULL, 0};
	bool is_absolute = path.len && *path.data == '/';
	size_t len = 0;

	*ret_is_known = true;
	if (!path.len)
		return path;
	if (!is_absolute && !(image->s.flags & EVENT_CWD_CUT))
		cwd = event_bytes(&image->exec->head, image->exec->cwd);
	/* execveat(2) with a descriptor: its number is another file's next time */
	*ret_is_known = is_absolute ? path.len < sizeof(descriptors) ||
					      memcmp(path.data, descriptors, strlen(descriptors))
				    : cwd.len && *cwd.data == '/';
	if (!*ret_is_known)
		return path;
	if (cwd.len + path.len + 1 > SCRIPT_PATH_MAX) {
		*ret_is_known = false;
		return path;
	}
	len = parts_add(room, parts_add(room, len, cwd), path);
	return (struct bytes){room, len};
}
