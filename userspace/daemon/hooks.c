// SPDX-License-Identifier: BSD-2-Clause
/* The table of hooks, and trying them. */
#include "daemon/hooks.h"
#include "bpf/event.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tracepoints and probes are called with preemption off (up to 6.18 at least), trampolines with
 * only migration off. */
#define MPROTECT_LOST "files made executable by mprotect"

static const struct hook hooks[] = {
	{HOOK_EXEC, "tracepoint", "exec_tracepoint", NULL, false, false},
	{HOOK_FORK, "tracepoint", "fork_tracepoint", NULL, false, false},
	{HOOK_MAPPING, "fentry", "mapping_fentry", MPROTECT_LOST, true, true},
	{HOOK_MAPPING, "kprobe", "mapping_kprobe", MPROTECT_LOST, true, false},
	{HOOK_MAPPING, "tracepoint", "mapping_tracepoint",
	 "objects of 32-bit programs, and " MPROTECT_LOST
	 "; each system call of the node takes some 10 ns longer",
	 false, false},
	{HOOK_EXIT, "tracepoint", "exit_tracepoint_dead", NULL, false, false},
	{HOOK_EXIT, "fentry", "exit_fentry", NULL, false, true},
	{HOOK_EXIT, "kprobe", "exit_kprobe", NULL, false, false},
	{HOOK_EXIT, "live", "exit_tracepoint_live",
	 "watermark and build-id of static programs that are deleted before they are looked at, "
	 "and "
	 "peak memory of programs started by larger ones",
	 false, false},
	{.rung = NULL},
};

static const char *const fact_names[HOOK_FACTS] = {"exec", "fork", "mapping", "exit"};

const char *hook_fact_name(enum hook_fact fact)
{
	return fact_names[fact];
}

enum hook_fact hook_fact_from_name(const char *name)
{
	enum hook_fact fact;

	for (fact = 0; fact < HOOK_FACTS; fact++)
		if (!strcmp(fact_names[fact], name))
			break;
	return fact;
}

const struct hook *hooks_table(void)
{
	return hooks;
}

const struct hook *hook_by_rung(enum hook_fact fact, const char *rung)
{
	for (const struct hook *hook = hooks; hook->rung; hook++)
		if (hook->fact == fact && !strcmp(hook->rung, rung))
			return hook;
	return NULL;
}

struct bpf_program *hook_program(struct runmark_bpf *bpf, const struct hook *hook)
{
	return bpf_object__find_program_by_name(bpf->obj, hook->program);
}

/* btf: of the running kernel; NULL where there is none. */
static bool kernel_has_function(const struct btf *btf, const char *name)
{
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

void hooks_prepare(struct runmark_bpf *bpf, const struct hook *chosen[HOOK_FACTS],
		   unsigned int cpus)
{
	struct btf *btf = btf__load_vmlinux_btf();

	for (const struct hook *hook = hooks; hook->rung; hook++)
		bpf_program__set_autoload(hook_program(bpf, hook), chosen[hook->fact] == hook);
	bpf->rodata->page_shift = __builtin_ctzl(sysconf(_SC_PAGESIZE));
	bpf->rodata->cpu_count = cpus;
	bpf->rodata->loader_at_exec = chosen[HOOK_MAPPING] && !chosen[HOOK_MAPPING]->maps_loader;
	bpf->rodata->has_preempt_disable = kernel_has_function(btf, "bpf_preempt_disable");
	bpf->rodata->has_rdonly_cast = kernel_has_function(btf, "bpf_rdonly_cast");
	bpf_map__set_max_entries(bpf->maps.scratches, cpus);
	btf__free(btf);
}

/* Counted by the only program that is loaded. */
static uint64_t events_seen(const struct runmark_bpf *bpf)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct counters *each = calloc(MAX(cpus, 1), sizeof(*each));
	uint64_t seen = 0;
	uint32_t zero = 0;

	if (!each || bpf_map_lookup_elem(bpf_map__fd(bpf->maps.counters), &zero, each))
		return 0;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t kind = 0; kind < EVENT_KINDS; kind++)
			seen += each[cpu].seen[kind];
	return seen;
}

/*
 * A fork, an executable mapping and an exit: some of them are what the attached program waits for.
 * Hooks exist that attach and are never called (an LSM program on 5.10). Several children, since a
 * probe misses what happens while its CPU is in another program.
 */
static int hook_prove(const struct runmark_bpf *bpf)
{
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid) {
			int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

			mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
			_exit(0);
		}
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (events_seen(bpf))
			return 0;
	}
	return -ENODATA;
}

/*
 * 0 if the hook's program loads, attaches and is called, else negative errno. Not where it could be
 * preempted and cannot prevent it: another program would write into the same scratch, and while it
 * waits for the CPU, the kernel skips it for every other task there.
 */
static int hook_try(const struct hook *hook)
{
	const struct hook *only[HOOK_FACTS] = {NULL};
	struct runmark_bpf *bpf = runmark_bpf__open();
	struct bpf_link *link;
	int r;

	if (!bpf)
		return -errno;
	only[hook->fact] = hook;
	hooks_prepare(bpf, only, libbpf_num_possible_cpus());
	bpf_program__set_autoload(bpf->progs.scan_tasks, false);
	bpf_map__set_max_entries(bpf->maps.ring, 4096 * 16);
	r = hook->is_preemptible && !bpf->rodata->has_preempt_disable ? -EOPNOTSUPP
								      : runmark_bpf__load(bpf);
	if (!r) {
		link = bpf_program__attach(hook_program(bpf, hook));
		r = link ? hook_prove(bpf) : -errno;
		bpf_link__destroy(link);
	}
	runmark_bpf__destroy(bpf);
	return r;
}

/* The next rung of hook's ladder that may be used, or NULL. */
static const struct hook *hook_next(const struct hook *hook, enum hook_fact fact,
				    const struct hook *forced)
{
	for (hook = hook ? hook + 1 : hooks; hook->rung; hook++)
		if (hook->fact == fact && (!forced || forced == hook))
			return hook;
	return NULL;
}

void hooks_choose(const struct hook *forced[HOOK_FACTS], const struct hook *ret[HOOK_FACTS])
{
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		const struct hook *hook = hook_next(NULL, fact, forced[fact]), *next;

		/* the last rung left needs no trial (a third of a second each): loading it is one
		 */
		while ((next = hook_next(hook, fact, forced[fact])) && hook_try(hook))
			hook = next;
		ret[fact] = hook;
	}
}
