/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: defaults, values, errors that can be acted on. */
#include "tests/unit/unit.h"

#include "common/config_key.h"
#include "common/nearest.h"
#include "common/rule.h"

#include <errno.h>
#include <sys/stat.h>

static char path[] = "/tmp/runmark-conf-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	unsetenv("RUNMARK_CONF");
	return close(mkstemp(path));
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_conf(struct bytes text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(text.data, 1, text.len, out), text.len);
	fclose(out);
}

static struct config load(struct bytes text)
{
	struct config config = {};
	char *message = NULL;

	write_conf(text);
	if (config_load(path, &config, &message))
		print_error("%s\n", message);
	assert_null(message);
	assert_non_null(config.spool);
	return config;
}

static void defaults_are_the_designs(void **state)
{
	struct config config = load(BYTES(""));
	char host[256] = "";

	(void)state;
	assert_string_equal(config.spool, "/var/spool/runmark");
	assert_string_equal(config.drop, "/var/spool/runmark-drop");
	assert_string_equal(config.socket, "/run/runmark/runmark.sock");
	assert_string_equal(config.control, "/run/runmark/control.sock");
	assert_string_equal(config.pin, "/sys/fs/bpf/runmark");
	assert_string_equal(config.state, "/run/runmark");
	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	assert_string_equal(config.host, host);
	assert_string_equal(config.cluster, "");
	assert_int_equal(config.source, CONFIG_SOURCE_AUTO);
	assert_int_equal(config.ring_mib, 16);
	assert_int_equal(config.journal_mib, 64);
	assert_int_equal(config.workers, 2);
	assert_int_equal(config.scope, CONFIG_SCOPE_ALL);
	assert_int_equal(config.rotate_seconds, 60);
	assert_int_equal(config.rotate_mib, 64);
	assert_int_equal(config.keep_days, 30);
	assert_int_equal(config.spool_quota_mib, 4096);
	assert_true(config.compress);
	assert_int_equal(config.node_seconds, 300);
	assert_true(config.link_stamp);
	assert_string_equal(config.link_ld, "");
	config_done(&config);
}

static void environment_has_what_is_asked_for_and_no_more(void **state)
{
	static const struct {
		const char *name;
		bool is_kept;
	} cases[] = {
		{"LOADEDMODULES", true},
		{"SLURM_JOB_ID", true},
		{"OMP_NUM_THREADS", true},
		{"EBROOTGCC", true},
		{"PMIX_RANK", true},
		{"RUNMARK_TRACKING", true},
		{"LD_LIBRARY_PATH", true},
		{"AWS_SECRET_ACCESS_KEY", false},
		{"HOME", false},
		{"SLURM_JWT", false},
		{"XLOADEDMODULES", false},
		{"", false},
		{"CONDA_PROMPT_MODIFIER", false},
	};
	struct config config = load(BYTES(""));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(config_list_matches(&config.environment, cases[i].name),
				 cases[i].is_kept);
	config_done(&config);
}

static void values_are_taken(void **state)
{
	struct config config = load(BYTES("\xef\xbb\xbf# comment\n; another ] = [ one\n\n"
					  "[daemon]\nspool=/a b;c # d\n\thost : n042.site  \r\n"
					  "cluster =c-1\nsource = preload\nring_mib = 1\n"
					  "[link]\nstamp = no\n"
					  "  [track]\nscope = jobs\nenvironment =  A \t B*  [C]? \n"
					  "compress=no\nkeep_days = 0\n[link]\nld = /bin/ld"));

	(void)state;
	assert_string_equal(config.spool, "/a b;c # d");
	assert_string_equal(config.host, "n042.site");
	assert_string_equal(config.cluster, "c-1");
	assert_int_equal(config.source, CONFIG_SOURCE_PRELOAD);
	assert_int_equal(config.ring_mib, 1);
	assert_false(config.link_stamp);
	assert_int_equal(config.scope, CONFIG_SCOPE_JOBS);
	assert_int_equal(config.environment.count, 3);
	assert_string_equal(config.environment.items[1], "B*");
	assert_true(config_list_matches(&config.environment, "Cx"));
	assert_false(config.compress);
	assert_int_equal(config.keep_days, 0);
	assert_string_equal(config.link_ld, "/bin/ld");
	config_done(&config);
}

/* In order; the first line takes the place of the defaults. */
static void rules_are_lists(void **state)
{
	static const struct {
		const char *text;
		const char *rules; /* LINE:TEXT, '|' behind each */
	} cases[] = {
		{"", "0:group job=yes|0:ignore job=no cgroup=/system.slice/*|"
		     "0:ignore job=no cgroup=/init.scope|0:full|"},
		{"[rules]\nrule = ignore\n", "2:ignore|"},
		{"[rules]\nrule=full  user=5\n[link]\n[rules]\n# x\nrule : group "
		 "path=/a=b:c#d\nrule "
		 "= full",
		 "2:full  user=5|6:group path=/a=b:c#d|7:full|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config config = load(bytes_of(cases[i].text));
		char shown[1024] = "", *at = shown;

		for (size_t k = 0; k < config.rules.count; k++)
			at += sprintf(at, "%u:%s|", config.rules.items[k].line,
				      config.rules.items[k].text);
		assert_string_equal(shown, cases[i].rules);
		config_done(&config);
	}
}

/* One more than allowed is refused. */
static void rules_have_a_number(void **state)
{
	_cleanup_free_ char *text = calloc(16, RULES_MAX + 2);
	_cleanup_free_ char *message = NULL;
	struct config config;

	(void)state;
	strcpy(text, "[rules]\n");
	for (int i = 0; i < RULES_MAX; i++)
		strcat(text, "rule = full\n");
	config = load(bytes_of(text));
	assert_int_equal(config.rules.count, RULES_MAX);
	config_done(&config);
	strcat(text, "rule = full\n");
	write_conf(bytes_of(text));
	assert_int_equal(config_load(path, &config, &message), -EINVAL);
	assert_non_null(
		strstr(message, ":258: [rules] rule = full: is one more than the 256 rules"));
}

/* What is allowed but hardly meant. */
static void warnings_say_where(void **state)
{
	static const struct {
		struct bytes text;
		const char *warnings; /* '%': the file */
	} cases[] = {
		{BYTES_INIT(""), NULL},
		{BYTES_INIT("[rules]\nrule = full path=/a,b user=5\nrule = group"), NULL},
		{BYTES_INIT("[rules]\nrule = full path=*,/x*\nrule = full path=a.out\n"
			    "rule = ignore cgroup=x comm=a,b"),
		 "%:2: [rules] rule = full path=*,/x*: path is one pattern, with a comma in it, "
		 "and "
		 "no list\n"
		 "%:3: [rules] rule = full path=a.out: path is asked of a whole path, which begins "
		 "with /\n"
		 "%:4: [rules] rule = ignore cgroup=x comm=a,b: cgroup is asked of a whole path, "
		 "which begins with /"},
		{BYTES_INIT("[rules]\nrule = ignore user=1\nrule = group\n\nrule = full user=2\n"
			    "rule = full"),
		 "%:5: [rules] rule = full user=2: never asked, since the rule in line 3 takes "
		 "every run\n"
		 "%:6: [rules] rule = full: never asked, since the rule in line 3 takes every run"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config config = load(cases[i].text);
		_cleanup_free_ char *expected = NULL;
		size_t len;
		FILE *out = open_memstream(&expected, &len);

		for (const char *p = cases[i].warnings ?: ""; *p; p++)
			*p == '%' ? fputs(path, out) : fputc(*p, out);
		fclose(out);
		assert_string_equal(config.warnings ?: "", expected);
		assert_int_equal(!config.warnings, !cases[i].warnings);
		config_done(&config);
	}
}

static void errors_say_where_what_and_what_else(void **state)
{
	static const struct {
		struct bytes text;
		const char *errors; /* % is the file */
	} cases[] = {
		{BYTES_INIT("[daemon]\nring_mib = 17\n"),
		 "%:2: [daemon] ring_mib = 17: must be a power of two from 1 to 1024"},
		{BYTES_INIT("[daemon]\nring_mib = 2048"),
		 "%:2: [daemon] ring_mib = 2048: must be a power of two from 1 to 1024"},
		{BYTES_INIT("[daemon]\nring_mib = 0"),
		 "%:2: [daemon] ring_mib = 0: must be a power of two from 1 to 1024"},
		{BYTES_INIT("[daemon]\nring_mib ="),
		 "%:2: [daemon] ring_mib = : must be a power of two from 1 to 1024"},
		{BYTES_INIT("[daemon]\nworkers = 4294967298"),
		 "%:2: [daemon] workers = 4294967298: must be a number from 1 to 64"},
		{BYTES_INIT("[daemon]\nworkers = +2"),
		 "%:2: [daemon] workers = +2: must be a number from 1 to 64"},
		{BYTES_INIT("[daemon]\nworkers = 2 ; two"),
		 "%:2: [daemon] workers = 2 ; two: must be a number from 1 to 64"},
		{BYTES_INIT("[daemon]\nsource = ebpf"),
		 "%:2: [daemon] source = ebpf: must be auto, bpf or preload"},
		{BYTES_INIT("[track]\nscope = ALL"),
		 "%:2: [track] scope = ALL: must be all or jobs"},
		{BYTES_INIT("[track]\ncompress = 1"),
		 "%:2: [track] compress = 1: must be yes or no"},
		{BYTES_INIT("[daemon]\nspool = spool"),
		 "%:2: [daemon] spool = spool: must be an absolute path of at most 1024 bytes"},
		{BYTES_INIT("[link]\nld = ld"),
		 "%:2: [link] ld = ld: must be an absolute path of at most 1024 bytes, or empty"},
		{BYTES_INIT("[daemon]\nhost = ../x"),
		 "%:2: [daemon] host = ../x: must be at most 64 letters, "
		 "digits, '.', '_' or '-', a letter or digit first"},
		{BYTES_INIT("[daemon]\nhost ="),
		 "%:2: [daemon] host = : must be at most 64 letters, "
		 "digits, '.', '_' or '-', a letter or digit first"},
		{BYTES_INIT("[daemon]\nring_mb = 1"),
		 "%:2: [daemon] ring_mb: unknown key; did you mean ring_mib?"},
		{BYTES_INIT("[daemon]\nfrobnicate = 1"), "%:2: [daemon] frobnicate: unknown key"},
		{BYTES_INIT("[daemon]\nscope = all"),
		 "%:2: [daemon] scope: unknown key; it belongs to [track]"},
		{BYTES_INIT("[deamon]\nspool = /x\nrubbish = 1"),
		 "%:1: [deamon]: unknown section; did you mean daemon?"},
		{BYTES_INIT("[x]"), "%:1: [x]: unknown section"},
		{BYTES_INIT("spool = /x"), "%:1: spool: stands before any section"},
		{BYTES_INIT("[daemon\n"),
		 "%:1: a section is a name in brackets, alone on its line: [daemon]"},
		{BYTES_INIT("[daemon] spool = /x\n"),
		 "%:1: a section is a name in brackets, alone on its line: [daemon]"},
		{BYTES_INIT("[daemon]\nspool\nspool = /x"),
		 "%:2: neither a section in brackets, nor key = value, nor a comment"},
		{BYTES_INIT("[daemon]\nspool"),
		 "%:2: neither a section in brackets, nor key = value, nor a comment"},
		{BYTES_INIT("[daemon]\nworkers = 3\n[track]\n[daemon]\nworkers = 3"),
		 "%:5: [daemon] workers: given twice, first in line 2"},
		{BYTES_INIT("[rules]\nrule = full\nrule = full usr=x\nrule ="),
		 "%:3: [rules] rule = full usr=x: \"usr=x\" is no condition: path, user, group, "
		 "job, container, cgroup or comm, with = or != and a value\n"
		 "%:4: [rules] rule = : \"\" is no action: a rule begins with full, group or "
		 "ignore"},
		{BYTES_INIT("[track]\nenvironment = A* B[ C\n[privacy]\nscrub = x\\"),
		 "%:2: [track] environment = A* B[ C: \"B[\" has a [ without its ]; a plain one is "
		 "\\[\n%:4: [privacy] scrub = x\\: \"x\\\" ends with a \\, which takes the next "
		 "byte as it is"},
		{BYTES_INIT("[daemon]\nworkers = 3\0\nring_mib = 17"), "%:2: a NUL byte"},
		{BYTES_INIT("[daemon]\nworkers = x\n[trak]\n\nring_mib=1\n[track]\nkeep_days = -1"),
		 "%:2: [daemon] workers = x: must be a number from 1 to 64\n"
		 "%:3: [trak]: unknown section; did you mean track?\n"
		 "%:7: [track] keep_days = -1: must be a number from 0 to 36500"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = NULL, *expected = NULL;
		struct config config = {.workers = 4711};
		size_t len;
		FILE *out = open_memstream(&expected, &len);

		for (const char *p = cases[i].errors; *p; p++)
			*p == '%' ? fputs(path, out) : fputc(*p, out);
		fclose(out);
		write_conf(cases[i].text);
		assert_int_equal(config_load(path, &config, &message), -EINVAL);
		assert_string_equal(message, expected);
		assert_int_equal(config.workers, 4711);
		assert_null(config.spool);
	}
}

static struct bytes long_line(const char *begin, size_t len)
{
	char *text = malloc(len);
	size_t used = strlen(begin);

	memset(text, 'x', len);
	memcpy(text, begin, used);
	for (size_t i = used; i < len; i += 31)
		text[i] = ' ';
	text[len - 1] = 'x';
	return (struct bytes){text, len};
}

static void long_lines(void **state)
{
	static const char begin[] = "[track]\nenvironment=";
	struct bytes fits = long_line(begin, 8 + CONFIG_LINE_MAX);
	struct bytes too_long = long_line(begin, 8 + CONFIG_LINE_MAX + 1);
	struct config config = load(fits);
	_cleanup_free_ char *message = NULL, *expected = NULL;

	(void)state;
	/* inih itself would have cut it at 200 bytes */
	assert_int_equal(config.environment.count, (CONFIG_LINE_MAX - 12 + 30) / 31);
	config_done(&config);
	write_conf(too_long);
	assert_int_equal(config_load(path, &config, &message), -EINVAL);
	assert_true(asprintf(&expected, "%s:2: longer than 4096 bytes", path) > 0);
	assert_string_equal(message, expected);
	free((char *)fits.data);
	free((char *)too_long.data);
}

static void lists_are_bounded(void **state)
{
	static const struct {
		size_t count;
		int result;
	} cases[] = {{CONFIG_LIST_MAX, 0}, {CONFIG_LIST_MAX + 1, -EINVAL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = NULL;
		struct config config = {};
		FILE *out = fopen(path, "we");

		fputs("[track]\nenvironment =", out);
		for (size_t j = 0; j < cases[i].count; j++)
			fputs(" A", out);
		fclose(out);
		assert_int_equal(config_load(path, &config, &message), cases[i].result);
		if (!cases[i].result)
			config_done(&config);
	}
}

static void many_errors_are_counted(void **state)
{
	_cleanup_free_ char *message = NULL;
	struct config config;
	FILE *out = fopen(path, "we");
	size_t lines = 1;

	(void)state;
	for (int i = 0; i < 997; i++)
		fputs("rubbish\n", out);
	fclose(out);
	assert_int_equal(config_load(path, &config, &message), -EINVAL);
	for (const char *p = message; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 51);
	assert_non_null(strstr(message, ": 947 errors more"));
}

static void files_that_cannot_be_read(void **state)
{
	const struct {
		const char *path;
		int result;
		const char *says;
	} cases[] = {{"/nonexistent/runmark.conf", -ENOENT, "No such file"},
		     {"", -ENOENT, "cannot be opened"},
		     {"/tmp", -EISDIR, "Is a directory"},
		     {path, -EMEDIUMTYPE, "it is no regular file"},
		     {"/dev/zero", -EINVAL, "/dev/zero:1: a NUL byte"}};

	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = NULL;
		struct config config;

		assert_int_equal(config_load(cases[i].path, &config, &message), cases[i].result);
		assert_non_null(strstr(message, cases[i].says));
		assert_int_equal(config_load(cases[i].path, &config, NULL), cases[i].result);
	}
	unlink(path);
}

static void variable_names_the_file(void **state)
{
	_cleanup_free_ char *message = NULL;
	struct config config;

	(void)state;
	write_conf(BYTES("[daemon]\ncluster = by-variable\n"));
	setenv("RUNMARK_CONF", path, 1);
	assert_int_equal(config_load(NULL, &config, &message), 0);
	assert_string_equal(config.cluster, "by-variable");
	config_done(&config);
	setenv("RUNMARK_CONF", "/nonexistent", 1);
	assert_int_equal(config_load(NULL, &config, &message), -ENOENT);
	free(message);
	/* a path given by the caller counts more */
	assert_int_equal(config_load(path, &config, &message), 0);
	config_done(&config);
	unsetenv("RUNMARK_CONF");
}

static char *print(const struct config *config)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	config_print(config, out);
	fclose(out);
	return text;
}

static void printed_configuration_loads_the_same(void **state)
{
	struct bytes longest = long_line("[track]\nenvironment=", 8 + CONFIG_LINE_MAX);
	struct bytes cases[] = {
		BYTES_INIT(""),
		BYTES_INIT("[daemon]\nspool = /a  "
			   "b;c#\nhost=h\ncluster=c\nring_mib=1024\nsource=bpf\ndrop=\n"
			   "[track]\nenvironment=\nkeep_days=0\ncompress=no\nscope=jobs\n[link]"
			   "\nstamp=no\n"),
		longest,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config config = load(cases[i]), again;
		_cleanup_free_ char *first = print(&config), *second = NULL;

		again = load(bytes_of(first));
		second = print(&again);
		assert_string_equal(first, second);
		assert_int_equal(config.environment.count, again.environment.count);
		assert_string_equal(config.spool, again.spool);
		config_done(&config);
		config_done(&again);
	}
	free((char *)longest.data);
}

/* mdoc: a key stands as ".It Cm name", its default behind. */
static void man_page_names_every_key(void **state)
{
	FILE *in = fopen("userspace/man/runmark.conf.5", "re");
	_cleanup_free_ char *page = calloc(1, 65536);

	(void)state;
	if (!in) {
		print_message("# SKIP not run from the top of the tree\n");
		skip();
	}
	assert_true(fread(page, 1, 65535, in) > 0);
	fclose(in);
	for (size_t i = 0; i < config_key_count; i++) {
		_cleanup_free_ char *item = NULL, *section = NULL, *range = NULL;
		const struct config_key *key = &config_keys[i];
		const char *at, *end;

		assert_true(asprintf(&section, "\n.Ss %c%s%c\n", '[', key->section, ']') > 0);
		assert_true(asprintf(&item, "\n.It Cm %s\n", key->name) > 0);
		at = strstr(page, section);
		at = at ? strstr(at, item) : NULL;
		if (!at) {
			fail_msg("[%s] %s isn't in the man page", key->section, key->name);
			return;
		}
		end = strstr(at + 1, "\n.It") ?: at + strlen(at);
		if (key->type != KEY_NUMBER)
			continue;
		assert_true(asprintf(&range, "from %u to %u", key->min, key->max) > 0);
		at = strstr(at, range);
		if (!at || at > end)
			print_error("%s: the man page doesn't say %s\n", key->name, range);
		assert_true(at && at < end);
	}
}

static void nearest_words(void **state)
{
	static const char *const words[] = {"spool", "drop", "ring_mib", "rotate_mib"};
	static const char *const cases[][2] = {{"spol", "spool"},	{"sopol", "spool"},
					       {"ringmib", "ring_mib"}, {"", NULL},
					       {"xyz", NULL},		{"drpo", "drop"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *nearest = nearest_word(cases[i][0], words, ARRAY_SIZE(words));

		assert_int_equal(!nearest, !cases[i][1]);
		if (nearest)
			assert_string_equal(nearest, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_designs),
		cmocka_unit_test(environment_has_what_is_asked_for_and_no_more),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(errors_say_where_what_and_what_else),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(many_errors_are_counted),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(variable_names_the_file),
		cmocka_unit_test(printed_configuration_loads_the_same),
		cmocka_unit_test(rules_are_lists),
		cmocka_unit_test(rules_have_a_number),
		cmocka_unit_test(warnings_say_where),
		cmocka_unit_test(man_page_names_every_key),
		cmocka_unit_test(nearest_words),
	};

	return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
