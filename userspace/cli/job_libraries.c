/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of a job had mapped, and what of that is worth a word. */
#include "cli/job.h"
#include "common/record.h"
#include <errno.h>

/* The C library and what comes with it, the compiler's, and ours: by the beginning of the last
 * part. */
static const char *const plain[] = {
	"ld-linux",   "ld-musl",   "ld64.so",	   "ld.so",	 "libc.so",    "libc-",
	"libm.so",    "libm-",	   "libdl.so",	   "libdl-",	 "libpthread", "librt.so",
	"librt-",     "libresolv", "libutil.",	   "libnss_",	 "libgcc_s.",  "libanl.",
	"linux-vdso", "libmvec.",  "libthread_db", "librunmark",
};

static struct bytes name_of(struct bytes path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	size_t skip = slash ? (size_t)(slash + 1 - path.data) : 0;

	return (struct bytes){path.data + skip, path.len - skip};
}

bool job_is_plain_library(struct bytes path)
{
	struct bytes name = name_of(path);

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		size_t len = strlen(plain[i]);

		if (name.len >= len && !memcmp(name.data, plain[i], len))
			return true;
	}
	return false;
}

/* Row numbers of the paths in the sets. */
static int collect_paths(struct store *store, struct ids *sets, struct ids *paths)
{
	_cleanup_query_ struct query *query = NULL;
	int r = query_new(store,
			  "SELECT o.path FROM object_set_member m JOIN object o ON o.id = m.object "
			  "WHERE m.object_set = ?",
			  &query);

	ids_sort(sets);
	for (size_t i = 0; r >= 0 && i < sets->count; i++) {
		query_reset(query);
		r = query_bind_int(query, 1, sets->items[i]);
		while (r >= 0 && (r = query_step(query)) > 0)
			r = ids_add(paths, query_int(query, 0));
	}
	ids_sort(paths);
	return r < 0 ? r : 0;
}

static int compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	int order = memcmp(x->data, y->data, MIN(x->len, y->len));

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

int job_add_libraries(struct store *store, struct ids *sets, cJSON *row)
{
	_cleanup_query_ struct query *query = NULL;
	_cleanup_ids_ struct ids paths = {0};
	struct bytes *texts = NULL;
	size_t count = 0;
	int r = collect_paths(store, sets, &paths);

	if (r >= 0)
		r = query_new(store, "SELECT path FROM path WHERE id = ?", &query);
	if (r >= 0 && !(texts = calloc(paths.count + 1, sizeof(*texts))))
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < paths.count; i++) {
		char *copy;

		query_reset(query);
		r = query_bind_int(query, 1, paths.items[i]);
		if (r < 0 || (r = query_step(query)) <= 0)
			continue;
		texts[count].len = query_bytes(query, 0).len;
		texts[count].data = copy = malloc(texts[count].len + 1);
		if (!copy) {
			r = -ENOMEM;
			continue;
		}
		memcpy(copy, query_bytes(query, 0).data, texts[count++].len);
	}
	if (count)
		qsort(texts, count, sizeof(*texts), compare);
	if (r >= 0 && !record_add_texts(row, "libraries", texts, count))
		r = -ENOMEM;
	for (size_t i = 0; i < count; i++)
		free((char *)texts[i].data);
	free(texts);
	return r < 0 ? r : 0;
}
