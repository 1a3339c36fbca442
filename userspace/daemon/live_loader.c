// SPDX-License-Identifier: BSD-2-Clause
/*
 * "ld.so ./program": what exec runs is the loader, what the user runs is the program, which the
 * loader maps first of all. The kernel says nothing of it, so a loader is known by its file's name,
 * and by having none itself; a copy of one under another name is not recognised.
 */
#include "common/util.h"
#include "daemon/live_image.h"

#include <fnmatch.h>

/* glibc's (ld-linux-x86-64.so.2, ld-2.31.so, ld64.so.2, ld.so.1) and musl's, which is its libc. */
static const char *const loader_names[] = {"ld-*.so*", "ld64.so*", "ld.so*", "libc.so",
					   "libc.musl-*.so*"};

static const struct loader_option {
	const char *name;
	bool has_value, runs_nothing;
} loader_options[] = {
	{"--list", false, true},
	{"--verify", false, true},
	{"--help", false, true},
	{"--version", false, true},
	{"--list-tunables", false, true},
	{"--list-diagnostics", false, true},
	{"--library-path", true, false},
	{"--inhibit-rpath", true, false},
	{"--audit", true, false},
	{"--preload", true, false},
	{"--argv0", true, false},
	{"--glibc-hwcaps-mask", true, false},
	{"--glibc-hwcaps-prepend", true, false},
};

static struct bytes path_name(struct bytes path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (!slash)
		return path;
	path.len -= slash + 1 - path.data;
	path.data = slash + 1;
	return path;
}

bool path_is_loader(struct bytes path)
{
	struct bytes name = path_name(path);
	char text[256];

	if (!name.len || name.len >= sizeof(text))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(loader_names); i++)
		if (!fnmatch(loader_names[i], text, 0))
			return true;
	return false;
}

/* The next of NUL-separated strings. False at the end. */
static bool argument_next(struct bytes *argv, struct bytes *ret)
{
	size_t len = strnlen(argv->data, argv->len), step = MIN(len + 1, argv->len);

	if (!argv->len)
		return false;
	*ret = (struct bytes){argv->data, len};
	argv->data += step;
	argv->len -= step;
	return true;
}

static const struct loader_option *option_of(struct bytes argument)
{
	for (size_t i = 0; i < ARRAY_SIZE(loader_options); i++)
		if (strlen(loader_options[i].name) == argument.len &&
		    !memcmp(loader_options[i].name, argument.data, argument.len))
			return &loader_options[i];
	return NULL;
}

/* The program among a loader's arguments; empty if it is to run none ("--list"). */
static struct bytes loader_program(struct bytes argv)
{
	struct bytes argument;

	if (!argument_next(&argv, &argument))
		return (struct bytes){};
	while (argument_next(&argv, &argument)) {
		const struct loader_option *option = option_of(argument);

		if (option && option->runs_nothing)
			break;
		if (option && option->has_value)
			argument_next(&argv, &argument);
		else if (argument.len == 2 && !memcmp(argument.data, "--", 2))
			return argument_next(&argv, &argument) ? argument : (struct bytes){};
		else if (argument.len < 2 || memcmp(argument.data, "--", 2))
			return argument;
	}
	return (struct bytes){};
}

static bool has_name_only(struct bytes argv)
{
	return argv.len && strnlen(argv.data, argv.len) + 1 >= argv.len;
}

bool image_is_loader(const struct image *image)
{
	const struct event_exec *e = image->exec;

	if (!e || !path_is_loader(event_bytes(&e->head, e->exe)))
		return false;
	/* the module is there only if a program is, and its loader has taken its own arguments off
	 */
	if (image_is_told(image) && image->s.origin != ORIGIN_SCAN)
		return true;
	/* where only names are kept of arguments: without a program it will map none */
	return has_name_only(event_bytes(&e->head, e->argv)) ||
	       loader_program(event_bytes(&e->head, e->argv)).len;
}

/* Lines of /proc/PID/maps stand in no order of time: of them the one of that name is taken. */
static bool is_program(const struct image *image, const struct event_mmap *e)
{
	struct bytes asked =
		path_name(loader_program(event_bytes(&image->exec->head, image->exec->argv)));
	struct bytes name = path_name(event_bytes(&e->head, e->path));

	return !(e->head.traits & TRAIT_SCANNED) ||
	       (asked.len == name.len && !memcmp(asked.data, name.data, name.len));
}

bool image_adopt_program(struct image *image, struct facts *facts, const struct event_mmap *e)
{
	struct event_exec *exec = image->exec, *adopted;
	struct fact *loader = NULL;

	if (e->file.inode == exec->file.inode && e->file.device == exec->file.device)
		return false;
	if (e->head.traits & TRAIT_BEFORE_MAIN) { /* it has a loader of its own: it is none */
		image->s.awaits_program = false;
		return false;
	}
	if (!is_program(image, e))
		return false;
	adopted = event_exec_renamed(exec, event_bytes(&e->head, e->path));
	if (!adopted)
		return false;
	if (!image_is_told(image)) /* else it tells of that itself */
		loader = facts_file(facts, &exec->file, event_bytes(&exec->head, exec->exe),
				    image->s.key.pid, image->s.ppid);
	if (loader && !image_add_object(image, loader))
		facts_release(facts, loader);
	adopted->file = e->file;
	adopted->head.traits &= ~TRAIT_DELETED;
	adopted->head.traits |= e->head.traits & TRAIT_DELETED;
	free(exec);
	image->exec = adopted;
	image->s.traits = (image->s.traits & ~TRAIT_DELETED) | (e->head.traits & TRAIT_DELETED);
	image->s.awaits_program = false;
	image->s.by_loader = true;
	facts_release(facts, image->program);
	image->program = NULL;
	if (mapping_is_object(e))
		image_set_notes(image, event_bytes(&e->head, e->notes));
	else
		image_ask_program(image, facts);
	return true;
}
