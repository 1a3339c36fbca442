/* SPDX-License-Identifier: BSD-2-Clause */
/* The private folder: made, configured, removed. */
#include "cli/private.h"
#include "common/config_key.h"
#include "common/fs.h"
#include "common/log.h"

#include <errno.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>

#define OPEN_FILES_MAX 1 /* where the command has few, so have we */

/* Nobody else can have put anything there, and sockets below it have room for their names. */
static bool is_own_folder(const char *path)
{
	struct stat st;

	return path && *path == '/' &&
	       strlen(path) + strlen("/" PRIVATE_PREFIX "XXXXXX/" PRIVATE_CONTROL) <=
		       CONFIG_SOCKET_MAX &&
	       !stat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 077) && !access(path, W_OK | X_OK);
}

int private_folder_make(struct private_folder *ret)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *base = is_own_folder(runtime) ? runtime : "/tmp";
	static const char *const folders[] = {PRIVATE_STATE, PRIVATE_SPOOL, PRIVATE_FILES};
	_cleanup_free_ char *path = NULL;

	*ret = (struct private_folder){.lock_fd = -1};
	if (asprintf(&path, "%s/" PRIVATE_PREFIX "XXXXXX", base) < 0) {
		path = NULL;
		return log_err(-ENOMEM, "cannot make a folder for records");
	}
	if (!mkdtemp(path))
		return log_err(-errno, "cannot make a folder for records in %s", base);
	ret->path = TAKE_PTR(path);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *folder = private_folder_at(ret, folders[i]);

		if (!folder || mkdir(folder, 0700)) {
			int r = log_err(-errno, "cannot make folders in %s", ret->path);

			private_folder_remove(ret);
			return r;
		}
	}
	ret->lock_fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->lock_fd >= 0)
		(void)flock(ret->lock_fd, LOCK_EX | LOCK_NB);
	return 0;
}

char *private_folder_at(const struct private_folder *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder->path, name) < 0 ? NULL : path;
}

/* What is not the site's to say. Values that begin with a slash are below the folder. */
static const struct {
	const char *section, *key, *value;
} overrides[] = {
	{"daemon", "spool", "/" PRIVATE_SPOOL},
	{"daemon", "drop", ""},
	{"daemon", "socket", "/" PRIVATE_SOCKET},
	{"daemon", "control", "/" PRIVATE_CONTROL},
	{"daemon", "state", "/" PRIVATE_STATE},
	{"daemon", "run_spool", "/" PRIVATE_FILES},
	{"track", "scope", "all"},
	{"track", "scan", "no"},
	{"track", "rotate_seconds", "86400"},
	{"track", "keep_days", "0"},
	{"track", "spool_quota_mib", "0"},
	{"track", "compress", "no"},
	{"track", "start_seconds", "1"}, /* so that what outlives the command is told of */
	{"rules", "rule", "full"},
};

static int override(struct config *config, const char *section, const char *name, const char *value)
{
	const struct config_key *key = config_key_find(section, name);

	if (!key)
		return -EINVAL;
	if (key->type == KEY_RULES)
		config_key_done(key, config);
	return config_key_set(key, value, config);
}

static int fill(struct config *config, const struct private_folder *folder, bool bpf)
{
	char pin[64];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++) {
		const char *value = overrides[i].value;
		_cleanup_free_ char *path =
			*value == '/' ? private_folder_at(folder, value + 1) : NULL;

		if (*value == '/' && !path)
			return -ENOMEM;
		r = override(config, overrides[i].section, overrides[i].key, path ?: value);
		if (r < 0)
			return r;
	}
	snprintf(pin, sizeof(pin), "/sys/fs/bpf/runmark-run-%d", getpid());
	r = override(config, "daemon", "pin", pin);
	return r < 0 ? r : override(config, "daemon", "source", bpf ? "bpf" : "preload");
}

int private_folder_configure(const struct private_folder *folder, bool bpf)
{
	_cleanup_free_ char *path = private_folder_at(folder, PRIVATE_CONFIG);
	_cleanup_fclose_ FILE *out = NULL;
	struct config config;
	int r;

	if (!path)
		return log_err(-ENOMEM, "cannot write a configuration");
	/* the site's may not be for everybody to read, and a mistake in it is not this user's */
	if (config_load(NULL, &config, NULL) < 0 && config_load("/dev/null", &config, NULL) < 0)
		return log_err(-ENOMEM, "cannot read a configuration");
	r = fill(&config, folder, bpf);
	out = r < 0 ? NULL : fopen(path, "we");
	if (out) {
		config_print(&config, out);
		r = fflush(out) || ferror(out) ? -errno : 0;
	} else if (r >= 0) {
		r = -errno;
	}
	config_done(&config);
	return r < 0 ? log_err(r, "cannot write %s", path) : 0;
}

void private_folder_keep(struct private_folder *folder)
{
	const char *name = strrchr(folder->path, '/') + 1 + strlen(PRIVATE_PREFIX);
	_cleanup_free_ char *kept = NULL;

	if (asprintf(&kept, "%.*s/" PRIVATE_KEPT "%s",
		     (int)(strrchr(folder->path, '/') - folder->path), folder->path, name) < 0) {
		kept = NULL;
		return;
	}
	log_info("the records are kept in %s", rename(folder->path, kept) ? folder->path : kept);
	private_folder_done(folder);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void private_folder_remove(struct private_folder *folder)
{
	for (int i = 0; folder->path && i < 2 && !access(folder->path, F_OK); i++) {
		if (i) { /* there was no descriptor for it but the lock's */
			cleanup_close(&folder->lock_fd);
			folder->lock_fd = -1;
		}
		nftw(folder->path, remove_one, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	}
	private_folder_done(folder);
}

void private_folder_done(struct private_folder *folder)
{
	cleanup_close(&folder->lock_fd);
	free(folder->path);
	*folder = (struct private_folder){.lock_fd = -1};
}
