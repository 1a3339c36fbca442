/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of what the kernel allows. By trying, not by version: a map is created and thrown away.
 * The bpf() call is made directly, since the daemon alone is linked with libbpf.
 */
#include "cli/doctor.h"
#include "common/fs.h"
#include "common/record.h"
#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define BTF_FILE      "/sys/kernel/btf/vmlinux"
#define BTF_MAX	      (64 << 20)
#define TASK_STORAGE  "BPF_MAP_TYPE_TASK_STORAGE"
#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"
#define LOCKDOWN_MAX  256

static const char *const tracefs_places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

void check_privileges(struct doctor *doctor)
{
	if (doctor->is_root)
		doctor_report(doctor, FINDING_OK, NULL, "root");
	else
		doctor_report(doctor, FINDING_WARN, NULL,
			      "not root: bpf, the daemon and the spool can't be looked at");
}

void check_kernel_types(struct doctor *doctor)
{
	_cleanup_free_ char *types = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, BTF_FILE, BTF_MAX, &types, &len);

	if (r < 0)
		doctor_report(doctor, FINDING_FAIL, NULL, "%s: %s; the kernel side can't be loaded",
			      BTF_FILE, strerror(-r));
	else if (!memmem(types, len, TASK_STORAGE, strlen(TASK_STORAGE)))
		doctor_report(doctor, FINDING_FAIL,
			      "use Linux 5.11 or newer, or have programs tell: runmark-preload(7)",
			      "BPF has no task storage here; the kernel side can't be loaded");
	else
		doctor_report(doctor, FINDING_OK, NULL, BTF_FILE);
}

void check_bpf(struct doctor *doctor)
{
	union bpf_attr attr = {0};
	_cleanup_close_ int fd = -1;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd >= 0)
		doctor_report(doctor, FINDING_OK, NULL, "allowed (a map could be created)");
	else if (errno == ENOSYS)
		doctor_report(doctor, FINDING_FAIL, "use a kernel with CONFIG_BPF_SYSCALL",
			      "the kernel is built without bpf()");
	else if (errno == EPERM && !doctor->is_root)
		doctor_report(doctor, FINDING_WARN, "run it as root",
			      "can't be tried without privileges");
	else
		doctor_report(doctor, FINDING_FAIL, NULL, "a map can't be created: %s",
			      strerror(errno));
}

void check_lockdown(struct doctor *doctor)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, LOCKDOWN_FILE, LOCKDOWN_MAX, &text, &len);

	/* The kernel marks the level in force: "none [integrity] confidentiality". */
	if (r < 0)
		doctor_report(doctor, FINDING_OK, NULL, "none known (%s: %s)", LOCKDOWN_FILE,
			      strerror(-r));
	else if (strstr(text, "[confidentiality]"))
		doctor_report(
			doctor, FINDING_FAIL, NULL,
			"confidentiality: programs of the kernel side may not read its memory");
	else
		doctor_report(doctor, FINDING_OK, NULL, "%s",
			      strstr(text, "[integrity]") ? "integrity (no hindrance)" : "none");
}

/* The nearest part of path that is there. */
static char *nearest_existing(const char *path)
{
	char *part = strdup(path), *slash;

	while (part && access(part, F_OK) < 0 && (slash = strrchr(part, '/'))) {
		if (slash == part)
			slash++;
		if (!*slash)
			break;
		*slash = '\0';
	}
	return part;
}

void check_bpffs(struct doctor *doctor)
{
	_cleanup_free_ char *place = nearest_existing(doctor->config.pin);
	struct statfs fs;

	if (!place || statfs(place, &fs) < 0)
		doctor_report(doctor, FINDING_WARN,
			      errno == EACCES && !doctor->is_root ? "run it as root" : NULL,
			      "%s: %s", doctor->config.pin, strerror(errno));
	else if (fs.f_type != BPF_FS_MAGIC)
		doctor_report(
			doctor, FINDING_FAIL, NULL,
			"%s is not on a bpf file system: capture can't go on while the daemon "
			"restarts",
			doctor->config.pin);
	else
		doctor_report(doctor, FINDING_OK, NULL, "mounted for %s", doctor->config.pin);
}

/* Whether the folder holds what a start takes up: the maps, and links beside them. */
static bool has_links(const char *folder)
{
	static const char *const maps[] = {"ring", "counters", "control", "states", "layout"};
	DIR *dir = opendir(folder);
	size_t entries = 0;

	for (const struct dirent *entry; dir && (entry = readdir(dir));)
		entries += *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return entries > ARRAY_SIZE(maps);
}

/* Removed by hand under a running daemon, pins are missed only when it stops: too late. */
void check_pins(struct doctor *doctor)
{
	_cleanup_free_ char *folder = NULL, *ring = NULL;
	double generation;

	if (record_get_number(doctor->status, "generation", &generation) < 0) {
		doctor_report(doctor, doctor->status || doctor->is_root ? FINDING_OK : FINDING_WARN,
			      "run it as root", "known to the daemon only");
		return;
	}
	if (asprintf(&folder, "%s/%.0f", doctor->config.pin, generation) < 0 ||
	    asprintf(&ring, "%s/ring", folder) < 0)
		return;
	if (access(ring, F_OK) < 0 || !has_links(folder))
		doctor_report(doctor, FINDING_FAIL, NULL,
			      "the daemon captures, but its pins in %s are gone: capture will end "
			      "with the daemon",
			      folder);
	else
		doctor_report(doctor, FINDING_OK, NULL, "in %s", folder);
}

void check_tracefs(struct doctor *doctor)
{
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(tracefs_places); i++)
		if (!statfs(tracefs_places[i], &fs) && fs.f_type == TRACEFS_MAGIC) {
			doctor_report(doctor, FINDING_OK, NULL, "mounted on %s", tracefs_places[i]);
			return;
		}
	doctor_report(doctor, FINDING_FAIL, NULL,
		      "not mounted: hooks by tracepoint name can't be attached");
}
