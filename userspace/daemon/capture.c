// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kernel side found again, or loaded anew, and drained.
 *
 * The hard decision here: programs are only reused by the very program that made them. The control
 * map holds a hash of the BPF object and the ring's size; where it differs, a new generation takes
 * over from the old one (capture_swap.c). So no reader ever meets events of another layout
 * unknowingly.
 */
#include "daemon/capture_state.h"
#include "daemon/node.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int ring_event(void *arg, void *data, size_t len)
{
	struct capture *c = arg;
	const struct event *event;

	if (event_check((struct bytes){data, len}, &event))
		return 0; /* can't be: one writer, one layout */
	return c->sink(c->sink_arg, event);
}

static int gate_map(struct capture *c)
{
	void *map = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 c->gate_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	c->gate = map;
	return 0;
}

/* Nothing usable is there: the first generation. */
static int capture_fresh(struct capture *c, const struct capture_options *o, char **ret_message)
{
	char path[PIN_PATH_MAX];
	int r = pin_clear(c->pin);

	if (!r)
		r = generation_load(&c->now, o, 1, -1, -1, &c->gate_fd, ret_message);
	if (!r)
		r = gate_map(c);
	if (!r) {
		c->gate->active[0] = c->gate->active[1] = 1;
		r = bpf_obj_pin(c->gate_fd, pin_path(path, c->pin, 0, "gate")) ? -errno : 0;
	}
	if (r) { /* half of it may be attached */
		generation_close(&c->now);
		(void)pin_clear(c->pin);
		rmdir(c->pin);
	}
	return r;
}

/* The generation that is active is another program's: the next one takes over. */
static int capture_replace(struct capture *c, const struct capture_options *o, uint32_t active,
			   char **ret_message)
{
	struct generation from;
	_cleanup_close_ int gate_fd = -1;
	bool is_same;
	int r;

	generation_open_old(&from, c->pin, active);
	is_same =
		!from.is_unreadable && (!from.layout || layout_is_same(from.layout, "task_state"));
	r = generation_load(&c->now, o, active + 1, c->gate_fd, is_same ? from.states_fd : -1,
			    &gate_fd, ret_message);
	if (r) { /* the old one goes on */
		generation_close(&c->now);
		pin_remove_generation(c->pin, active + 1);
	} else {
		capture_swap(c, &from);
	}
	generation_close(&from);
	return r;
}

/* What is pinned goes on, or hands over. -ENOENT if nothing usable is. */
static int capture_continue(struct capture *c, const struct capture_options *o, char **ret_message)
{
	uint32_t numbers[GENERATIONS_MAX], active;
	unsigned int count = pin_generations(c->pin, numbers), at = 0;
	char path[PIN_PATH_MAX];
	int r;

	c->gate_fd = bpf_obj_get(pin_path(path, c->pin, 0, "gate"));
	if (c->gate_fd < 0 || gate_map(c))
		return -ENOENT;
	active = c->gate->active[0];
	while (at < count && numbers[at] != active)
		at++;
	if (at == count || active >= GENERATION_MAX)
		return -ENOENT;
	c->gate->active[1] = active;
	for (unsigned int i = at + 1; i < count; i++) /* they never were alone */
		pin_remove_generation(c->pin, numbers[i]);
	r = generation_open(&c->now, c->pin, active, o);
	if (r) {
		generation_close(&c->now);
		r = capture_replace(c, o, active, ret_message);
		at++;
	}
	if (r)
		return r;
	for (unsigned int i = 0; i < at; i++)
		generation_open_old(&c->old[c->old_count++], c->pin, numbers[i]);
	capture_carry(c);
	for (unsigned int i = 0; i < at; i++)
		pin_detach(c->pin, numbers[i]);
	c->is_continued = true;
	return 0;
}

int capture_new(const struct capture_options *options, struct capture **ret, char **ret_message)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	generation_init(&c->now);
	c->gate_fd = c->lock_fd = -1;
	libbpf_set_print(NULL);
	r = pin_folder_check(options->pin, ret_message);
	if (r)
		goto fail;
	snprintf(c->pin, sizeof(c->pin), "%s", options->pin);
	c->lock_fd = pin_lock(options->pin);
	if (c->lock_fd < 0) {
		r = c->lock_fd;
		capture_say(ret_message,
			    "another runmarkd uses %s; stop it, or give this one another pin",
			    options->pin);
		goto fail;
	}
	r = capture_continue(c, options, ret_message);
	if (r == -ENOENT) {
		cleanup_close(&c->gate_fd);
		c->gate_fd = -1;
		r = capture_fresh(c, options, ret_message);
	}
	if (r)
		goto fail;
	c->now.ring = ring_buffer__new(c->now.ring_fd, ring_event, c, NULL);
	if (!c->now.ring) {
		r = -errno;
		goto fail;
	}
	*ret = c;
	return 0;
fail:
	capture_free(c);
	return r;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	generation_close(&c->now);
	for (unsigned int i = 0; i < c->old_count; i++)
		generation_close(&c->old[i]);
	if (c->gate)
		munmap(c->gate, sysconf(_SC_PAGESIZE));
	cleanup_close(&c->gate_fd);
	cleanup_close(&c->lock_fd);
	free(c);
}

int capture_unload(const char *pin)
{
	_cleanup_close_ int lock = pin_lock(pin);
	int r = lock < 0 ? lock : pin_clear(pin);

	if (r)
		return r;
	return rmdir(pin) ? -errno : 0;
}

bool capture_has_pins(const char *pin)
{
	char path[PIN_PATH_MAX];

	return strlen(pin) <= PIN_PATH_MAX - 64 && !access(pin_path(path, pin, 0, "gate"), F_OK);
}

bool capture_is_continued(const struct capture *c)
{
	return c && c->is_continued;
}

uint32_t capture_generation(const struct capture *c)
{
	return c ? c->now.number : 0;
}

uint64_t capture_began(const struct capture *c)
{
	return c ? c->now.control->began_ns : 0;
}

const struct hook *capture_hook(const struct capture *c, enum hook_fact fact)
{
	return c->now.hooks[fact];
}

void capture_set_rules(struct capture *c, const struct kernel_rule *rules, size_t count)
{
	struct control *control;

	if (!c)
		return;
	control = c->now.control;
	/* none while they change: what slips through is judged in user space */
	__atomic_store_n(&control->rule_count, 0, __ATOMIC_SEQ_CST);
	memcpy(control->rules, rules, count * sizeof(*rules));
	__atomic_store_n(&control->rule_count, count, __ATOMIC_SEQ_CST);
}

int capture_fd(const struct capture *c)
{
	return c ? ring_buffer__epoll_fd(c->now.ring) : -1;
}

int capture_drain(struct capture *c, capture_sink sink, void *arg)
{
	int r;

	if (!c)
		return 0;
	c->now.control->heartbeat_ns = node_boot_ns();
	c->sink = sink;
	c->sink_arg = arg;
	r = capture_drain_old(c);
	return r ? r : ring_buffer__consume(c->now.ring);
}
