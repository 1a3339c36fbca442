/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of compiler drivers, and the way up the process tree. */
#include "driver.h"

#include "common/fs.h"
#include "common/proc_stat.h"

#include <errno.h>

/* Names without a target in front and a version behind; blanks around each. */
static const struct compiler_driver {
	const char *names;
	const char *comment_start; /* "": its compiler leaves no text */
	const char *language;	   /* of its own name; gcc links any, so see report_inputs.c */
} drivers[] = {
	{" gcc cc c89 c99 c11 c17 ", "GCC: ", "c"},
	{" g++ c++ ", "GCC: ", "c++"},
	{" gfortran f77 f95 ", "GCC: ", "fortran"},
	{" gccgo ", "GCC: ", "go"},
	{" gdc ", "GCC: ", "d"},
	{" gnatlink gnatbind ", "GCC: ", "ada"},
	{" gm2 ", "GCC: ", "modula-2"},
	{" clang amdclang ", "clang version ", "c"},
	{" clang++ amdclang++ hipcc ", "clang version ", "c++"},
	{" flang flang-new f18 amdflang ", "flang", "fortran"},
	{" icx ", "Intel(R) oneAPI", "c"},
	{" icpx dpcpp ", "Intel(R) oneAPI", "c++"},
	{" ifx ", "Intel(R) oneAPI", "fortran"},
	{" icc ", "Intel(R)", "c"},
	{" icpc ", "Intel(R)", "c++"},
	{" ifort ", "Intel(R)", "fortran"},
	{" nvc pgcc ", "NVIDIA", "c"},
	{" nvc++ pgc++ ", "NVIDIA", "c++"},
	{" nvfortran pgf90 pgfortran ", "NVIDIA", "fortran"},
	{" craycc cc.cray ", "Cray", "c"},
	{" crayCC ", "Cray", "c++"},
	{" crayftn ftn.cray ", "Cray", "fortran"},
	{" rustc ", "rustc version ", "rust"},
	{" tcc ", "", "c"},
	{" ghc ", "GHC ", "haskell"},
	{" ldc2 ", "ldc version ", "d"},
};

static const struct compiler_driver *find_driver(const char *name)
{
	size_t len = strlen(name), end = len;

	/* "-12", "-12.2" */
	while (end && strchr("0123456789.", name[end - 1]))
		end--;
	if (end && end < len && name[end - 1] == '-')
		len = end - 1;
	for (const char *part = name; part && part < name + len;) {
		char wanted[40];
		int n = snprintf(wanted, sizeof(wanted), " %.*s ", (int)(name + len - part), part);

		if (n > 0 && (size_t)n < sizeof(wanted) && !strchr(part, ' '))
			for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
				if (strstr(drivers[i].names, wanted))
					return &drivers[i];
		part = memchr(part, '-', (size_t)(name + len - part));
		if (part)
			part++;
	}
	return NULL;
}

const char *driver_comment_start(const char *name)
{
	const struct compiler_driver *driver = find_driver(name);

	return driver ? driver->comment_start : NULL;
}

static bool read_arguments(pid_t pid, struct driver *driver)
{
	char path[32];
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *data = malloc(DRIVER_ARGV_MAX + 1);
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 || !data ? -1 : fs_read_all(fd, data, DRIVER_ARGV_MAX + 1);
	if (len <= 0)
		return false;
	driver->is_cut = len > DRIVER_ARGV_MAX;
	driver->arguments_len = MIN((size_t)len, (size_t)DRIVER_ARGV_MAX);
	data[driver->arguments_len - 1] = '\0';
	driver->arguments = TAKE_PTR(data);
	return true;
}

/* By the program's own name, or by the one it was started by: a driver may be a link. */
static bool is_driver(pid_t pid, const char *name, struct driver *driver)
{
	const struct compiler_driver *found;
	char path[32];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	len = readlink(path, driver->path, sizeof(driver->path) - 1);
	driver->path[MAX(len, 0)] = '\0';
	/* the name it was started by tells g++ from gcc, where both are links to one file */
	found = find_driver(name) ?: find_driver(fs_base_name(driver->path));
	if (!found)
		return false;
	driver->comment_start = found->comment_start;
	driver->language = found->language;
	return read_arguments(pid, driver);
}

int driver_find(pid_t start, struct driver *ret)
{
	pid_t pid = start;

	for (unsigned int level = 0; level < DRIVER_LEVELS_MAX && pid > 1; level++) {
		struct driver driver = {.arguments = NULL};
		struct proc_stat stat;
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		if (proc_stat_read(AT_FDCWD, path, &stat) || !stat.ppid)
			break;
		if (is_driver(pid, stat.comm, &driver)) {
			*ret = driver;
			return 0;
		}
		pid = stat.ppid;
	}
	return -ENOENT;
}

void driver_done(struct driver *driver)
{
	free(driver->arguments);
	driver->arguments = NULL;
}

/* The first number with a dot behind the text's start: "GCC: (Debian 12.2.0-14) 12.2.0" has it
 * last. */
static void find_version(const char *text, char *out, size_t size)
{
	const char *at = text + strlen(text);
	size_t len;

	/* the last word that starts with a digit */
	while (at > text) {
		const char *word = at;

		while (word > text && word[-1] != ' ')
			word--;
		if (*word >= '0' && *word <= '9') {
			len = strspn(word, "0123456789.");
			snprintf(out, size, "%.*s", (int)MIN(len, size - 1), word);
			return;
		}
		at = word > text ? word - 1 : text;
	}
	out[0] = '\0';
}

/* Texts that are no compiler's, though they stand in .comment too. */
static bool is_other_text(const char *text)
{
	return !strncmp(text, "Linker: ", 8) || !strncmp(text, "mold ", 5) ||
	       !strncmp(text, "GNU AS ", 7);
}

static void fill_in(const char *text, struct compiler *ret)
{
	size_t len = strcspn(text, " :");

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->text, text, MIN(strlen(text), sizeof(ret->text) - 1));
	if (strstr(text, "clang version ")) /* "Debian clang version", "Ubuntu clang version" */
		snprintf(ret->name, sizeof(ret->name), "clang");
	else
		snprintf(ret->name, sizeof(ret->name), "%.*s", (int)MIN(len, (size_t)31), text);
	find_version(text, ret->version, sizeof(ret->version));
}

bool compiler_from_comment(struct bytes comment, const char *start, struct compiler *ret)
{
	const char *only = "";
	unsigned int count = 0;

	for (size_t pos = 0; pos < comment.len; pos += strlen(comment.data + pos) + 1) {
		const char *text = comment.data + pos;

		if (!text[0] || is_other_text(text))
			continue;
		if (start && start[0] && strstr(text, start)) {
			fill_in(text, ret);
			return true;
		}
		only = text;
		count++;
	}
	if (start || count != 1)
		return false;
	fill_in(only, ret);
	return true;
}
