// SPDX-License-Identifier: BSD-2-Clause
/* What the kernel side can be asked: counts, how full the ring is, what runs now. */
#include "daemon/capture_state.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

/* Nothing but 64-bit counts in it. */
void counters_add(struct counters *sum, const struct counters *more)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)more;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

int generation_totals(const struct generation *g, struct capture_totals *ret)
{
	int cpus = libbpf_num_possible_cpus();
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	struct capture_totals totals = {};
	_cleanup_free_ char *each = NULL;
	size_t step;

	if (cpus < 0 || g->counters_fd < 0 || bpf_obj_get_info_by_fd(g->counters_fd, &info, &len))
		return -EINVAL;
	step = (info.value_size + 7) & ~7U;
	each = calloc(cpus, step);
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(g->counters_fd, &zero, each))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct bytes theirs = {each + cpu * step, info.value_size};
		struct counters one;

		if (!g->layout && info.value_size == sizeof(one))
			memcpy(&one, theirs.data, sizeof(one));
		else if (!g->layout ||
			 layout_struct(g->layout, "counters", theirs, &one, sizeof(one)))
			return -EINVAL;
		one.seq -= GENERATION_SEQ(g->number);
		counters_add(&totals.sum, &one);
	}
	for (size_t i = 0; i < ARRAY_SIZE(g->program_fds); i++) {
		struct bpf_prog_info program = {};

		len = sizeof(program);
		if (g->program_fds[i] >= 0 &&
		    !bpf_obj_get_info_by_fd(g->program_fds[i], &program, &len))
			totals.missed_runs += program.recursion_misses;
	}
	*ret = totals;
	return 0;
}

int capture_totals(const struct capture *c, struct capture_totals *ret)
{
	struct capture_totals totals = {};
	int r;

	if (!c) {
		*ret = totals;
		return 0;
	}
	r = generation_totals(&c->now, &totals);
	if (r)
		return r;
	counters_add(&totals.sum, &c->now.control->before);
	totals.missed_runs += c->now.control->missed_before;
	totals.unread = c->unread;
	*ret = totals;
	return 0;
}

void capture_told(const struct capture *c, struct capture_totals *ret)
{
	*ret = (struct capture_totals){};
	if (!c)
		return;
	ret->sum = c->now.control->told;
	ret->missed_runs = c->now.control->missed_told;
}

void capture_set_told(struct capture *c, const struct capture_totals *totals)
{
	if (!c)
		return;
	c->now.control->told = totals->sum;
	c->now.control->missed_told = totals->missed_runs;
}

/* The ring's two positions, bytes ever written and read; both 0 if they can't be had. */
static void ring_positions(int ring_fd, uint64_t *ret_written, uint64_t *ret_read)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint64_t *consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, ring_fd, 0);
	uint64_t *producer = mmap(NULL, page, PROT_READ, MAP_SHARED, ring_fd, page);

	*ret_written = *ret_read = 0;
	if (consumer != MAP_FAILED && producer != MAP_FAILED) {
		*ret_read = *consumer;
		*ret_written = *producer;
	}
	if (consumer != MAP_FAILED)
		munmap(consumer, page);
	if (producer != MAP_FAILED)
		munmap(producer, page);
}

void ring_size(int ring_fd, uint64_t *ret_used, uint64_t *ret_size)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	uint64_t written, read;

	ring_positions(ring_fd, &written, &read);
	*ret_used = written - read;
	*ret_size = bpf_obj_get_info_by_fd(ring_fd, &info, &len) ? 0 : info.max_entries;
}

uint64_t capture_mark(const struct capture *c)
{
	uint64_t written, read;

	if (!c)
		return 0;
	ring_positions(c->now.ring_fd, &written, &read);
	return written;
}

bool capture_is_past(const struct capture *c, uint64_t mark)
{
	uint64_t written, read;

	if (!c)
		return true;
	ring_positions(c->now.ring_fd, &written, &read);
	return !c->old_count && read >= mark;
}

void capture_ring(const struct capture *c, uint64_t *ret_used, uint64_t *ret_size)
{
	uint64_t used, size;

	*ret_used = *ret_size = 0;
	if (!c)
		return;
	ring_size(c->now.ring_fd, ret_used, ret_size);
	for (unsigned int i = 0; i < c->old_count; i++) {
		ring_size(c->old[i].ring_fd, &used, &size);
		*ret_used += used;
	}
}

ssize_t capture_scan(struct capture *c, struct event_task **ret)
{
	_cleanup_close_ int fd =
		c->now.scan_link_fd < 0 ? -1 : bpf_iter_create(c->now.scan_link_fd);
	_cleanup_free_ char *data = NULL;
	size_t len = 0, size = 0;

	if (fd < 0)
		return -ENOTSUP;
	for (;;) {
		ssize_t n;

		if (size - len < 65536) {
			char *bigger = realloc(data, size + 262144);

			if (!bigger)
				return -ENOMEM;
			data = bigger;
			size += 262144;
		}
		n = read(fd, data + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	*ret = (struct event_task *)TAKE_PTR(data);
	return len / sizeof(struct event_task);
}
