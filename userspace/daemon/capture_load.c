// SPDX-License-Identifier: BSD-2-Clause
/* One generation: loaded, attached and pinned, or found again. */
#include "daemon/capture_state.h"
#include "daemon/node.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

/* A description of the events, as it is pinned. */
struct stored_layout {
	uint64_t hash;
	uint32_t len, pad;
	char btf[];
};

void generation_init(struct generation *g)
{
	*g = (struct generation){.ring_fd = -1,
				 .counters_fd = -1,
				 .control_fd = -1,
				 .states_fd = -1,
				 .scan_link_fd = -1};
	for (size_t i = 0; i < ARRAY_SIZE(g->program_fds); i++)
		g->program_fds[i] = -1;
}

void generation_close(struct generation *g)
{
	int *fds[] = {&g->ring_fd, &g->counters_fd, &g->control_fd, &g->states_fd,
		      &g->scan_link_fd};

	ring_buffer__free(g->ring);
	if (g->control)
		munmap(g->control, sysconf(_SC_PAGESIZE));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		cleanup_close(fds[i]);
	for (size_t i = 0; i < ARRAY_SIZE(g->program_fds); i++)
		cleanup_close(&g->program_fds[i]);
	layout_free(g->layout);
	generation_init(g);
}

/* What the pins are of: this BPF object with this ring. */
static uint64_t object_hash(uint32_t ring_mib)
{
	size_t size;
	const void *object = runmark_bpf__elf_bytes(&size);

	return (XXH3_64bits(object, size) | 1) + 2 * (uint64_t)ring_mib;
}

static int control_map(struct generation *g)
{
	void *map = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 g->control_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	g->control = map;
	return 0;
}

/* Reads the pinned description. True if it is this version's; else g->layout is set, or
 * g->is_unreadable. */
static bool layout_load(struct generation *g, const char *pin)
{
	char path[PIN_PATH_MAX];
	_cleanup_close_ int fd = bpf_obj_get(pin_path(path, pin, g->number, "layout"));
	_cleanup_free_ struct stored_layout *stored = NULL;
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;

	g->is_unreadable = true;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.value_size < sizeof(*stored) ||
	    info.value_size > sizeof(*stored) + LAYOUT_BYTES_MAX)
		return false;
	stored = malloc(info.value_size);
	if (!stored || bpf_map_lookup_elem(fd, &zero, stored) ||
	    stored->len > info.value_size - sizeof(*stored))
		return false;
	g->is_unreadable = false;
	if (stored->hash == layout_hash())
		return true;
	g->is_unreadable = layout_new((struct bytes){stored->btf, stored->len}, &g->layout);
	return false;
}

static int layout_store(uint32_t number, const char *pin)
{
	char path[PIN_PATH_MAX];
	size_t len;
	const void *own = layout_own(&len);
	size_t size = (sizeof(struct stored_layout) + len + 7) & ~(size_t)7;
	_cleanup_free_ struct stored_layout *stored = calloc(1, size);
	_cleanup_close_ int fd = -1;
	__u32 zero = 0;

	if (!stored || !own)
		return -ENOMEM;
	stored->hash = layout_hash();
	stored->len = len;
	memcpy(stored->btf, own, len);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "layout", sizeof(zero), size, 1, NULL);
	if (fd < 0 || bpf_map_update_elem(fd, &zero, stored, BPF_ANY) ||
	    bpf_obj_pin(fd, pin_path(path, pin, number, "layout")))
		return -errno;
	return 0;
}

static int program_fd_of_link(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return -1;
	return bpf_prog_get_fd_by_id(info.prog_id);
}

static void program_add(void *arg, int link_fd)
{
	struct generation *g = arg;

	for (size_t i = 0; i < ARRAY_SIZE(g->program_fds); i++) {
		if (g->program_fds[i] >= 0)
			continue;
		g->program_fds[i] = program_fd_of_link(link_fd);
		return;
	}
}

static void generation_get(struct generation *g, const char *pin, uint32_t number)
{
	char path[PIN_PATH_MAX];

	generation_init(g);
	g->number = number;
	g->ring_fd = bpf_obj_get(pin_path(path, pin, number, "ring"));
	g->counters_fd = bpf_obj_get(pin_path(path, pin, number, "counters"));
	g->control_fd = bpf_obj_get(pin_path(path, pin, number, "control"));
	g->states_fd = bpf_obj_get(pin_path(path, pin, number, "states"));
	pin_each_link(pin, number, program_add, g);
}

void generation_open_old(struct generation *g, const char *pin, uint32_t number)
{
	generation_get(g, pin, number);
	(void)layout_load(g, pin);
}

int generation_open(struct generation *g, const char *pin, uint32_t number,
		    const struct capture_options *o)
{
	char path[PIN_PATH_MAX];

	generation_get(g, pin, number);
	if (!layout_load(g, pin) || g->ring_fd < 0 || g->counters_fd < 0 || g->states_fd < 0 ||
	    control_map(g) || g->control->object != object_hash(o->ring_mib))
		return -ESTALE;
	g->scan_link_fd = bpf_obj_get(pin_path(path, pin, number, "scan_tasks"));
	for (const struct hook *hook = hooks_table(); hook->rung; hook++) {
		if (access(pin_path(path, pin, number, hook->program), F_OK))
			continue;
		if (o->forced[hook->fact] && o->forced[hook->fact] != hook)
			return -ESTALE;
		g->hooks[hook->fact] = hook;
	}
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		if (!g->hooks[fact])
			return -ESTALE;
	return 0;
}

static int programs_pin(struct generation *g, struct runmark_bpf *bpf, const char *pin,
			char **ret_message)
{
	char path[PIN_PATH_MAX];
	int r = 0;

	for (enum hook_fact fact = 0; fact <= HOOK_FACTS && !r; fact++) {
		bool is_scan = fact == HOOK_FACTS;
		struct bpf_program *program =
			is_scan ? bpf->progs.scan_tasks : hook_program(bpf, g->hooks[fact]);
		struct bpf_link *link = bpf_program__attach(program);

		if (!link) {
			r = -errno;
			if (!is_scan)
				capture_say(ret_message,
					    "hook %s=%s can't be attached: %s; this kernel lacks "
					    "it, leave out --hook or use another (--help)",
					    hook_fact_name(fact), g->hooks[fact]->rung,
					    strerror(-r));
		} else {
			r = bpf_link__pin(
				link, pin_path(path, pin, g->number, bpf_program__name(program)));
		}
		if (!r && is_scan)
			g->scan_link_fd = dup(bpf_link__fd(link));
		else
			g->program_fds[fact] = dup(bpf_program__fd(program));
		bpf_link__destroy(link);
		if (r && is_scan)
			r = 0; /* what runs already can't be listed, the rest can be had */
	}
	return r;
}

static int maps_pin(struct generation *g, struct runmark_bpf *bpf, const char *pin)
{
	struct {
		struct bpf_map *map;
		const char *name;
		int *fd;
	} each[] = {{bpf->maps.ring, "ring", &g->ring_fd},
		    {bpf->maps.counters, "counters", &g->counters_fd},
		    {bpf->maps.control, "control", &g->control_fd},
		    {bpf->maps.states, "states", &g->states_fd}};
	char path[PIN_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
		*each[i].fd = dup(bpf_map__fd(each[i].map));
		if (*each[i].fd < 0 ||
		    bpf_obj_pin(*each[i].fd, pin_path(path, pin, g->number, each[i].name)))
			return -errno;
	}
	return layout_store(g->number, pin);
}

/* Sequence numbers go on where no older generation has been. */
static int counters_init(const struct generation *g, int cpus)
{
	_cleanup_free_ struct counters *each = calloc(cpus, sizeof(*each));
	__u32 zero = 0;

	if (!each)
		return -ENOMEM;
	for (int cpu = 0; cpu < cpus; cpu++)
		each[cpu].seq = GENERATION_SEQ(g->number);
	return bpf_map_update_elem(g->counters_fd, &zero, each, BPF_ANY) ? -errno : 0;
}

static int programs_load(struct generation *g, const struct capture_options *o,
			 struct runmark_bpf *bpf, int cpus, int gate_fd, int states_fd)
{
	hooks_prepare(bpf, g->hooks, cpus);
	bpf->rodata->generation = g->number;
	bpf_map__set_max_entries(bpf->maps.ring, o->ring_mib << 20);
	if (gate_fd >= 0 && bpf_map__reuse_fd(bpf->maps.gate, gate_fd))
		return -errno;
	if (states_fd >= 0 && bpf_map__reuse_fd(bpf->maps.states, states_fd))
		return -errno;
	return runmark_bpf__load(bpf);
}

int generation_load(struct generation *g, const struct capture_options *o, uint32_t number,
		    int gate_fd, int states_fd, int *ret_gate_fd, char **ret_message)
{
	int cpus = libbpf_num_possible_cpus(), r;
	char path[PIN_PATH_MAX];
	struct runmark_bpf *bpf;

	generation_init(g);
	g->number = number;
	if (cpus < 0)
		return cpus;
	hooks_choose((const struct hook **)o->forced, g->hooks);
	bpf = runmark_bpf__open();
	if (!bpf)
		return -errno;
	r = programs_load(g, o, bpf, cpus, gate_fd, states_fd);
	if (r) {
		capture_say(ret_message, "the kernel refuses the programs (%s); see runmark doctor",
			    strerror(-r));
		goto out;
	}
	r = mkdir(pin_path(path, o->pin, number, NULL), 0700) ? -errno : 0;
	if (!r)
		r = maps_pin(g, bpf, o->pin);
	if (!r)
		r = control_map(g);
	if (!r)
		r = counters_init(g, cpus);
	if (!r) {
		*g->control = (struct control){.object = object_hash(o->ring_mib),
					       .wakeup_bytes = (o->ring_mib << 20) / 4,
					       .began_ns = node_boot_ns(),
					       .heartbeat_ns = node_boot_ns()};
		r = programs_pin(g, bpf, o->pin, ret_message);
	}
	if (!r) {
		*ret_gate_fd = dup(bpf_map__fd(bpf->maps.gate));
		r = *ret_gate_fd < 0 ? -errno : 0;
	}
	if (r && !*ret_message)
		capture_say(ret_message, "cannot attach and pin below %s: %s", o->pin,
			    strerror(-r));
out:
	runmark_bpf__destroy(bpf);
	return r;
}
