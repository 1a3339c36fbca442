/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loading. inih cuts lines at 200 bytes without a word, strips what looks like a comment from the
 * end of a value, takes an indented line for more of the last value, and names only the first wrong
 * line. So it reads through reader(): that checks a line's length and bytes, keeps the whole line,
 * and gives inih a copy without indentation, cut where inih would cut. handle() takes from inih
 * which key is set in which section, and the value from the whole line. A line that should set a
 * key and reached no handler is the one inih couldn't read.
 */
#include "common/config_key.h"
#include "common/nearest.h"

#include <errno.h>
#include <fnmatch.h>
#include <ini.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#define CONFIG_FILE_MAX	  (1024 * 1024) /* bytes of a file */
#define CONFIG_ERRORS_MAX 50		/* lines of a message */
#define SHOWN_MAX	  80		/* bytes of a wrong value that an error repeats */
#define KEYS_MAX	  64
#define BLANKS		  " \t\r\v\f"

_Static_assert(INI_MAX_LINE >= 100, "inih was built for very short lines");

struct load {
	struct config config;
	const char *path;
	FILE *in, *messages;
	unsigned int errors;
	int error; /* not the file's: out of memory, cannot be read */
	size_t bytes;
	unsigned int line_number;
	char line[CONFIG_LINE_MAX + 2];
	const char *section;		    /* NULL: none yet; "": an unknown one */
	bool is_key_expected;		    /* the line before should have reached handle() */
	unsigned int set_in_line[KEYS_MAX]; /* by key: where it was set; 0: not yet */
};

/* Begins a line of the message. False if there are enough of them. */
static bool begin_error(struct load *load)
{
	if (load->errors++ >= CONFIG_ERRORS_MAX)
		return false;
	fprintf(load->messages, "%s%s:%u: ", load->errors > 1 ? "\n" : "", load->path,
		load->line_number);
	return true;
}

static void add_error(struct load *load, const char *text)
{
	if (begin_error(load))
		fputs(text, load->messages);
}

/* Says what was meant, if that can be guessed. */
static void add_guess(struct load *load, const char *word, const char *const *words, size_t count)
{
	const char *nearest = nearest_word(word, words, count);

	if (nearest)
		fprintf(load->messages, "; did you mean %s?", nearest);
}

static void open_section(struct load *load, char *line)
{
	char *end = strchr(line, ']');
	const char *sections[KEYS_MAX];
	size_t count = 0;

	load->section = "";
	if (!end || end[1 + strspn(end + 1, BLANKS)]) {
		add_error(load, "a section is a name in brackets, alone on its line: [daemon]");
		return;
	}
	*end = '\0';
	for (size_t i = 0; i < config_key_count; i++)
		if (!count || strcmp(sections[count - 1], config_keys[i].section))
			sections[count++] = config_keys[i].section;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(line + 1, sections[i])) {
			load->section = sections[i];
			return;
		}
	if (begin_error(load)) {
		fprintf(load->messages, "[%.*s]: unknown section", SHOWN_MAX, line + 1);
		add_guess(load, line + 1, sections, count);
	}
}

static void report_unknown_key(struct load *load, const char *name)
{
	const char *names[KEYS_MAX];
	size_t count = 0;

	if (!begin_error(load))
		return;
	fprintf(load->messages, "[%s] %.*s: unknown key", load->section, SHOWN_MAX, name);
	for (size_t i = 0; i < config_key_count; i++) {
		if (!strcmp(config_keys[i].name, name)) {
			fprintf(load->messages, "; it belongs to [%s]", config_keys[i].section);
			return;
		}
		if (!strcmp(config_keys[i].section, load->section))
			names[count++] = config_keys[i].name;
	}
	add_guess(load, name, names, count);
}

static void set_key(struct load *load, const struct config_key *key, const char *value)
{
	unsigned int *set_in_line = &load->set_in_line[key - config_keys];
	struct config_rules *rules = &load->config.rules;
	int r;

	if (key->type == KEY_RULES && !*set_in_line) /* the first one replaces the defaults */
		config_key_done(key, &load->config);
	else if (key->type != KEY_RULES && *set_in_line) {
		if (begin_error(load))
			fprintf(load->messages, "[%s] %s: given twice, first in line %u",
				key->section, key->name, *set_in_line);
		return;
	}
	*set_in_line = load->line_number;
	r = config_key_set(key, value, &load->config);
	if (r == -EINVAL) {
		if (!begin_error(load))
			return;
		fprintf(load->messages, "[%s] %s = %.*s%s: ", key->section, key->name, SHOWN_MAX,
			value, strlen(value) > SHOWN_MAX ? "..." : "");
		config_key_complain(key, value, load->messages);
	} else if (r < 0) {
		load->error = r;
	} else if (key->type == KEY_RULES) {
		rules->items[rules->count - 1].line = load->line_number;
	}
}

/* inih's handler; its section and value may be cut, ours aren't. */
static int handle(void *arg, const char *section, const char *name, const char *cut_value)
{
	struct load *load = arg;
	const struct config_key *key;
	char *value;

	(void)section;
	if (!name || !cut_value) /* a section, if inih was built to tell of them */
		return 1;
	load->is_key_expected = false;
	value = load->line + strcspn(load->line, "=:");
	value += *value != '\0';
	value += strspn(value, BLANKS);
	if (!load->section && begin_error(load))
		fprintf(load->messages, "%.*s: stands before any section", SHOWN_MAX, name);
	if (!load->section || !*load->section)
		return 1;
	key = config_key_find(load->section, name);
	if (key)
		set_key(load, key, value);
	else
		report_unknown_key(load, name);
	return 1;
}

/* The next whole line without its newline, trimmed at its end. False at the end, and where we give
 * up. */
static bool read_line(struct load *load)
{
	size_t len = 0;
	int c;

	while ((c = getc(load->in)) != EOF && c != '\n' && len <= CONFIG_LINE_MAX) {
		load->line[len++] = (char)c;
		if (!c)
			break;
	}
	if (c == EOF && !len)
		return false;
	load->line_number++;
	load->bytes += len + 1;
	/* After these there is no sense in going on: it is no configuration file at all. */
	if (len > CONFIG_LINE_MAX) {
		if (begin_error(load))
			fprintf(load->messages, "longer than %d bytes", CONFIG_LINE_MAX);
		return false;
	}
	if (len && !load->line[len - 1]) {
		add_error(load, "a NUL byte");
		return false;
	}
	if (load->bytes > CONFIG_FILE_MAX) {
		if (begin_error(load))
			fprintf(load->messages, "ends behind byte %d, too far", CONFIG_FILE_MAX);
		return false;
	}
	while (len && strchr(BLANKS, load->line[len - 1]))
		len--;
	load->line[len] = '\0';
	return true;
}

static void check_last_line(struct load *load)
{
	if (load->is_key_expected)
		add_error(load, "neither a section in brackets, nor key = value, nor a comment");
	load->is_key_expected = false;
}

/* inih's reader: like fgets(). */
static char *read_for_inih(char *out, int size, void *arg)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct load *load = arg;
	char *line = load->line;
	char begin;

	check_last_line(load);
	if (load->error || !read_line(load))
		return NULL;
	if (load->line_number == 1 && !strncmp(line, byte_order_mark, strlen(byte_order_mark)))
		line += strlen(byte_order_mark);
	line += strspn(line, BLANKS);
	memmove(load->line, line, strlen(line) + 1);
	begin = *load->line;
	load->is_key_expected = begin && !strchr("[#;", begin);
	snprintf(out, (size_t)size - 1, "%s", load->line);
	strcat(out, "\n");
	if (begin == '[')
		open_section(load, load->line);
	return out;
}

/* The node's name up to its first dot; what can't be part of a file name isn't taken. */
static void get_host(char *out, size_t size)
{
	if (gethostname(out, size))
		strcpy(out, "unnamed");
	out[size - 1] = '\0';
	out[strcspn(out, ".")] = '\0';
}

static int set_default_rules(const struct config_key *key, struct config *config)
{
	_cleanup_free_ char *text = strdup(key->fallback);
	int r = text ? 0 : -ENOMEM;

	for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));)
		r = config_key_set(key, line, config);
	return r;
}

static int set_defaults(struct config *config)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];
		char host[256];
		int r;

		if (key->type == KEY_RULES) {
			r = set_default_rules(key, config);
			if (r < 0)
				return r;
			continue;
		}
		if (!key->fallback)
			get_host(host, sizeof(host));
		r = config_key_set(key, key->fallback ?: host, config);
		if (r == -EINVAL && !key->fallback)
			r = config_key_set(key, "unnamed", config);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Nobody is waited for: a FIFO or a terminal is no configuration. */
static int open_file(const char *path, FILE **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && !(S_ISCHR(st.st_mode) && !isatty(fd)))
		return -EMEDIUMTYPE;
	*ret = fdopen(fd, "r");
	if (!*ret)
		return -errno;
	TAKE_FD(fd);
	return 0;
}

static int load_file(struct load *load, bool is_required)
{
	_cleanup_fclose_ FILE *in = NULL;
	int r = open_file(load->path, &in);

	if (r == -ENOENT && !is_required)
		return 0;
	if (r < 0) {
		fprintf(load->messages, "%s: cannot be opened: %s", load->path,
			r == -EMEDIUMTYPE ? "it is no regular file" : strerror(-r));
		return r;
	}
	load->in = in;
	if (ini_parse_stream(read_for_inih, load, handle, load) == -2)
		return -ENOMEM;
	check_last_line(load);
	if (ferror(in)) {
		fprintf(load->messages, "%s%s: cannot be read", load->errors ? "\n" : "",
			load->path);
		return -EIO;
	}
	if (load->error)
		return load->error;
	return load->errors ? -EINVAL : 0;
}

int config_load(const char *path, struct config *ret, char **ret_message)
{
	const char *variable = getauxval(AT_SECURE) ? NULL : getenv("RUNMARK_CONF");
	const char *named = path ?: variable && *variable ? variable : NULL;
	_cleanup_free_ struct load *load = calloc(1, sizeof(*load));
	_cleanup_free_ char *message = NULL;
	size_t len = 0;
	int r;

	if (ret_message)
		*ret_message = NULL;
	if (!load)
		return -ENOMEM;
	load->path = named ?: CONFIG_DEFAULT_FILE;
	load->messages = open_memstream(&message, &len);
	if (!load->messages)
		return -ENOMEM;
	r = set_defaults(&load->config);
	if (r >= 0)
		r = load_file(load, named);
	if (r >= 0)
		r = config_warn(load->path, &load->config);
	if (load->errors > CONFIG_ERRORS_MAX)
		fprintf(load->messages, "\n%s: %u errors more", load->path,
			load->errors - CONFIG_ERRORS_MAX);
	if (fclose(load->messages) && r >= 0)
		r = -ENOMEM;
	if (r < 0) {
		config_done(&load->config);
		if (ret_message && len)
			*ret_message = TAKE_PTR(message);
		return r;
	}
	*ret = load->config;
	return 0;
}

void config_done(struct config *config)
{
	free(TAKE_PTR(config->warnings));
	for (size_t i = 0; i < config_key_count; i++)
		config_key_done(&config_keys[i], config);
}

void config_print(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (!i || strcmp(key->section, config_keys[i - 1].section))
			fprintf(out, "%s[%s]\n", i ? "\n" : "", key->section);
		fprintf(out, "# %s (", key->meaning);
		config_key_describe(key, out);
		/* A list that just fits a line must not grow over CONFIG_LINE_MAX by being printed.
		 */
		fprintf(out, ")\n%s%s", key->name, key->type == KEY_GLOBS ? "=" : " = ");
		config_key_print(key, config, out);
		fputc('\n', out);
	}
}

bool config_list_matches(const struct config_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!fnmatch(list->items[i], text, 0))
			return true;
	return false;
}
