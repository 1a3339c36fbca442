// SPDX-License-Identifier: BSD-2-Clause
/* The allow-list sorted by how each of its members can be asked. */
#include "daemon/env_filter.h"
#include "common/text.h"

#include <errno.h>
#include <fnmatch.h>

#define ENV_NAME_MAX 255 /* bytes, as a record shows it: no loader takes a longer one */
#define SHOWN_MAX    3	 /* bytes for one that is not UTF-8 */

struct env_filter {
	struct bytes *exact, *prefixes; /* exact: sorted */
	const char **globs;
	size_t exact_count, prefix_count, glob_count;
	bool first[256]; /* some exact name or prefix begins so */
};

static int bytes_compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	int order = memcmp(x->data, y->data, MIN(x->len, y->len));

	return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

int env_filter_new(const struct config_list *allow, struct env_filter **ret)
{
	struct env_filter *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->exact = calloc(allow->count + 1, sizeof(*f->exact));
	f->prefixes = calloc(allow->count + 1, sizeof(*f->prefixes));
	f->globs = calloc(allow->count + 1, sizeof(*f->globs));
	if (!f->exact || !f->prefixes || !f->globs) {
		env_filter_free(f);
		return -ENOMEM;
	}
	for (size_t i = 0; i < allow->count; i++) {
		const char *glob = allow->items[i];
		size_t plain = strcspn(glob, "*?[\\");

		if (!glob[plain])
			f->exact[f->exact_count++] = (struct bytes){glob, plain};
		else if (plain && !strcmp(glob + plain, "*"))
			f->prefixes[f->prefix_count++] = (struct bytes){glob, plain};
		else {
			f->globs[f->glob_count++] = glob;
			continue;
		}
		f->first[(unsigned char)glob[0]] = true;
	}
	qsort(f->exact, f->exact_count, sizeof(*f->exact), bytes_compare);
	*ret = f;
	return 0;
}

void env_filter_free(struct env_filter *f)
{
	if (!f)
		return;
	free(f->exact);
	free(f->prefixes);
	free(f->globs);
	free(f);
}

bool env_filter_allows(const struct env_filter *f, struct bytes entry)
{
	const char *equals = entry.len ? memchr(entry.data, '=', entry.len) : NULL;
	struct bytes name = {entry.data, equals ? (size_t)(equals - entry.data) : 0};
	char text[ENV_NAME_MAX + 1];

	if (!name.len || name.len > ENV_NAME_MAX ||
	    (name.len > ENV_NAME_MAX / SHOWN_MAX && !text_is_utf8(name)))
		return false;
	if (f->first[(unsigned char)name.data[0]]) {
		if (bsearch(&name, f->exact, f->exact_count, sizeof(*f->exact), bytes_compare))
			return true;
		for (size_t i = 0; i < f->prefix_count; i++)
			if (name.len >= f->prefixes[i].len &&
			    !memcmp(name.data, f->prefixes[i].data, f->prefixes[i].len))
				return true;
	}
	if (!f->glob_count)
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	for (size_t i = 0; i < f->glob_count; i++)
		if (!fnmatch(f->globs[i], text, 0))
			return true;
	return false;
}

size_t env_filter_copy(const struct env_filter *f, struct bytes env, char *out)
{
	char *to = out;

	while (env.len) {
		const char *end = memchr(env.data, '\0', env.len);
		struct bytes entry = {env.data, end ? (size_t)(end - env.data) : env.len};
		size_t step = MIN(entry.len + 1, env.len);

		if (entry.len && env_filter_allows(f, entry)) {
			memcpy(to, env.data, step);
			to += step;
		}
		env.data += step;
		env.len -= step;
	}
	return to - out;
}

void env_filter_event(const struct env_filter *f, const struct event_exec *e,
		      struct event_exec *out)
{
	memcpy(out, e, e->env.off);
	out->env.len = env_filter_copy(f, event_bytes(&e->head, e->env), (char *)out + e->env.off);
	out->head.size = e->env.off + ((out->env.len + 7) & ~7U);
}
