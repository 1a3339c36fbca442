// SPDX-License-Identifier: BSD-2-Clause
/* Where the rules meet an exec: once, before it is journaled, so that the verdict goes with it. */
#include "daemon/live_job.h"
#include "daemon/tracker_state.h"

#define NAMES_PATIENCE_NS NS_PER_S
/* The mappings that an exec makes itself are told before it, and so journaled before it is known
 * that their user opts out. The journal is begun anew without them, so long after. */
#define BLANK_NS (10 * NS_PER_S)

void tracker_wait_for_names(struct tracker *t)
{
	uint64_t until = node_boot_ns() + NAMES_PATIENCE_NS;

	rules_advance(t->rules, t->facts, node_boot_ns());
	while (rules_are_waiting(t->rules) && node_boot_ns() < until) {
		usleep(1000);
		facts_collect(t->facts);
		rules_advance(t->rules, t->facts, node_boot_ns());
	}
}

size_t tracker_kernel_rules(const struct tracker *t, struct kernel_rule ret[KERNEL_RULES_MAX])
{
	return rules_for_kernel(t->rules, ret);
}

/* A parent that the table doesn't know is taken for one without a rank. */
static uint32_t parent_ranks(const struct tracker *t, const struct event_exec *e)
{
	const struct image *parent = live_image_of(t->live, e->parent_pid, e->parent_start_ns);

	return parent && parent->exec ? exec_ranks(parent->exec) : 0;
}

/*
 * The variables by which a launcher started this process: those that its parent has not. They stay
 * when the process executes another program (numactl ./a.out), and are not a copy's of a task.
 */
static uint32_t task_of(const struct tracker *t, const struct event_exec *e, uint32_t ranks)
{
	const struct image *own = live_image_of(t->live, e->head.pid, e->head.start_ns);

	if (own && own->exec && own->s.key.pid == e->head.pid)
		return ranks & (exec_task(own->exec) | ~exec_ranks(own->exec));
	return ranks & ~parent_ranks(t, e) & ~(own && own->exec ? exec_ranks(own->exec) : 0);
}

/* Without its argv and environment, which nobody will ask for, where these stand behind all else.
 */
static void strip(const struct event_exec *e, struct event_exec *out)
{
	const struct span kept[] = {e->exe, e->requested, e->interp,
				    e->cwd, e->cgroup,	  e->cgroup_v1};
	uint32_t size = MIN(e->argv.off, e->env.off);

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (kept[i].off + kept[i].len > size)
			size = e->head.size;
	memcpy(out, e, size);
	out->argv = out->env = (struct span){size, 0};
	out->head.size = size;
}

void tracker_set_below(struct tracker *t, const struct event_task *task)
{
	t->below = *task;
}

/* What has run before it, in its process or the one that it was forked from, says so, back to the
 * process that was named. Whoever's past is not known is not below. */
static bool is_below(const struct tracker *t, const struct event_exec *e)
{
	const struct image *before;

	if (!t->below.pid ||
	    (e->head.pid == t->below.pid &&
	     e->head.start_ns / t->node->tick_ns == t->below.start_ns / t->node->tick_ns))
		return true;
	before = live_before(t->live, e);
	return before && before->exec && image_verdict(before) != VERDICT_OUT_OF_SCOPE;
}

void tracker_judge(struct tracker *t, const struct event_exec *e)
{
	struct event_exec *out = (void *)t->filtered;
	uint32_t ranks = ranks_of_env(event_bytes(&e->head, e->env));
	unsigned int verdict;

	if (e->head.traits & TRAIT_IGNORED) { /* the rest isn't told */
		memcpy(out, e, e->head.size);
		exec_set_verdict(out, RULE_IGNORE, ranks);
		return;
	}
	if (!is_below(t, e)) {
		strip(e, out);
		exec_set_verdict(out, VERDICT_OUT_OF_SCOPE, ranks);
		return;
	}
	if (privacy_opts_out(t->privacy, event_bytes(&e->head, e->env))) {
		privacy_blank_exec(e, out);
		exec_set_verdict(out, VERDICT_OPTED_OUT, ranks);
		t->has_opted_out = true;
		if (!t->blank_due_ns)
			t->blank_due_ns = node_boot_ns() + BLANK_NS;
		return;
	}
	subject_of_exec(e, &t->subject);
	(void)live_job(t->live, e, &t->subject.job);
	(void)rules_decide(t->rules, &t->subject, &verdict);
	if (verdict == RULE_GROUP && is_task(ranks, parent_ranks(t, e)))
		verdict = RULE_FULL;
	if (verdict_is_recorded(verdict))
		privacy_exec(t->privacy, e, out);
	else
		strip(e, out);
	exec_set_verdict(out, verdict, ranks);
	exec_set_task(out, task_of(t, e, ranks));
}

const struct event *tracker_blank(struct tracker *t, const struct event *e)
{
	const struct image *image;

	if (e->kind != EVENT_MMAP && e->kind != EVENT_EXIT)
		return e;
	image = live_image_of(t->live, e->pid, e->start_ns);
	if (!image || e->exec_id > image->s.key.exec_id ||
	    image_verdict(image) != VERDICT_OPTED_OUT)
		return e;
	if (e->kind == EVENT_MMAP)
		return NULL;
	privacy_blank_exit((const void *)e, (void *)t->filtered);
	return (const void *)t->filtered;
}
