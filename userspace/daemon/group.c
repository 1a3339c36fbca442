// SPDX-License-Identifier: BSD-2-Clause
/* Members to sums, and the table of open groups: a hash table, and a list by age. */
#include "daemon/group.h"
#include "common/job.h"
#include "daemon/live_image.h"
#include "daemon/run_record.h"

#include <errno.h>
#include <sys/wait.h>
#include <xxhash.h>

#define BUCKETS	    1024 /* a power of two */
#define OBJECT_COST 16	 /* bytes of an object in memory and journal; its file is there once */

struct groups {
	struct group_list all;
	struct group_list buckets[BUCKETS];
	uint32_t count;
	size_t cost;
};

/* --- what makes runs equal */

static void hash_bytes(XXH3_state_t *state, struct bytes data)
{
	uint64_t len = data.len;

	XXH3_128bits_update(state, &len, sizeof(len));
	if (data.len)
		XXH3_128bits_update(state, data.data, data.len);
}

static void hash_notes(XXH3_state_t *state, const struct note_ids *notes)
{
	uint8_t what[3] = {!!notes, notes && notes->has_watermark, notes ? notes->build_id_len : 0};

	XXH3_128bits_update(state, what, sizeof(what));
	if (what[1])
		XXH3_128bits_update(state, notes->watermark, NOTE_UUID_LEN);
	XXH3_128bits_update(state, notes ? notes->build_id : what, what[2]);
}

void group_hash(const struct image *image, uint64_t ret[2])
{
	/* made once: only the daemon's thread asks */
	static XXH3_state_t *state;
	const struct event_exec *e = image->exec;
	uint32_t ids[] = {e->uid,
			  e->euid,
			  e->gid,
			  image->s.origin,
			  image->s.by_loader,
			  image->s.traits & (TRAIT_COMPAT | TRAIT_DELETED | TRAITS_NAMESPACES),
			  e->head.traits & (TRAIT_TOLD | TRAIT_CGROUP_TOLD)};
	char objects[ID_HASH_SIZE], script[SCRIPT_PATH_MAX];
	XXH128_hash_t hash;
	struct job job;
	bool is_known;

	if (!state)
		state = XXH3_createState();
	if (!state) /* all alone */
		hash = XXH3_128bits(&image->s.key, sizeof(image->s.key));
	if (state) {
		bool in_job = !image_job(image, &job);

		XXH3_128bits_reset(state);
		XXH3_128bits_update(state, ids, sizeof(ids));
		hash_bytes(state, bytes_of(job.manager));
		hash_bytes(state, bytes_of(job.id));
		hash_bytes(state, bytes_of(job.step));
		hash_bytes(state, bytes_of(job.container_runtime));
		hash_bytes(state, bytes_of(job.container_id));
		hash_bytes(state, in_job ? (struct bytes){NULL, 0} : exec_cgroup(e));
		XXH3_128bits_update(state, &e->file, sizeof(e->file));
		hash_bytes(state, event_bytes(&e->head, e->exe));
		hash_notes(state, image_notes(image));
		hash_bytes(state, event_bytes(&e->head, e->interp));
		hash_bytes(state, image_script_path(image, script, &is_known));
		run_object_hash(image, objects);
		XXH3_128bits_update(state, objects, sizeof(objects));
		hash = XXH3_128bits_digest(state);
	}
	ret[0] = hash.low64;
	ret[1] = hash.high64;
}

static void same_of(const struct image *image, uint64_t ret[GROUP_SAMES])
{
	const struct event_exec *e = image->exec;
	struct bytes parts[GROUP_SAMES] = {
		[SAME_CGROUP] = exec_cgroup(e),
		[SAME_ENV] = event_bytes(&e->head, e->env),
		[SAME_REQUESTED] = event_bytes(&e->head, e->requested),
	};

	for (size_t i = 0; i < GROUP_SAMES; i++)
		ret[i] = XXH3_64bits(parts[i].data, parts[i].len);
}

/* --- members */

static struct group_exit exit_of(const struct image *image)
{
	if (image->s.end == END_EXEC)
		return (struct group_exit){.by_exec = true};
	return (struct group_exit){.wait_status = image->s.wait_status & 0xffff,
				   .oom = WTERMSIG(image->s.wait_status) &&
					  (image->s.traits & TRAIT_OOM)};
}

/* NULL: there is no room for another kind. */
static struct group_exit *exit_find(struct group_state *s, const struct image *image)
{
	struct group_exit wanted = exit_of(image);

	for (uint32_t i = 0; i < s->exit_count; i++)
		if (s->exits[i].wait_status == wanted.wait_status &&
		    s->exits[i].by_exec == wanted.by_exec && s->exits[i].oom == wanted.oom)
			return &s->exits[i];
	if (s->exit_count == GROUP_EXITS_MAX)
		return NULL;
	s->exits[s->exit_count] = wanted;
	return &s->exits[s->exit_count++];
}

static void sum_add(struct group_sum *sum, uint64_t value, bool is_first)
{
	if (__builtin_add_overflow(sum->sum, value, &sum->sum))
		sum->sum = UINT64_MAX;
	sum->min = is_first ? value : MIN(sum->min, value);
	sum->max = is_first ? value : MAX(sum->max, value);
}

bool group_add(struct group *group, const struct image *image)
{
	struct group_state *s = &group->s;
	struct group_exit *exit = exit_find(s, image);
	uint64_t values[RUN_VALUES], same[GROUP_SAMES];

	if (!exit)
		return false;
	exit->count++;
	run_values(image, values);
	for (size_t i = 0; i < RUN_VALUES; i++)
		if (i != RUN_MAX_RSS)
			sum_add(&s->sums[i], values[i], !s->count);
	if (run_rss_is_own(image))
		sum_add(&s->sums[RUN_MAX_RSS], values[RUN_MAX_RSS], !s->rss_count++);
	same_of(image, same);
	for (size_t i = 0; i < GROUP_SAMES; i++)
		s->varies |= (uint32_t)(same[i] != s->same[i]) << i;
	s->begin_ns = MIN(s->begin_ns, image->s.begin_ns);
	s->end_ns = MAX(s->end_ns, image->s.end_ns);
	s->count++;
	return true;
}

struct group *group_new(struct image *image, const uint64_t hash[2])
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->s = (struct group_state){.first = image->s.key,
					.hash = {hash[0], hash[1]},
					.since_ns = image->s.end_ns,
					.begin_ns = image->s.begin_ns,
					.end_ns = image->s.end_ns};
	same_of(image, group->s.same);
	group_add(group, image);
	group->first = image;
	group->cost = sizeof(*group) + sizeof(*image) + image->exec->head.size +
		      image->object_count * OBJECT_COST;
	return group;
}

void group_free(struct facts *facts, struct group *group)
{
	if (!group)
		return;
	image_free(facts, group->first);
	free(group);
}

bool group_state_check(const struct group_state *state)
{
	return state->count > 0 && state->exit_count > 0 && state->exit_count <= GROUP_EXITS_MAX &&
	       state->rss_count <= state->count;
}

/* --- the table */

static struct group_list *bucket_of(const struct groups *groups, const uint64_t hash[2])
{
	return (struct group_list *)&groups->buckets[hash[0] & (BUCKETS - 1)];
}

int groups_new(struct groups **ret)
{
	struct groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	TAILQ_INIT(&groups->all);
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&groups->buckets[i]);
	*ret = groups;
	return 0;
}

void groups_free(struct groups *groups)
{
	free(groups);
}

struct group *groups_find(const struct groups *groups, const uint64_t hash[2])
{
	struct group *group;

	TAILQ_FOREACH (group, bucket_of(groups, hash), bucket)
		if (group->s.hash[0] == hash[0] && group->s.hash[1] == hash[1])
			return group;
	return NULL;
}

void groups_put(struct groups *groups, struct group *group)
{
	struct group *before = TAILQ_LAST(&groups->all, group_list);

	/* nearly always the last: runs end in the order of their ends */
	while (before && before->s.since_ns > group->s.since_ns)
		before = TAILQ_PREV(before, group_list, link);
	if (before)
		TAILQ_INSERT_AFTER(&groups->all, before, group, link);
	else
		TAILQ_INSERT_HEAD(&groups->all, group, link);
	TAILQ_INSERT_HEAD(bucket_of(groups, group->s.hash), group, bucket);
	group->is_open = true;
	groups->count++;
	groups->cost += group->cost;
}

void groups_take(struct groups *groups, struct group *group)
{
	TAILQ_REMOVE(&groups->all, group, link);
	TAILQ_REMOVE(bucket_of(groups, group->s.hash), group, bucket);
	group->is_open = false;
	groups->count--;
	groups->cost -= group->cost;
}

struct group *groups_oldest(const struct groups *groups)
{
	return TAILQ_FIRST(&groups->all);
}

uint32_t groups_count(const struct groups *groups)
{
	return groups->count;
}

size_t groups_cost(const struct groups *groups)
{
	return groups->cost;
}
