/* SPDX-License-Identifier: BSD-2-Clause */
/* Response files, by the rules of libiberty's expandargv() and buildargv() (binutils,
 * libiberty/argv.c). */
#include "response.h"
#include "ldargs.h"

#include "common/array.h"
#include "common/fs.h"

#include <errno.h>
#include <sys/stat.h>

struct expansion {
	struct response *response;
	response_read_fn *read;
	void *arg;
};

static int add_token(struct response *response, const char *token)
{
	const char **tokens;

	if (response->count >= LDARGS_TOKENS_MAX)
		return -E2BIG;
	tokens = array_grow(response->tokens, response->count, &response->allocated,
			    sizeof(*tokens));
	if (!tokens)
		return -ENOMEM;
	response->tokens = tokens;
	tokens[response->count++] = token;
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Unquotes the next argument of *text in place, which only ever shrinks. NULL at the end. */
static char *next_argument(char **text)
{
	char *in = *text, *out, *start;
	char quote = 0;

	while (is_blank(*in))
		in++;
	if (!*in)
		return NULL;
	start = out = in;
	for (; *in && (quote || !is_blank(*in)); in++) {
		if (*in == '\\') {
			if (in[1])
				*out++ = *++in;
		} else if (quote) {
			if (*in == quote)
				quote = 0;
			else
				*out++ = *in;
		} else if (*in == '\'' || *in == '"') {
			quote = *in;
		} else {
			*out++ = *in;
		}
	}
	*text = *in ? in + 1 : in;
	*out = '\0';
	return start;
}

static int expand(const struct expansion *expansion, const char *token);

static int expand_file(const struct expansion *expansion, const char *token)
{
	struct response *response = expansion->response;
	char *text, *argument;
	size_t len;
	int r;

	if (response->text_count >= RESPONSE_FILES_MAX)
		return -E2BIG;
	r = expansion->read(expansion->arg, token + 1, &text, &len);
	if (r == -ENOENT || r == -EACCES)
		return add_token(response, token);
	if (r < 0)
		return r;
	response->texts[response->text_count++] = text;
	response->bytes += len;
	if (response->bytes > RESPONSE_BYTES_MAX)
		return -E2BIG;
	while ((argument = next_argument(&text))) {
		r = expand(expansion, argument);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Nested at most RESPONSE_FILES_MAX deep, since each level takes a file. */
static int expand(const struct expansion *expansion, const char *token)
{
	if (token[0] == '@')
		return expand_file(expansion, token);
	return add_token(expansion->response, token);
}

int response_expand(int argc, char *const *argv, response_read_fn *read, void *arg,
		    struct response *response)
{
	struct expansion expansion = {.response = response, .read = read, .arg = arg};

	*response = (struct response){.count = 0};
	for (int i = 1; i < argc; i++) {
		int r = expand(&expansion, argv[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void response_done(struct response *response)
{
	for (size_t i = 0; i < response->text_count; i++)
		free(response->texts[i]);
	free(response->tokens);
	*response = (struct response){.count = 0};
}

int response_read_file(void *arg, const char *path, char **ret, size_t *ret_len)
{
	struct stat st;

	(void)arg;
	/* a pipe could be read only once */
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return fs_read_file(AT_FDCWD, path, RESPONSE_BYTES_MAX, ret, ret_len);
}
