// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who started a process. A shell forks copies of itself, which tell nothing: where a parent is not
 * known, but runs the same program as its own parent that is, it is such a copy, and told of as one
 * now. One that runs something else told nothing of itself (it is static, say), and stays unknown.
 */
#include "daemon/preload_state.h"

#define ANCESTORS_MAX 8

struct ancestor {
	uint32_t pid;
	uint64_t start_ns;
};

/* The image that a process runs, if that is known. */
static bool known(struct preload *p, const struct ancestor *who, struct live_key *ret)
{
	struct live_found found;

	if (!live_find(tracker_live(p->options.tracker), who->pid, who->start_ns,
		       p->options.node->tick_ns, &found) ||
	    !found.image)
		return false;
	*ret = found.key;
	return true;
}

/* One that is gone: as it was told last. */
static struct live_key gone(struct preload *p, uint32_t pid)
{
	const struct told *t = told_find(p, pid);
	const struct told_ended *ended = t ? NULL : ended_get(p, pid, 0);

	return t ? t->key : ended ? ended->key : (struct live_key){.pid = pid};
}

static struct live_key tell_copy(struct preload *p, const struct ancestor *who,
				 const struct live_key *parent)
{
	struct live_key key = {who->start_ns, who->pid, parent->exec_id};
	struct event_fork *e = &p->room.fork;
	struct told *t = told_find(p, who->pid), *of = told_find(p, parent->pid);

	if (t) /* of a process that had its number */
		return (struct live_key){.pid = who->pid};
	t = told_add(p, &key);
	if (!t)
		return (struct live_key){.pid = who->pid};
	*e = (struct event_fork){.head = {.kind = EVENT_FORK,
					  .size = sizeof(*e),
					  .seq = 1,
					  .cpu = UINT32_MAX,
					  .time_ns = who->start_ns,
					  .start_ns = key.start_ns,
					  .pid = key.pid,
					  .exec_id = key.exec_id,
					  .traits = TRAIT_TOLD},
				 .parent_start_ns = parent->start_ns,
				 .parent_pid = parent->pid,
				 .parent_exec_id = parent->exec_id};
	tracker_told(p->options.tracker, &e->head);
	t->is_copy = t->has_start = true;
	t->begin_ns = who->start_ns;
	t->uid = of ? of->uid : (uint32_t)-1;
	told_watch(p, t, -1);
	return key;
}

struct live_key preload_parent(struct preload *p, uint32_t ppid)
{
	struct ancestor list[ANCESTORS_MAX];
	struct live_key key = {.pid = ppid};
	uint32_t count = 0, pid = ppid, above;

	for (;; pid = above) {
		if (!pid || count == ANCESTORS_MAX)
			return (struct live_key){.pid = ppid};
		list[count].pid = pid;
		if (!preload_look_stat(pid, p->options.node->tick_ns, &above,
				       &list[count].start_ns))
			return count ? (struct live_key){.pid = ppid} : gone(p, pid);
		if (known(p, &list[count], &key))
			break;
		if (!above || !preload_is_same_program(pid, above))
			return (struct live_key){.pid = ppid};
		count++;
	}
	while (count--) {
		key = tell_copy(p, &list[count], &key);
		if (!key.start_ns)
			return (struct live_key){.pid = ppid};
	}
	return key;
}
