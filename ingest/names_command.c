/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/names_command.h"
#include "ingest/names_refresh.h"
#include "common/log.h"
#include "common/text.h"

#include <errno.h>

enum { STATUS_DONE, STATUS_NOTHING, STATUS_FAILED = 3 };

void names_command_load(struct site_names *names)
{
	_cleanup_free_ char *message = NULL;
	int r = site_names_load(names, &message);

	if (r == 0)
		return;
	log_warn_lines(message);
	log_warn(r == -EINVAL ? 0 : r, "these names are left out; loading goes on, and "
				       "runmark-ingest --names fills them in once that is mended");
}

void names_command_reload(struct site_names *names)
{
	if (!site_names_have_changed(names))
		return;
	site_names_done(names);
	names_command_load(names);
}

/* As for loading, but whatever is wrong is an error. */
static int load_all(struct site_names *ret)
{
	_cleanup_free_ char *message = NULL;
	int r = site_names_load(ret, &message);

	if (r == 0)
		return 0;
	site_names_done(ret);
	log_err_lines(r, message ?: "memory ran out");
	return r;
}

int names_command_refresh(struct backend *db, const volatile sig_atomic_t *stop)
{
	_cleanup_(site_names_done) struct site_names names = {};
	struct names_totals t = {};
	int r = load_all(&names);

	if (r < 0) {
		log_err(0, "no name was changed");
		return STATUS_FAILED;
	}
	r = names_refresh(db, &names, stop, &t);
	if (r == -EINTR)
		log_warn(0, "stopped; --names does the rest the next time");
	else if (r < 0)
		log_err(*db->message ? 0 : r, "%s", *db->message ? db->message : "cannot go on");
	printf("named %llu paths: %llu changed; %llu have a software, %llu a module\n",
	       (unsigned long long)t.paths, (unsigned long long)t.changed,
	       (unsigned long long)t.software, (unsigned long long)t.module);
	if (r < 0)
		return STATUS_FAILED;
	return t.changed ? STATUS_DONE : STATUS_NOTHING;
}

int names_command_check(void)
{
	static const char *const kinds[NAMES_FILES] = {
		[NAMES_FILE_SOFTWARE] = "patterns of software",
		[NAMES_FILE_DEFAULTS] = "patterns of software",
		[NAMES_FILE_MODULES] = "paths of modules",
		[NAMES_FILE_SPIDER] = "paths of modules",
	};
	_cleanup_(site_names_done) struct site_names names = {};

	if (load_all(&names) < 0)
		return STATUS_FAILED;
	for (size_t i = 0; i < NAMES_FILES; i++) {
		const struct names_source *source = &names.sources[i];
		size_t count;

		if (!*source->file)
			continue;
		if (!source->seen.st_ino) {
			printf("%s: is not there\n", source->file);
			continue;
		}
		count = i < NAMES_FILE_MODULES ? names_rules_count(names.rules[i])
					       : names_tree_count(names.modules[i - 2]);
		printf("%s: %zu %s", source->file, count, kinds[i]);
		if (i == NAMES_FILE_SPIDER && names.spider_skipped)
			printf("; %llu entries left out", (unsigned long long)names.spider_skipped);
		puts("");
	}
	return STATUS_DONE;
}

static void print_layout(enum names_layout layout)
{
	static const char *const layouts[] = {
		[NAMES_LAYOUT_NONE] = "nothing knows it",
		[NAMES_LAYOUT_EASYBUILD] = "by EasyBuild's folders",
		[NAMES_LAYOUT_SPACK] = "by Spack's folders",
	};

	puts(layouts[layout]);
}

static void print_name(const char *what, struct bytes name)
{
	_cleanup_free_ char *shown = name.data ? text_for_terminal(name) : NULL;

	printf("%-9s %s\t", what, shown ?: "-");
}

int names_command_explain(const char *path)
{
	_cleanup_(site_names_done) struct site_names names = {};
	_cleanup_free_ char *pattern = NULL, *prefix = NULL;
	struct path_names found;

	if (load_all(&names) < 0)
		return STATUS_FAILED;
	site_names_of(&names, bytes_of(path), &found);
	print_name("software", found.software);
	if (found.software_from != NAMES_FILES) {
		pattern = text_for_terminal(found.rule.pattern);
		printf("by %s:%u: %s\n", names.sources[found.software_from].file, found.rule.line,
		       pattern ?: "");
	} else {
		print_layout(found.layout);
	}
	print_name("module", found.module);
	if (found.module_from != NAMES_FILES) {
		prefix = text_for_terminal((struct bytes){path, found.prefix_len});
		printf("by %s: %s\n", names.sources[found.module_from].file, prefix ?: "");
	} else {
		print_layout(found.layout);
	}
	return found.software.data || found.module.data ? STATUS_DONE : STATUS_NOTHING;
}
