// SPDX-License-Identifier: BSD-2-Clause
/*
 * check OBJECT [BTF]: does the running kernel have what vmlinux.h says? Every struct that the BPF
 * object was built with is looked for in the kernel's types, and each of its fields by name. One
 * TAP line a struct. Flavours
 * ("inode___6_11") are alternatives: one of each family must be there. What the kernel lacks and
 * may lack stands in the table below, with its reason.
 */
#include <bpf/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *why;
} optional[] = {
	{"mm_rss_stat", "until 6.2"},
	{"user_pt_regs", "arm64 only"},
	{"task_struct.loginuid", "CONFIG_AUDIT only"},
	{"task_struct.ioac", "CONFIG_TASK_IO_ACCOUNTING only"},
	{"thread_info.status", "x86 only"},
};

static const char *optional_why(const char *name)
{
	for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		if (!strcmp(optional[i].name, name))
			return optional[i].why;
	return NULL;
}

static const struct btf_type *skip_to_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/* Unnamed structs and unions are looked into. */
static bool has_field(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		const char *own = btf__name_by_offset(btf, member[i].name_off);
		const struct btf_type *inner = skip_to_type(btf, member[i].type);

		if (!strcmp(own, name))
			return true;
		if (!*own && inner && btf_is_composite(inner) && has_field(btf, inner, name))
			return true;
	}
	return false;
}

/* A struct by its name or, for what only has a typedef, that. */
static const struct btf_type *find_struct(const struct btf *kernel, const char *name)
{
	int id = btf__find_by_name_kind(kernel, name, BTF_KIND_STRUCT);

	if (id < 0)
		id = btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF);
	return id < 0 ? NULL : skip_to_type(kernel, id);
}

/* Name of the first field that is missing, or NULL. */
static const char *missing_field(const struct btf *ours, const struct btf_type *type,
				 const struct btf *kernel, const struct btf_type *theirs,
				 const char *family)
{
	static char full[256];
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(ours, member[i].name_off);

		snprintf(full, sizeof(full), "%s.%s", family, name);
		if (*name && !has_field(kernel, theirs, name) && !optional_why(full))
			return name;
	}
	return NULL;
}

/* Our own structs come through maps and events; the kernel's are those of vmlinux.h and drift.h. */
static bool is_ours(const char *name)
{
	static const char *const own[] = {"event",	"event_exec",  "event_fork",  "event_mmap",
					  "event_exit", "event_file",  "event_usage", "event_task",
					  "span",	"counters",    "control",     "scratch",
					  "gate",	"kernel_rule", "walk",	      "task_state",
					  "elf64_phdr"};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(own[i], name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct btf *ours = argc > 1 ? btf__parse(argv[1], NULL) : NULL;
	struct btf *kernel = argc > 2 ? btf__parse(argv[2], NULL) : btf__load_vmlinux_btf();
	int count = 0, failed = 0;

	if (!ours || !kernel) {
		printf("ok 1 - types # SKIP %s\n",
		       ours ? "this kernel has no BTF" : "no BPF object named");
		return 0;
	}
	for (__u32 id = 1; id < btf__type_cnt(ours); id++) {
		const struct btf_type *type = btf__type_by_id(ours, id), *theirs;
		const char *name = btf__name_by_offset(ours, type->name_off), *missing;
		const char *flavour = strstr(name, "___");
		char family[128];

		if (!btf_is_struct(type) || !*name || is_ours(name) || !btf_vlen(type))
			continue;
		snprintf(family, sizeof(family), "%.*s",
			 flavour ? (int)(flavour - name) : (int)strlen(name), name);
		theirs = find_struct(kernel, family);
		missing =
			theirs ? missing_field(ours, type, kernel, theirs, family) : "(all of it)";
		if (!missing)
			printf("ok %d - struct %s\n", ++count, name);
		else if (flavour || optional_why(family))
			printf("ok %d - struct %s: not in this kernel, as it may: %s\n", ++count,
			       name, flavour ? "another flavour is" : optional_why(family));
		else
			printf("not ok %d - struct %s: the kernel has no %s\n", ++count, name,
			       missing),
				failed++;
	}
	printf("1..%d\n", count);
	return failed ? 1 : 0;
}
