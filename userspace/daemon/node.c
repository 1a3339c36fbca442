// SPDX-License-Identifier: BSD-2-Clause
/* Identity and clocks of this node. */
#include "daemon/node.h"
#include "common/fs.h"
#include "common/id.h"
#include "common/text.h"

#include <errno.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

uint64_t node_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t node_unix_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static int boot_id_read(struct node *node)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, &len);

	if (r)
		return r;
	text[strcspn(text, "\n")] = '\0';
	if (uuid_parse(text, node->boot_uuid))
		return -EINVAL;
	uuid_unparse_lower(node->boot_uuid, node->boot_id);
	return 0;
}

/* "BOOT_ID NANOSECONDS": a file of another boot is written anew. */
static int epoch_load(struct node *node, const char *state)
{
	char path[4096], next[4096], line[96], boot_id[40] = "";
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	long long epoch;
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/epoch", state);
	if (!fs_read_file(AT_FDCWD, path, 128, &text, &len) &&
	    sscanf(text, "%39s %lld", boot_id, &epoch) == 2 && !strcmp(boot_id, node->boot_id)) {
		node->epoch_ns = epoch;
		return 0;
	}
	node->epoch_ns = (int64_t)(node_unix_ns() - node_boot_ns());
	snprintf(line, sizeof(line), "%s %lld\n", node->boot_id, (long long)node->epoch_ns);
	snprintf(next, sizeof(next), "%s/epoch.new", state);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = fs_write_all(fd, line, strlen(line));
	return r ? r : rename(next, path) ? -errno : 0;
}

int node_lock(const struct config *config, int *ret_pid)
{
	char path[4096], text[16] = "";
	_cleanup_close_ int fd = -1;
	int r = fs_mkdir_all(config->state, 0755), len;

	if (r)
		return r;
	snprintf(path, sizeof(path), "%s/lock", config->state);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		*ret_pid = fs_read_all(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : 0;
		return -EBUSY;
	}
	len = snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(fd, 0) || pwrite(fd, text, len, 0) != len)
		return -errno;
	return TAKE_FD(fd);
}

int node_init(struct node *node, const struct config *config)
{
	struct utsname name;
	uint8_t random[8];
	int r;

	*node = (struct node){.cluster = config->cluster ? config->cluster : ""};
	snprintf(node->host, sizeof(node->host), "%s", config->host);
	uname(&name);
	snprintf(node->kernel, sizeof(node->kernel), "%s", name.release);
	node->tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
	node->started_boot_ns = node_boot_ns();
	node->started_unix_ns = node_unix_ns();
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memcpy(random, &node->started_unix_ns, sizeof(random));
	text_to_hex(random, sizeof(random), node->instance);
	r = boot_id_read(node);
	if (!r)
		r = fs_mkdir_all(config->state, 0755);
	return r ? r : epoch_load(node, config->state);
}

void node_run_id(const struct node *node, const struct live_key *key, uuid_t ret)
{
	uint64_t ticks = key->start_ns / node->tick_ns;
	uint64_t start_ms =
		(node->epoch_ns + (int64_t)(ticks * node->tick_ns)) / (int64_t)NS_PER_MS;

	id_run(node->boot_uuid, key->pid, ticks, key->exec_id, start_ms, ret);
}
