/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that is wrong is left out whole: half a list of rules would call programs by the wrong one
 * of them, and nobody would know which. What was named by it is without a name then, until the next
 * --names.
 */
#include "ingest/names.h"
#include "ingest/names_glob.h"
#include "common/fs.h"

#include <errno.h>

#define DELETED " (deleted)" /* behind the path of a program that was removed while it ran */

static void refuse(struct names_complaints *complaints, const char *file, int error)
{
	if (error == -EFBIG)
		names_complain(complaints, file, 0, "is too big to be a list of names");
	else
		names_complain(complaints, file, 0, "cannot be read: %s", strerror(-error));
}

static int read_text(struct names_source *source, enum names_file number, struct site_names *names,
		     struct names_complaints *complaints)
{
	bool is_rules = number == NAMES_FILE_SOFTWARE || number == NAMES_FILE_DEFAULTS;
	_cleanup_free_ char *data = NULL;
	struct bytes text;
	int r = fs_read_file(AT_FDCWD, source->file,
			     is_rules ? NAMES_RULES_FILE_MAX : NAMES_TABLE_FILE_MAX, &data,
			     &text.len);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		refuse(complaints, source->file, r);
		return -EINVAL;
	}
	text.data = data;
	return is_rules ? names_rules_read(source->file, text, complaints, &names->rules[number])
			: names_table_read(source->file, text, complaints, &names->modules[0]);
}

static int read_spider(struct names_source *source, struct site_names *names,
		       struct names_complaints *complaints)
{
	_cleanup_fclose_ FILE *in = fopen(source->file, "re");

	if (!in) {
		refuse(complaints, source->file, -errno);
		return -EINVAL;
	}
	return names_spider_read(source->file, in, complaints, &names->modules[1],
				 &names->spider_skipped);
}

/* Files whose place is the default, and was not chosen by anybody, need not be there. */
static bool may_be_missing(const char *file)
{
	return !strcmp(file, CONFIG_DEFAULT_SOFTWARE) || !strcmp(file, CONFIG_DEFAULT_RULES);
}

static int read_source(struct site_names *names, enum names_file number,
		       struct names_complaints *complaints)
{
	struct names_source *source = &names->sources[number];

	if (!*source->file)
		return 0;
	if (stat(source->file, &source->seen)) {
		source->seen = (struct stat){};
		if (errno == ENOENT && may_be_missing(source->file))
			return 0;
		refuse(complaints, source->file, -errno);
		return -EINVAL;
	}
	if (!S_ISREG(source->seen.st_mode)) {
		names_complain(complaints, source->file, 0, "is no regular file");
		return -EINVAL;
	}
	if (number == NAMES_FILE_SPIDER)
		return read_spider(source, names, complaints);
	return read_text(source, number, names, complaints);
}

static int read_sources(struct site_names *names, struct names_complaints *complaints)
{
	const char *const files[NAMES_FILES] = {
		[NAMES_FILE_SOFTWARE] = names->config.names_software,
		[NAMES_FILE_DEFAULTS] = names->config.names_defaults,
		[NAMES_FILE_MODULES] = names->config.names_modules,
		[NAMES_FILE_SPIDER] = names->config.names_spider,
	};
	int result = 0;

	for (enum names_file i = 0; i < NAMES_FILES && result != -ENOMEM; i++) {
		int r;

		names->sources[i].file = files[i];
		r = read_source(names, i, complaints);
		if (r < 0)
			result = r;
	}
	if (complaints->count > NAMES_COMPLAINTS_MAX)
		fprintf(complaints->out, "\n%u errors more",
			complaints->count - NAMES_COMPLAINTS_MAX);
	return result;
}

int site_names_load(struct site_names *ret_names, char **ret_message)
{
	struct site_names names = {};
	struct names_complaints complaints = {};
	_cleanup_free_ char *message = NULL;
	size_t len;
	int r = config_load(NULL, &names.config, &message);

	*ret_names = (struct site_names){};
	*ret_message = NULL;
	if (r < 0) {
		*ret_message = TAKE_PTR(message);
		return *ret_message ? -EINVAL : -ENOMEM;
	}
	names.is_configured = true;
	complaints.out = open_memstream(&message, &len);
	r = complaints.out ? read_sources(&names, &complaints) : -ENOMEM;
	if (complaints.out && fclose(complaints.out))
		r = -ENOMEM;
	*ret_names = names;
	if (r == -EINVAL)
		*ret_message = TAKE_PTR(message);
	return r;
}

void site_names_done(struct site_names *names)
{
	for (size_t i = 0; i < 2; i++) {
		names_rules_free(names->rules[i]);
		names_tree_free(names->modules[i]);
	}
	if (names->is_configured)
		config_done(&names->config);
	*names = (struct site_names){};
}

bool site_names_have_changed(const struct site_names *names)
{
	for (size_t i = 0; i < NAMES_FILES; i++) {
		const struct names_source *source = &names->sources[i];
		const struct stat *was = &source->seen;
		struct stat is;

		if (!source->file || !*source->file)
			continue;
		if (stat(source->file, &is))
			is = (struct stat){};
		if (is.st_dev != was->st_dev || is.st_ino != was->st_ino ||
		    is.st_size != was->st_size || is.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		    is.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
			return true;
	}
	return false;
}

/* Whether the layout counts there: the first pattern that takes the path decides. */
static bool is_laid_out(const struct config_list *layouts, struct bytes path)
{
	for (size_t i = 0; i < layouts->count; i++) {
		struct bytes glob = bytes_of(layouts->items[i]);
		bool is_not = *glob.data == '!';

		glob.data += is_not;
		glob.len -= is_not;
		if (names_glob_takes(glob, path))
			return !is_not;
	}
	return false;
}

static void find_software(const struct site_names *names, struct bytes path, struct path_names *ret)
{
	for (enum names_file i = NAMES_FILE_SOFTWARE; i <= NAMES_FILE_DEFAULTS; i++) {
		if (!names->rules[i] || !names_rules_find(names->rules[i], path, &ret->rule))
			continue;
		ret->software_from = i;
		if (ret->rule.name.len)
			ret->software = ret->rule.name;
		return;
	}
}

static void find_module(const struct site_names *names, struct bytes path, struct path_names *ret)
{
	struct bytes module;

	for (size_t i = 0; i < 2; i++) {
		if (!names->modules[i] ||
		    !names_tree_find(names->modules[i], path, &module, &ret->prefix_len))
			continue;
		ret->module_from = NAMES_FILE_MODULES + i;
		if (i || module.len != 1 || *module.data != *NAMES_NO_MODULE)
			ret->module = module;
		return;
	}
}

void site_names_of(const struct site_names *names, struct bytes path, struct path_names *ret)
{
	struct bytes name, version;

	*ret = (struct path_names){.software_from = NAMES_FILES, .module_from = NAMES_FILES};
	if (path.len > strlen(DELETED) &&
	    !memcmp(path.data + path.len - strlen(DELETED), DELETED, strlen(DELETED)))
		path.len -= strlen(DELETED);
	if (!path.len || !names->is_configured)
		return;
	find_software(names, path, ret);
	find_module(names, path, ret);
	if (ret->software_from != NAMES_FILES && ret->module_from != NAMES_FILES)
		return;
	ret->layout = names_layout_of(path, &name, &version);
	if (ret->layout && !is_laid_out(&names->config.names_layouts, path))
		ret->layout = NAMES_LAYOUT_NONE;
	if (!ret->layout)
		return;
	if (ret->software_from == NAMES_FILES)
		ret->software = name;
	if (ret->module_from == NAMES_FILES) {
		int len = snprintf(ret->text, sizeof(ret->text), "%.*s/%.*s", (int)name.len,
				   name.data, (int)version.len, version.data);

		ret->module = (struct bytes){ret->text, (size_t)len};
	}
}
