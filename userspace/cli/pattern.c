/* SPDX-License-Identifier: BSD-2-Clause */
/* Paths, globs and bare names: pattern.h says what each means. */
#include "cli/pattern.h"
#include "common/fs.h"
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>

static int init_path(struct pattern *pattern, const char *text)
{
	_cleanup_free_ char *here = NULL, *resolved = realpath(text, NULL);

	if (*text != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return -errno;
		while (!strncmp(text, "./", 2))
			text += 2;
	}
	if (asprintf(&pattern->text, "%s%s%s", here ? here : "", here ? "/" : "", text) < 0) {
		pattern->text = NULL;
		return -ENOMEM;
	}
	if (resolved && strcmp(resolved, pattern->text))
		pattern->resolved = TAKE_PTR(resolved);
	return 0;
}

int pattern_init(struct pattern *pattern, const char *text, bool is_library)
{
	bool has_glob = strpbrk(text, "*?[");

	if (!*text)
		return -EINVAL;
	*pattern = (struct pattern){.is_library = is_library};
	if (!has_glob && strchr(text, '/')) {
		pattern->kind = PATTERN_PATH;
		return init_path(pattern, text);
	}
	pattern->kind = has_glob ? PATTERN_GLOB : PATTERN_NAME;
	pattern->text = strdup(text);
	return pattern->text ? 0 : -ENOMEM;
}

void pattern_done(struct pattern *pattern)
{
	free(pattern->text);
	free(pattern->resolved);
	*pattern = (struct pattern){0};
}

/* "", ".6", ".0.3.21": the version numbers behind a soname. */
static bool is_version(const char *text)
{
	while (*text == '.') {
		size_t digits = strspn(text + 1, "0123456789");

		if (!digits)
			return false;
		text += 1 + digits;
	}
	return !*text;
}

static bool matches_name(const struct pattern *pattern, const char *name)
{
	size_t len = strlen(pattern->text);

	if (strncmp(name, pattern->text, len))
		return false;
	name += len;
	if (!pattern->is_library || !*name)
		return !*name;
	if (!strncmp(name, ".so", 3) && !memmem(pattern->text, len, ".so", 3))
		name += 3;
	return is_version(name);
}

static bool matches_text(const struct pattern *pattern, const char *path)
{
	switch (pattern->kind) {
	case PATTERN_PATH:
		return !strcmp(path, pattern->text) ||
		       (pattern->resolved && !strcmp(path, pattern->resolved));
	case PATTERN_GLOB:
		if (!strchr(pattern->text, '/'))
			path = fs_base_name(path);
		return !fnmatch(pattern->text, path, 0) || !strcmp(pattern->text, path);
	case PATTERN_NAME:
		return matches_name(pattern, fs_base_name(path));
	}
	return false;
}

bool pattern_matches(const struct pattern *pattern, struct bytes path)
{
	const size_t deleted_len = strlen(PATTERN_DELETED);
	_cleanup_free_ char *text = strndup(path.data ? path.data : "", path.len);

	if (!text)
		return false;
	if (matches_text(pattern, text))
		return true;
	if (path.len <= deleted_len || strcmp(text + path.len - deleted_len, PATTERN_DELETED))
		return false;
	text[path.len - deleted_len] = '\0';
	return matches_text(pattern, text);
}
