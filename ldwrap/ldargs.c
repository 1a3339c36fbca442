/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a linker's command line by the table of options (options.h). */
#include "ldargs.h"
#include "options.h"

struct walk {
	struct ldargs *result;
	ldargs_input_fn *fn;
	void *arg;
	bool stopped;
	bool in_library; /* between --start-lib and --end-lib: members of an archive */
};

static void refuse(struct walk *walk, const char *why)
{
	if (walk->result && !walk->result->why_plain)
		walk->result->why_plain = why;
}

static void add_input(struct walk *walk, const char *name, bool is_library)
{
	if (!name[0])
		refuse(walk, "an input without a name");
	if (walk->fn && !walk->stopped)
		walk->stopped = !walk->fn(walk->arg, name, is_library);
	if (!walk->result)
		return;
	walk->result->input_count++;
	if (!is_library && !walk->result->first_input)
		walk->result->first_input = name;
}

/* Files that are ours to replace or may be read only once: standard output and the like. */
static bool is_special_path(const char *text)
{
	static const char *const parts[] = {"/dev/std", "/dev/fd", "/dev/tty", "/dev/pts",
					    "/proc/"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *at = strstr(text, parts[i]);

		/* "/dev/stdout", "--output=/dev/stdout", "-o/dev/stdout"; but not "src/proc/a.o" */
		if (at && (at == text || at[-1] == '=' || (text[0] == '-' && at == text + 2)))
			return true;
	}
	return false;
}

static void take_role(struct walk *walk, enum option_role role, const char *value)
{
	struct ldargs *result = walk->result;

	if (role == ROLE_LIBRARY)
		add_input(walk, value, true);
	if (!result)
		return;
	switch (role) {
	case ROLE_OUTPUT:
		result->output = value;
		break;
	case ROLE_EMULATION:
		result->emulation = value;
		break;
	case ROLE_DEPENDENCY_FILE:
		result->dependency_file = value;
		break;
	case ROLE_FORMAT:
		if (strcmp(value, "default") && strcmp(value, "elf"))
			refuse(walk, "another input format");
		break;
	case ROLE_MAP:
		if (!strcmp(value, "-"))
			refuse(walk, "it lists what goes into the output");
		break;
	case ROLE_SHARED:
		result->is_shared = true;
		break;
	case ROLE_PIE:
		result->is_pie = true;
		break;
	case ROLE_START_LIB:
		walk->in_library = true;
		break;
	case ROLE_END_LIB:
		walk->in_library = false;
		break;
	default:
		break;
	}
}

/* Number of tokens taken. */
static size_t take_option(struct walk *walk, const char *const *tokens, size_t count)
{
	struct option_match match;
	const char *value;

	option_find(tokens[0], &match);
	value = match.value ? match.value : "";
	switch (match.kind) {
	case OPTION_UNKNOWN:
		refuse(walk, "an option that isn't known");
		return 1;
	case OPTION_PLAIN:
		refuse(walk, match.why);
		return 1;
	case OPTION_FLAG:
		take_role(walk, match.role, value);
		return 1;
	case OPTION_VALUE:
		if (match.value) {
			take_role(walk, match.role, value);
			return 1;
		}
		break;
	}
	if (count < 2) {
		refuse(walk, "an option without its value");
		return 1;
	}
	take_role(walk, match.role, tokens[1]);
	return 2;
}

static void walk_tokens(struct walk *walk, const char *const *tokens, size_t count)
{
	for (size_t i = 0; i < count && !walk->stopped;) {
		const char *token = tokens[i];

		if (token[0] == '-') {
			i += take_option(walk, &tokens[i], count - i);
			continue;
		}
		if (token[0] == '@')
			refuse(walk, "a response file that can't be read");
		add_input(walk, token, false);
		i++;
	}
}

void ldargs_parse(const char *const *tokens, size_t count, struct ldargs *ret)
{
	struct walk walk = {.result = ret};

	*ret = (struct ldargs){.output = "a.out"};
	if (count > LDARGS_TOKENS_MAX) {
		ret->why_plain = "too many arguments";
		return;
	}
	walk_tokens(&walk, tokens, count);
	for (size_t i = 0; i < count; i++)
		if (is_special_path(tokens[i]))
			refuse(&walk, "a path that stands for an open file");
	if (walk.in_library)
		refuse(&walk, "an open --start-lib");
	if (!ret->input_count)
		refuse(&walk, "no input");
	else if (!ret->first_input)
		refuse(&walk, "no input but libraries");
	if (!ret->output[0])
		refuse(&walk, "no name for the output");
}

void ldargs_each_input(const char *const *tokens, size_t count, ldargs_input_fn *fn, void *arg)
{
	struct walk walk = {.fn = fn, .arg = arg};

	walk_tokens(&walk, tokens, count);
}
