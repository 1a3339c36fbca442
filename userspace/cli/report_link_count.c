/* SPDX-License-Identifier: BSD-2-Clause */
/* How many links were made in the window, by what: reports of compilers and linkers. */
#include "cli/report.h"
#include "common/array.h"
#include <errno.h>

enum link_column { COMPILER, COMPILER_VERSION, LINKER, LINKER_VERSION, USER, UID, HOST, JOB };

static const char links_sql[] =
	"SELECT l.compiler_name, l.compiler_version, k.name, l.linker_version, l.user, l.uid, "
	"l.host, l.job FROM link l LEFT JOIN path k ON k.id = l.linker "
	"WHERE l.time_us >= ? AND l.time_us < ?";

/* A link, until its job is known. */
struct link {
	uint32_t keys[TALLY_KEYS];
	uint32_t job;
};

struct links {
	struct link *items;
	size_t count, size;
};

static bool fits(const struct run_conditions *conditions, struct query *row)
{
	static const struct {
		enum run_column condition;
		int column;
	} pairs[] = {{RUN_USER, USER}, {RUN_UID, UID}, {RUN_HOST, HOST}};

	for (size_t i = 0; i < conditions->count; i++) {
		bool is_met = false;

		for (size_t k = 0; k < ARRAY_SIZE(pairs); k++)
			is_met |= !query_is_null(row, pairs[k].column) &&
				  ids_has(&conditions->items[i].ids[pairs[k].condition],
					  query_int(row, pairs[k].column));
		if (!is_met)
			return false;
	}
	return true;
}

static int key_of(struct report_names *names, enum report_dim dim, struct query *row, uint32_t *ret)
{
	static const int places[DIMS] = {
		[DIM_COMPILER] = COMPILER,
		[DIM_COMPILER_VERSION] = COMPILER_VERSION,
		[DIM_LINKER] = LINKER,
		[DIM_LINKER_VERSION] = LINKER_VERSION,
	};

	*ret = 0;
	return dim == DIM_NONE
		       ? 0
		       : labels_add(&names->labels, report_column_bytes(row, places[dim]), ret);
}

static bool is_of_cluster(const struct report_names *names, int64_t host, const char *cluster)
{
	uint32_t number;
	struct bytes text;

	if (!cluster)
		return true;
	if (!index_find(&names->host_index, host, &number))
		return false;
	text = labels_get(&names->labels, names->hosts[number].cluster);
	return text.len == strlen(cluster) && !memcmp(text.data, cluster, text.len);
}

static int take(const struct report_asked *asked, struct report_names *names, struct query *row,
		struct links *links)
{
	struct link *items = array_grow(links->items, links->count, &links->size, sizeof(*items));
	struct link *link;
	int r = 0;

	if (!items)
		return -ENOMEM;
	links->items = items;
	link = &items[links->count];
	if (!is_of_cluster(names, query_int(row, HOST), asked->filter.cluster))
		return 0;
	for (size_t i = 0; r >= 0 && i < TALLY_KEYS; i++)
		r = key_of(names, asked->view->dims[i], row, &link->keys[i]);
	link->job = REPORT_NO_INDEX;
	if (r >= 0 && !query_is_null(row, JOB))
		r = report_names_job(names, query_int(row, JOB), &link->job);
	links->count++;
	return r;
}

static bool is_text(const struct report_names *names, uint32_t label, const char *wanted)
{
	struct bytes text = labels_get(&names->labels, label);

	return !wanted ||
	       (text.data && text.len == strlen(wanted) && !memcmp(text.data, wanted, text.len));
}

static bool fits_job(const struct report_asked *asked, const struct report_names *names,
		     const struct link *link)
{
	if (!asked->filter.account && !asked->filter.queue)
		return true;
	return link->job != REPORT_NO_INDEX &&
	       is_text(names, names->jobs[link->job].account, asked->filter.account) &&
	       is_text(names, names->jobs[link->job].queue, asked->filter.queue);
}

int report_link_count(const struct report_asked *asked, const struct run_conditions *conditions,
		      struct report_lines *lines)
{
	struct report_names *names = lines->tally.names;
	_cleanup_query_ struct query *query = NULL;
	struct links links = {0};
	int r;

	if (asked->filter.exe || asked->filter.lib || asked->filter.software ||
	    asked->filter.module) /* questions about runs */
		return 0;
	lines->has_links = true;
	r = query_new(asked->store, links_sql, &query);
	if (r >= 0)
		r = query_bind_int(query, 1, asked->since_us);
	if (r >= 0)
		r = query_bind_int(query, 2, asked->until_us);
	while (r >= 0 && (r = query_step(query)) > 0)
		if (fits(conditions, query))
			r = take(asked, names, query, &links);
	if (r >= 0)
		r = report_names_look_up_jobs(names);
	for (size_t i = 0; r >= 0 && i < links.count; i++) {
		struct tally_cell *cell;

		if (!fits_job(asked, names, &links.items[i]))
			continue;
		r = tally_cell(&lines->tally, links.items[i].keys[0], links.items[i].keys[1],
			       &cell);
		if (r >= 0)
			cell->links++;
	}
	free(links.items);
	return r < 0 ? r : 0;
}
