// SPDX-License-Identifier: BSD-2-Clause
/* The pin folder: what stands where, who may use it, and removing. Removing a link's pin detaches
 * its program, removing a map's frees it, once nobody has it open any more. */
#include "daemon/capture_state.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const char *const maps[] = {"ring", "counters", "control", "states", "layout"};

char *pin_path(char path[PIN_PATH_MAX], const char *pin, uint32_t generation, const char *name)
{
	int len = snprintf(path, PIN_PATH_MAX, "%s", pin);

	if (generation)
		len += snprintf(path + len, PIN_PATH_MAX - len, "/%u", generation);
	if (name)
		snprintf(path + len, PIN_PATH_MAX - len, "/%s", name);
	return path;
}

void capture_say(char **ret_message, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_message, format, args) < 0)
		*ret_message = NULL;
	va_end(args);
}

/* It must be on bpffs, root's and closed to others: who can write there could feed us events. */
int pin_folder_check(const char *pin, char **ret_message)
{
	char parent[PIN_PATH_MAX], *slash;
	struct statfs fs;
	struct stat st;

	if (geteuid()) { /* to whom nothing would be of use that stays there */
		capture_say(ret_message, "the kernel side must be loaded by root");
		return -EPERM;
	}
	if (strlen(pin) > PIN_PATH_MAX - 64) {
		capture_say(ret_message, "the name of %s is too long", pin);
		return -ENAMETOOLONG;
	}
	snprintf(parent, sizeof(parent), "%s", pin);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = '\0';
	if (statfs(parent, &fs) || fs.f_type != BPF_FS_MAGIC) {
		capture_say(ret_message,
			    "%s is not on a BPF file system; mount it first: mount -t bpf bpf "
			    "/sys/fs/bpf",
			    pin);
		return -ENODEV;
	}
	if (mkdir(pin, 0700) && errno != EEXIST) {
		int r = -errno;

		capture_say(ret_message, "cannot make %s: %m", pin);
		return r;
	}
	if (lstat(pin, &st) || !S_ISDIR(st.st_mode) || st.st_uid != 0 || (st.st_mode & 077)) {
		capture_say(ret_message,
			    "%s must be a folder of root's with mode 0700; remove it and start "
			    "again",
			    pin);
		return -ENOTDIR;
	}
	return 0;
}

int pin_lock(const char *pin)
{
	_cleanup_close_ int fd = open(pin, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return TAKE_FD(fd);
}

/* Calls each with every name in the folder. 0 or negative errno. */
static int each_name(const char *path, void (*each)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			each(arg, entry->d_name);
	closedir(dir);
	return 0;
}

struct numbers {
	uint32_t *list;
	unsigned int count;
};

static void number_add(void *arg, const char *name)
{
	struct numbers *numbers = arg;
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	unsigned int at = numbers->count;

	if (*end || !number || number > GENERATION_MAX || at == GENERATIONS_MAX)
		return;
	for (; at && numbers->list[at - 1] > number; at--)
		numbers->list[at] = numbers->list[at - 1];
	numbers->list[at] = number;
	numbers->count++;
}

unsigned int pin_generations(const char *pin, uint32_t ret[GENERATIONS_MAX])
{
	struct numbers numbers = {.list = ret};

	(void)each_name(pin, number_add, &numbers);
	return numbers.count;
}

static bool is_map(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (!strcmp(name, maps[i]))
			return true;
	return false;
}

struct links {
	const char *folder;
	void (*each)(void *arg, int link_fd);
	void *arg;
};

static void link_open(void *arg, const char *name)
{
	struct links *links = arg;
	char path[PIN_PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (is_map(name))
		return;
	fd = bpf_obj_get(pin_path(path, links->folder, 0, name));
	if (fd >= 0)
		links->each(links->arg, fd);
}

void pin_each_link(const char *pin, uint32_t generation, void (*each)(void *arg, int link_fd),
		   void *arg)
{
	char path[PIN_PATH_MAX];
	struct links links = {pin_path(path, pin, generation, NULL), each, arg};

	(void)each_name(path, link_open, &links);
}

static void link_remove(void *arg, const char *name)
{
	char path[PIN_PATH_MAX];

	if (!is_map(name))
		unlink(pin_path(path, arg, 0, name));
}

void pin_detach(const char *pin, uint32_t generation)
{
	char path[PIN_PATH_MAX];

	(void)each_name(pin_path(path, pin, generation, NULL), link_remove, path);
}

static void pin_remove(void *arg, const char *name)
{
	char path[PIN_PATH_MAX];

	unlink(pin_path(path, arg, 0, name));
}

void pin_remove_generation(const char *pin, uint32_t generation)
{
	char path[PIN_PATH_MAX];

	pin_detach(pin, generation);
	(void)each_name(pin_path(path, pin, generation, NULL), pin_remove, path);
	rmdir(path);
}

int pin_clear(const char *pin)
{
	uint32_t generations[GENERATIONS_MAX];
	unsigned int count;

	while ((count = pin_generations(pin, generations))) {
		for (unsigned int i = 0; i < count; i++)
			pin_remove_generation(pin, generations[i]);
		if (pin_generations(pin, generations) == count)
			return -EIO;
	}
	return each_name(pin, pin_remove, (void *)pin);
}
