// SPDX-License-Identifier: BSD-2-Clause
/* The event's side; privacy_link.c has that of link records. */
#include "daemon/privacy_state.h"

#include "common/opt_out.h"
#include "daemon/event.h"

#include <errno.h>

int privacy_new(const struct config *config, struct privacy **ret)
{
	struct privacy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->config = config;
	r = env_filter_new(&config->environment, &p->filter);
	if (!r)
		r = scrub_new(&config->scrub, &p->scrub);
	if (r) {
		privacy_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void privacy_free(struct privacy *p)
{
	if (!p)
		return;
	env_filter_free(p->filter);
	scrub_free(p->scrub);
	free(p);
}

bool privacy_opts_out(const struct privacy *p, struct bytes env)
{
	if (!p->config->opt_out)
		return false;
	while (env.len) {
		struct bytes entry = {env.data, strnlen(env.data, env.len)};
		size_t step = MIN(entry.len + 1, env.len);

		if (opt_out_is_entry(entry))
			return true;
		env.data += step;
		env.len -= step;
	}
	return false;
}

/* Where the environment stands behind the arguments, as both are told, these may become longer by
 * the room for it that is not used. */
static size_t argv_limit(const struct event_exec *e)
{
	size_t others = e->argv.off + ((e->env.len + 7) & ~7U) + 8;
	size_t room = EVENT_MAX_BYTES > others ? EVENT_MAX_BYTES - others : 0;

	return MIN(room, (size_t)ARGV_MAX_BYTES);
}

/* The arguments to out, behind which is room for them. */
static void argv_copy(struct privacy *p, const struct event_exec *e, struct event_exec *out)
{
	struct bytes argv = event_bytes(&e->head, e->argv);
	char *to = (char *)out + e->argv.off;
	bool is_changed;

	if (p->config->argv == CONFIG_ARGV_NAME && argv.len) {
		size_t first = MIN(strnlen(argv.data, argv.len) + 1, argv.len);

		if (first < argv.len)
			out->head.traits |= TRAIT_ARGV_DROPPED;
		argv.len = first;
	}
	out->argv.len = scrub_argv(p->scrub, argv, to, argv_limit(e), &is_changed);
	if (is_changed)
		out->head.traits |= TRAIT_ARGV_SCRUBBED;
}

void privacy_exec(struct privacy *p, const struct event_exec *e, struct event_exec *out)
{
	uint32_t env_off;

	if (p->config->argv == CONFIG_ARGV_FULL || !e->argv.len) {
		env_filter_event(p->filter, e, out);
		return;
	}
	if (e->env.off < e->argv.off + e->argv.len) { /* nobody makes it so */
		privacy_blank_exec(e, out);
		out->head.flags |= EVENT_ARGV_FAULT | EVENT_ENV_FAULT;
		return;
	}
	memcpy(out, e, e->argv.off);
	argv_copy(p, e, out);
	env_off = e->argv.off + ((out->argv.len + 7) & ~7U);
	out->env.off = env_off;
	out->env.len =
		env_filter_copy(p->filter, event_bytes(&e->head, e->env), (char *)out + env_off);
	out->head.size = env_off + ((out->env.len + 7) & ~7U);
}

void privacy_blank_exec(const struct event_exec *e, struct event_exec *out)
{
	const struct span none = {sizeof(*out), 0};

	memset(out, 0, sizeof(*out));
	out->head = e->head;
	out->head.size = sizeof(*out);
	out->parent_start_ns = e->parent_start_ns;
	out->parent_pid = e->parent_pid;
	out->parent_exec_id = e->parent_exec_id;
	out->uid = e->uid;
	out->before = e->before; /* of the run that this exec ended */
	out->exe = out->requested = out->interp = out->cwd = none;
	out->cgroup = out->cgroup_v1 = out->argv = out->env = none;
}

void privacy_blank_exit(const struct event_exit *e, struct event_exit *out)
{
	*out = *e;
	out->head.size = sizeof(*out);
	memset(out->comm, 0, sizeof(out->comm));
	out->notes = (struct span){sizeof(*out), 0};
}
