/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link lines. The input is the arguments, NUL between them; a response file "N" is the rest of the
 * input from byte N on. What must hold: whenever the line may be augmented, the last argument is an
 * input or an option that is known and has its value, so that nothing can take our object for a
 * value of its own.
 */
#include "ldwrap/ldargs.h"
#include "ldwrap/options.h"
#include "ldwrap/response.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_response(void *arg, const char *path, char **ret, size_t *ret_len)
{
	const struct bytes *input = arg;
	size_t from = strtoul(path, NULL, 10);

	if (from >= input->len)
		return -ENOENT;
	*ret = strndup(input->data + from, input->len - from);
	*ret_len = strlen(*ret);
	return 0;
}

static bool count_input(void *arg, const char *name, bool is_library)
{
	(void)is_library;
	(*(size_t *)arg)++;
	return name != NULL;
}

static void check(const struct response *response, const struct ldargs *args)
{
	const char *last = response->count ? response->tokens[response->count - 1] : "";
	size_t inputs = 0;

	ldargs_each_input(response->tokens, response->count, count_input, &inputs);
	if (args->why_plain)
		return;
	if (!args->output[0] || !args->first_input || inputs != args->input_count)
		abort();
	if (last[0] == '-') {
		struct option_match match;

		option_find(last, &match);
		/* the value of the option before it, or complete in itself */
		if (match.kind == OPTION_VALUE && !match.value) {
			struct ldargs shorter;

			ldargs_parse(response->tokens, response->count - 1, &shorter);
			if (!shorter.why_plain)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct bytes input = {text, size};
	struct response response;
	struct ldargs args;
	char *argv[66] = {"ld"};
	int argc = 1;

	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t pos = 0; pos < size && argc < 65; pos += strlen(text + pos) + 1)
		argv[argc++] = text + pos;
	if (response_expand(argc, argv, read_response, &input, &response) == 0) {
		ldargs_parse(response.tokens, response.count, &args);
		check(&response, &args);
	}
	response_done(&response);
	free(text);
	return 0;
}
