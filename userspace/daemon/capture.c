// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loading, pinning, finding again, draining.
 *
 * The hard decision here: pins are only reused by the very program that made them. The control map
 * holds a hash of the BPF object and the ring's size ("layout"); where it differs, the old programs
 * are detached and new ones attached. So no reader ever meets events of another layout.
 */
#include "daemon/capture_state.h"
#include "daemon/node.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <xxhash.h>

#define PIN_PATH_MAX 512

static char *pin_path(char path[PIN_PATH_MAX], const char *pin, const char *name)
{
	snprintf(path, PIN_PATH_MAX, "%s/%s", pin, name);
	return path;
}

uint64_t capture_layout(void)
{
	size_t size;
	const void *object = runmark_bpf__elf_bytes(&size);

	return XXH3_64bits(object, size) | 1;
}

/* What the pins belong to: this BPF object with this ring. */
static uint64_t pin_layout(uint32_t ring_mib)
{
	return capture_layout() + ring_mib;
}

static int ring_event(void *arg, void *data, size_t len)
{
	struct capture *c = arg;
	const struct event *event;

	if (event_check((struct bytes){data, len}, &event))
		return 0; /* can't be: one writer, one layout */
	return c->sink(c->sink_arg, event);
}

static void say(char **ret_message, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(char **ret_message, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_message, format, args) < 0)
		*ret_message = NULL;
	va_end(args);
}

/* The pin folder must be on bpffs, root's and closed to others: who can write there could feed us
 * events. */
static int pin_folder_check(const char *pin, char **ret_message)
{
	char parent[PIN_PATH_MAX], *slash;
	struct statfs fs;
	struct stat st;

	snprintf(parent, sizeof(parent), "%s", pin);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = '\0';
	if (statfs(parent, &fs) || fs.f_type != BPF_FS_MAGIC) {
		say(ret_message,
		    "%s is not on a BPF file system; mount it first: mount -t bpf bpf /sys/fs/bpf",
		    pin);
		return -ENODEV;
	}
	if (mkdir(pin, 0700) && errno != EEXIST) {
		int r = -errno;

		say(ret_message, "cannot make %s: %m", pin);
		return r;
	}
	if (lstat(pin, &st) || !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 077)) {
		say(ret_message,
		    "%s must be a folder of root's with mode 0700; remove it and start again", pin);
		return -EPERM;
	}
	return 0;
}

static int program_fd_of_link(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return -errno;
	return bpf_prog_get_fd_by_id(info.prog_id);
}

static int control_map(struct capture *c)
{
	void *map = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 c->control_fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	c->control = map;
	return 0;
}

/* Opens what is pinned. -ENOENT if nothing is, -ESTALE if it is another program's or not whole. */
static int capture_reuse(struct capture *c, const struct capture_options *o)
{
	char path[PIN_PATH_MAX];

	c->control_fd = bpf_obj_get(pin_path(path, o->pin, "control"));
	if (c->control_fd < 0)
		return -ENOENT;
	if (control_map(c) || c->control->object != pin_layout(o->ring_mib))
		return -ESTALE;
	c->ring_fd = bpf_obj_get(pin_path(path, o->pin, "ring"));
	c->counters_fd = bpf_obj_get(pin_path(path, o->pin, "counters"));
	c->scan_link_fd = bpf_obj_get(pin_path(path, o->pin, "scan_tasks"));
	if (c->ring_fd < 0 || c->counters_fd < 0)
		return -ESTALE;
	for (const struct hook *hook = hooks_table(); hook->rung; hook++) {
		_cleanup_close_ int link = bpf_obj_get(pin_path(path, o->pin, hook->program));

		if (link < 0)
			continue;
		if (o->forced[hook->fact] && o->forced[hook->fact] != hook)
			return -ESTALE;
		c->hooks[hook->fact] = hook;
		c->program_fds[hook->fact] = program_fd_of_link(link);
	}
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		if (!c->hooks[fact])
			return -ESTALE;
	c->is_reused = true;
	return 0;
}

static void capture_close(struct capture *c)
{
	int *fds[] = {&c->ring_fd, &c->counters_fd, &c->control_fd, &c->scan_link_fd};

	if (c->control)
		munmap(c->control, sysconf(_SC_PAGESIZE));
	c->control = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		cleanup_close(fds[i]);
		*fds[i] = -1;
	}
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++) {
		cleanup_close(&c->program_fds[fact]);
		c->program_fds[fact] = -1;
		c->hooks[fact] = NULL;
	}
}

static int capture_pin(struct capture *c, struct runmark_bpf *bpf, const char *pin)
{
	char path[PIN_PATH_MAX];
	struct bpf_link *links[HOOK_FACTS + 1] = {NULL};
	int r = 0;

	/* exit first, then exec: what begins now also ends in sight */
	static const enum hook_fact order[HOOK_FACTS] = {HOOK_EXIT, HOOK_MAPPING, HOOK_FORK,
							 HOOK_EXEC};

	for (size_t i = 0; i < HOOK_FACTS && !r; i++) {
		struct bpf_program *program = hook_program(bpf, c->hooks[order[i]]);

		links[i] = bpf_program__attach(program);
		if (!links[i])
			r = -errno;
		else
			r = bpf_link__pin(links[i],
					  pin_path(path, pin, c->hooks[order[i]]->program));
		c->program_fds[order[i]] = dup(bpf_program__fd(program));
	}
	if (!r) {
		links[HOOK_FACTS] = bpf_program__attach(bpf->progs.scan_tasks);
		if (links[HOOK_FACTS]) {
			c->scan_link_fd = dup(bpf_link__fd(links[HOOK_FACTS]));
			(void)bpf_link__pin(links[HOOK_FACTS], pin_path(path, pin, "scan_tasks"));
		}
	}
	for (size_t i = 0; i <= HOOK_FACTS; i++)
		bpf_link__destroy(links[i]);
	return r;
}

static int capture_load(struct capture *c, const struct capture_options *o, struct runmark_bpf *bpf)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	hooks_prepare(bpf, c->hooks, cpus);
	bpf_map__set_max_entries(bpf->maps.ring, o->ring_mib << 20);
	return runmark_bpf__load(bpf);
}

static int capture_fresh(struct capture *c, const struct capture_options *o, char **ret_message)
{
	struct runmark_bpf *bpf;
	char path[PIN_PATH_MAX];
	int r;

	hooks_choose((const struct hook **)o->forced, c->hooks);
	bpf = runmark_bpf__open();
	if (!bpf)
		return -errno;
	r = capture_load(c, o, bpf);
	if (r) {
		say(ret_message, "the kernel refuses the programs (%s); see runmark doctor",
		    strerror(-r));
		goto out;
	}
	c->ring_fd = dup(bpf_map__fd(bpf->maps.ring));
	c->counters_fd = dup(bpf_map__fd(bpf->maps.counters));
	c->control_fd = dup(bpf_map__fd(bpf->maps.control));
	r = control_map(c);
	if (r)
		goto out;
	*c->control = (struct control){.object = pin_layout(o->ring_mib),
				       .wakeup_bytes = (o->ring_mib << 20) / 4,
				       .daemon_pid = getpid(),
				       .began_ns = node_boot_ns(),
				       .heartbeat_ns = node_boot_ns()};
	if (bpf_obj_pin(c->ring_fd, pin_path(path, o->pin, "ring")) ||
	    bpf_obj_pin(c->counters_fd, pin_path(path, o->pin, "counters")) ||
	    bpf_obj_pin(c->control_fd, pin_path(path, o->pin, "control")))
		r = -errno;
	if (!r)
		r = capture_pin(c, bpf, o->pin);
	if (r)
		say(ret_message, "cannot attach and pin below %s: %s", o->pin, strerror(-r));
out:
	runmark_bpf__destroy(bpf);
	return r;
}

/* The pin folder is one daemon's: two would take events from each other. A descriptor, or -EBUSY.
 */
static int pin_lock(const char *pin)
{
	_cleanup_close_ int fd = open(pin, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

static int pins_clear(const char *pin)
{
	DIR *dir = opendir(pin);
	struct dirent *entry;
	char path[PIN_PATH_MAX];

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlink(pin_path(path, pin, entry->d_name));
	closedir(dir);
	return 0;
}

/* Bytes of events of another version's that nobody can read any more. */
static uint64_t ring_left_behind(const char *pin)
{
	char path[PIN_PATH_MAX];
	struct capture old = {.ring_fd = bpf_obj_get(pin_path(path, pin, "ring"))};
	uint64_t used, size;

	if (old.ring_fd < 0)
		return 0;
	capture_ring(&old, &used, &size);
	close(old.ring_fd);
	return used;
}

uint64_t capture_left_behind(const struct capture *c)
{
	return c->left_behind;
}

int capture_new(const struct capture_options *options, struct capture **ret, char **ret_message)
{
	struct capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->ring_fd = c->counters_fd = c->control_fd = c->scan_link_fd = -1;
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		c->program_fds[fact] = -1;
	c->ring_bytes = (uint64_t)options->ring_mib << 20;
	libbpf_set_print(NULL);
	c->lock_fd = -1;
	r = pin_folder_check(options->pin, ret_message);
	if (r)
		goto fail;
	c->lock_fd = pin_lock(options->pin);
	if (c->lock_fd < 0) {
		r = c->lock_fd;
		say(ret_message, "another runmarkd uses %s; stop it, or give this one another pin",
		    options->pin);
		goto fail;
	}
	r = capture_reuse(c, options);
	if (r == -ESTALE || r == -ENOENT) {
		c->left_behind = ring_left_behind(options->pin);
		capture_close(c);
		r = pins_clear(options->pin);
		if (!r)
			r = capture_fresh(c, options, ret_message);
		if (r) { /* half of it may be attached */
			pins_clear(options->pin);
			rmdir(options->pin);
		}
	}
	if (r)
		goto fail;
	c->control->daemon_pid = getpid();
	c->ring = ring_buffer__new(c->ring_fd, ring_event, c, NULL);
	if (!c->ring) {
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
	ring_buffer__free(c->ring);
	capture_close(c);
	cleanup_close(&c->lock_fd);
	free(c);
}

int capture_unload(const char *pin)
{
	_cleanup_close_ int lock = pin_lock(pin);
	int r = lock < 0 ? lock : pins_clear(pin);

	if (r)
		return r;
	return rmdir(pin) ? -errno : 0;
}

bool capture_is_reused(const struct capture *c)
{
	return c->is_reused;
}

uint64_t capture_began(const struct capture *c)
{
	return c->control->began_ns;
}

const struct hook *capture_hook(const struct capture *c, enum hook_fact fact)
{
	return c->hooks[fact];
}

int capture_fd(const struct capture *c)
{
	return ring_buffer__epoll_fd(c->ring);
}

int capture_drain(struct capture *c, capture_sink sink, void *arg)
{
	c->control->heartbeat_ns = node_boot_ns();
	c->sink = sink;
	c->sink_arg = arg;
	return ring_buffer__consume(c->ring);
}
