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

int64_t node_clock_ns(const struct node *node)
{
	return node->is_past ? node->epoch_ns : (int64_t)(node_unix_ns() - node_boot_ns());
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

/* "BOOT_ID NANOSECONDS": a file of another boot counts as none. */
int node_epoch_read(const char *state, const char *boot_id, int64_t *ret)
{
	char path[4096], of[40] = "";
	_cleanup_free_ char *text = NULL;
	long long epoch;
	size_t len;

	snprintf(path, sizeof(path), "%s/epoch", state);
	if (fs_read_file(AT_FDCWD, path, 128, &text, &len) ||
	    sscanf(text, "%39s %lld", of, &epoch) != 2 || strcmp(of, boot_id))
		return -ENOENT;
	*ret = epoch;
	return 0;
}

/* For everybody to read: whoever tells of the same runs gives them the same ids. */
int node_epoch_write(const char *state, const char *boot_id, int64_t epoch_ns)
{
	char path[4096], next[4096], line[96];
	_cleanup_close_ int fd = -1;
	int r;

	snprintf(path, sizeof(path), "%s/epoch", state);
	snprintf(line, sizeof(line), "%s %lld\n", boot_id, (long long)epoch_ns);
	snprintf(next, sizeof(next), "%s/epoch.new", state);
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	r = fs_write_all(fd, line, strlen(line));
	return r ? r : rename(next, path) ? -errno : 0;
}

static int epoch_load(struct node *node, const char *state, int64_t epoch_ns)
{
	if (!node_epoch_read(state, node->boot_id, &node->epoch_ns))
		return 0;
	node->epoch_ns = epoch_ns;
	return node_epoch_write(state, node->boot_id, epoch_ns);
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

static void node_begin(struct node *node, const struct config *config, const char *host)
{
	struct utsname name;
	uint8_t random[8];

	*node = (struct node){.cluster = config->cluster ? config->cluster : ""};
	snprintf(node->host, sizeof(node->host), "%s", host);
	uname(&name);
	snprintf(node->kernel, sizeof(node->kernel), "%s", name.release);
	node->tick_ns = NS_PER_S / sysconf(_SC_CLK_TCK);
	node->started_boot_ns = node_boot_ns();
	node->started_unix_ns = node_unix_ns();
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memcpy(random, &node->started_unix_ns, sizeof(random));
	text_to_hex(random, sizeof(random), node->instance);
}

int node_init(struct node *node, const struct config *config)
{
	int r;

	node_begin(node, config, config->host);
	r = boot_id_read(node);
	if (!r)
		r = fs_mkdir_all(config->state, 0755);
	return r ? r : epoch_load(node, config->state, (int64_t)(node_unix_ns() - node_boot_ns()));
}

int node_init_past(struct node *node, const struct config *config, const char *host,
		   const char *boot_id, int64_t epoch_ns)
{
	int r;

	node_begin(node, config, host);
	node->is_past = true;
	if (uuid_parse(boot_id, node->boot_uuid))
		return -EINVAL;
	uuid_unparse_lower(node->boot_uuid, node->boot_id);
	r = fs_mkdir_all(config->state, 0755);
	return r ? r : epoch_load(node, config->state, epoch_ns);
}

void node_run_id(const struct node *node, const struct live_key *key, uuid_t ret)
{
	uint64_t ticks = key->start_ns / node->tick_ns;
	uint64_t start_ms =
		(node->epoch_ns + (int64_t)(ticks * node->tick_ns)) / (int64_t)NS_PER_MS;

	id_run(node->boot_uuid, key->pid, ticks, key->exec_id, start_ms, ret);
}
