// SPDX-License-Identifier: BSD-2-Clause
/* What the kernel side can be asked: counts, how full the ring is, what runs now. */
#include "daemon/capture_state.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/mman.h>

int capture_totals(const struct capture *c, struct capture_totals *ret)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct counters *each = calloc(MAX(cpus, 1), sizeof(*each));
	struct capture_totals totals = {};
	uint64_t *sum = (uint64_t *)&totals.sum;
	uint32_t zero = 0;

	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(c->counters_fd, &zero, each))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) /* nothing but 64-bit counts in it */
		for (size_t i = 0; i < sizeof(*each) / sizeof(uint64_t); i++)
			sum[i] += ((uint64_t *)&each[cpu])[i];
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(c->program_fds[fact], &info, &len))
			totals.missed_runs += info.recursion_misses;
	}
	*ret = totals;
	return 0;
}

void capture_ring(const struct capture *c, uint64_t *ret_used, uint64_t *ret_size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint64_t *consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, c->ring_fd, 0);
	uint64_t *producer = mmap(NULL, page, PROT_READ, MAP_SHARED, c->ring_fd, page);

	*ret_size = c->ring_bytes;
	*ret_used = 0;
	if (consumer != MAP_FAILED && producer != MAP_FAILED)
		*ret_used = *producer - *consumer;
	if (consumer != MAP_FAILED)
		munmap(consumer, page);
	if (producer != MAP_FAILED)
		munmap(producer, page);
}

ssize_t capture_scan(struct capture *c, struct event_task **ret)
{
	_cleanup_close_ int fd = c->scan_link_fd < 0 ? -1 : bpf_iter_create(c->scan_link_fd);
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
