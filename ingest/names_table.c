/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/names_modules.h"
#include "common/text.h"

#include <errno.h>

bool names_module_is_good(struct bytes module)
{
	uint32_t code;

	if (!module.len || module.len > NAMES_MODULE_MAX || !text_is_utf8(module))
		return false;
	for (size_t i = 0; i < module.len;) {
		i += text_next((struct bytes){module.data + i, module.len - i}, &code);
		if (text_is_control(code))
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* PREFIX MODULE: the module is the last word, since paths may have blanks. What is wrong, or NULL.
 */
static const char *split(struct bytes line, struct bytes *ret_prefix, struct bytes *ret_module)
{
	size_t at = line.len;

	while (at && !is_blank(line.data[at - 1]))
		at--;
	*ret_module = (struct bytes){line.data + at, line.len - at};
	while (at && is_blank(line.data[at - 1]))
		at--;
	*ret_prefix = (struct bytes){line.data, at};
	if (!at)
		return "has no module behind the path: PREFIX MODULE";
	if (*line.data != '/')
		return "does not begin with the / of a path";
	if (!names_module_is_good(*ret_module))
		return "has a module of more than 255 bytes, or one that is not UTF-8 or has "
		       "control characters";
	return NULL;
}

static int take_line(struct names_tree *tree, struct bytes line,
		     struct names_complaints *complaints, const char *file, unsigned int number)
{
	const char *fault = NULL;
	struct bytes prefix, module, other;
	size_t len;
	int r;

	if (line.len > NAMES_TABLE_LINE_MAX)
		fault = "is longer than 8192 bytes";
	else if (memchr(line.data, '\0', line.len))
		fault = "has a NUL byte: this is no text file";
	while (!fault && line.len && is_blank(*line.data))
		line.data++, line.len--;
	while (!fault && line.len && is_blank(line.data[line.len - 1]))
		line.len--;
	if (!fault && (!line.len || *line.data == '#'))
		return 0;
	if (!fault)
		fault = split(line, &prefix, &module);
	if (fault) {
		names_complain(complaints, file, number, "the line %s", fault);
		return 0;
	}
	r = names_tree_add(tree, prefix, module);
	if (r == -EEXIST && names_tree_find(tree, prefix, &other, &len))
		names_complain(complaints, file, number,
			       "%.*s%s has another module already, %.*s%s", NAMES_SHOWN(prefix),
			       NAMES_SHOWN(other));
	else if (r == -EINVAL)
		names_complain(complaints, file, number,
			       "%.*s%s has a part of more than 4096 bytes", NAMES_SHOWN(prefix));
	return r == -ENOMEM || r == -E2BIG ? r : 0;
}

int names_table_read(const char *file, struct bytes text, struct names_complaints *complaints,
		     struct names_tree **ret)
{
	_cleanup_names_tree_ struct names_tree *tree = NULL;
	unsigned int before = complaints->count, number = 0;
	int r = names_tree_new(&tree);

	while (r == 0 && text.len) {
		const char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		r = take_line(tree, (struct bytes){text.data, len}, complaints, file, ++number);
		len += end ? 1 : 0;
		text.data += len;
		text.len -= len;
	}
	if (r == -E2BIG)
		names_complain(complaints, file, number,
			       "is one path too many: a table has at most %d different parts",
			       NAMES_TREE_NODES_MAX);
	if (r == -ENOMEM)
		return r;
	if (complaints->count != before)
		return -EINVAL;
	*ret = TAKE_PTR(tree);
	return 0;
}
