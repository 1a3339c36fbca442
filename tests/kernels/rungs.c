// SPDX-License-Identifier: BSD-2-Clause
/*
 * Every rung of every hook on the kernel that runs: does it load, attach and see a known child?
 * TAP, a line a rung. A rung that this kernel cannot have is skipped with the reason, which is
 * found from the kernel's own tables and not by trying: a program that the verifier refuses has
 * failed, though the daemon would go on with the next rung.
 */
#include "bpf/event.h"
#include "common/util.h"
#include "daemon/hooks.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of the verifier's 1,000,000: kernels differ by half, so more here may be too many elsewhere. */
#define INSTRUCTIONS_MAX 500000
#define LOG_SHOWN	 6000 /* bytes of a refused program's log: the end says why */

static char *log_text;
static size_t log_len;
static FILE *log_file;

static int log_keep(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG || !log_file ? 0 : vfprintf(log_file, format, args);
}

static void log_begin(void)
{
	if (log_file)
		fclose(log_file);
	free(log_text);
	log_text = NULL;
	log_file = open_memstream(&log_text, &log_len);
}

static void log_show(void)
{
	char *rest, *line;

	if (!log_file || fflush(log_file) || !log_text)
		return;
	rest = log_text + (log_len > LOG_SHOWN ? log_len - LOG_SHOWN : 0);
	while ((line = strsep(&rest, "\n")))
		printf("# %s\n", line);
}

static bool file_has_word(const char *path, const char *word)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		for (char *rest = line, *token; (token = strsep(&rest, " \t\n"));)
			if (!strcmp(token, word))
				return true;
	return false;
}

/* Parameters of a tracepoint, as its callbacks get them; the first is their own datum. */
static int tracepoint_parameters(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int n = -1, id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) : -1;

	if (id > 0) {
		const struct btf_type *t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);

		n = btf_vlen(btf__type_by_id(btf, t->type));
	}
	btf__free(btf);
	return n;
}

/* NULL, or why this kernel has no such hook. */
static const char *cannot_have(const struct hook *hook, const char *section)
{
	const char *function = strchr(section, '/');

	if (!libbpf_probe_bpf_map_type(BPF_MAP_TYPE_TASK_STORAGE, NULL))
		return "BPF has no task storage before Linux 5.11";
	if (!strcmp(hook->program, "exit_tracepoint_dead"))
		return tracepoint_parameters("btf_trace_sched_process_exit") == 3
			       ? NULL
			       : "sched_process_exit does not tell the last thread before 6.16";
	if (!strcmp(hook->rung, "kprobe")) {
		if (access("/sys/bus/event_source/devices/kprobe", F_OK))
			return "kernel without kprobes";
		return file_has_word("/proc/kallsyms", function + 1) ? NULL : "no such function";
	}
	if (!strcmp(hook->rung, "fentry")) {
		if (access("/sys/kernel/tracing/available_filter_functions", F_OK))
			return "kernel without function tracing";
		return file_has_word("/sys/kernel/tracing/available_filter_functions", function + 1)
			       ? NULL
			       : "no such traceable function";
	}
	return NULL;
}

/* Runs /bin/true to its end: a fork, an exec, mappings and an exit. */
static int known_child(void)
{
	char *argv[] = {"true", NULL}, *envp[] = {NULL};
	pid_t pid;
	int status, r = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp);

	if (r)
		return -r;
	return waitpid(pid, &status, 0) == pid && !status ? 0 : -ECHILD;
}

/* As if a daemon were there: else events are only counted. */
static int begin_watch(struct runmark_bpf *bpf)
{
	struct control control = {.wakeup_bytes = 1 << 20};
	struct timespec now;
	uint32_t zero = 0;

	clock_gettime(CLOCK_BOOTTIME, &now);
	control.heartbeat_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
	return bpf_map_update_elem(bpf_map__fd(bpf->maps.control), &zero, &control, BPF_ANY);
}

/* Only one program is loaded, so these are its events: seen, and sent. */
static void count_events(struct runmark_bpf *bpf, uint64_t *ret_seen, uint64_t *ret_sent)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct counters *each = calloc(cpus, sizeof(*each));
	uint32_t zero = 0;

	*ret_seen = *ret_sent = 0;
	if (!each || bpf_map_lookup_elem(bpf_map__fd(bpf->maps.counters), &zero, each))
		return;
	for (int cpu = 0; cpu < cpus; cpu++) {
		*ret_sent += each[cpu].seq;
		for (int kind = 0; kind < EVENT_KINDS; kind++)
			*ret_seen += each[cpu].seen[kind];
	}
}

static uint32_t verified_instructions(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) ? 0
									     : info.verified_insns;
}

/* False: what failed stands in *ret_what. */
static bool rung_works(struct runmark_bpf *bpf, const struct hook *hook, const char **ret_what,
		       uint32_t *ret_instructions)
{
	struct bpf_program *program = hook_program(bpf, hook);
	struct bpf_link *link;
	uint64_t seen = 0, sent = 0;

	*ret_what = "does not load";
	if (runmark_bpf__load(bpf))
		return false;
	*ret_instructions = verified_instructions(program);
	*ret_what = "does not attach";
	link = bpf_program__attach(program);
	if (!link)
		return false;
	if (!begin_watch(bpf) && !known_child())
		count_events(bpf, &seen, &sent);
	bpf_link__destroy(link);
	*ret_what = seen ? "is called but sends nothing" : "is never called";
	return sent > 0;
}

/* True unless it failed. */
static bool rung_check(const struct hook *hook, int number)
{
	const struct hook *only[HOOK_FACTS] = {NULL};
	struct runmark_bpf *bpf = runmark_bpf__open();
	const char *fact = hook_fact_name(hook->fact), *why, *what;
	uint32_t instructions = 0;
	bool works;

	if (!bpf) {
		printf("not ok %d - %s=%s: cannot open\n", number, fact, hook->rung);
		return false;
	}
	why = cannot_have(hook, bpf_program__section_name(hook_program(bpf, hook)));
	if (why) {
		printf("ok %d - %s=%s # SKIP %s\n", number, fact, hook->rung, why);
		runmark_bpf__destroy(bpf);
		return true;
	}
	only[hook->fact] = hook;
	hooks_prepare(bpf, only, libbpf_num_possible_cpus());
	log_begin();
	works = rung_works(bpf, hook, &what, &instructions);
	if (works && instructions > INSTRUCTIONS_MAX) {
		works = false;
		what = "takes the verifier too many instructions";
	}
	if (works)
		printf("ok %d - %s=%s: %u instructions verified\n", number, fact, hook->rung,
		       instructions);
	else
		printf("not ok %d - %s=%s: %s\n", number, fact, hook->rung, what);
	if (!works)
		log_show();
	runmark_bpf__destroy(bpf);
	return works;
}

int main(void)
{
	int number = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_print(log_keep);
	for (const struct hook *hook = hooks_table(); hook->rung; hook++)
		if (!rung_check(hook, ++number))
			failed++;
	printf("1..%d\n", number);
	return failed ? 1 : 0;
}
