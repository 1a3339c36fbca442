/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The auxiliary vector stands behind the environment's NULL. ld.so moves up what follows a variable
 * that it removes (secure execution), so more than one NULL may stand there; the vector's own end
 * is a 0 too, but it is never empty.
 */
#include "preload/start.h"
#include "common/opt_out.h"

#include <elf.h>
#include <string.h>

#define ARGUMENTS_MAX 65536

/* Not `environ`: that name is a program's to use. */
extern char **__environ __attribute__((weak));

static const char *value_of(const char *entry, const char *name)
{
	while (*name && *entry == *name)
		entry++, name++;
	return !*name && *entry == '=' ? entry + 1 : NULL;
}

/* One look at each variable: nearly all have another first letter. */
static void read_environment(struct start *start)
{
	const struct {
		const char *name, **value;
	} variables[] = {
		{"RUNMARK_SOCKET", &start->socket},
		{"RUNMARK_SPOOL", &start->spool},
		{"RUNMARK_DROP", &start->drop},
	};

	for (char *const *entry = start->envp; *entry; entry++) {
		if (**entry != OPT_OUT[0] && **entry != OPT_OUT_XALT[0])
			continue;
		if (opt_out_is_entry(bytes_of(*entry)))
			start->is_opted_out = true;
		for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
			const char *value = value_of(*entry, variables[i].name);

			if (value && *value && !*variables[i].value)
				*variables[i].value = value;
		}
	}
	if (start->auxiliary[AT_SECURE])
		start->socket = start->spool = start->drop = NULL;
}

static bool read_auxiliary(struct start *start)
{
	char *const *at = start->envp;
	const unsigned long *pair;

	while (*at)
		at++;
	while (!*at)
		at++;
	for (pair = (const unsigned long *)at; pair[0] != AT_NULL; pair += 2)
		if (pair[0] < START_TYPES)
			start->auxiliary[pair[0]] = pair[1];
	return start->auxiliary[AT_RANDOM] && start->auxiliary[AT_PHDR];
}

/*
 * musl calls constructors without arguments. The argument count stands before its pointers, these
 * end with a NULL right before the environment: so the way back is known to be right when it gets
 * there. An environment that is not on this stack any more has been replaced.
 */
static bool find_arguments(struct start *start)
{
	char *const *end = __environ - 1;
	uintptr_t count = 0;

	if ((uintptr_t)end <= (uintptr_t)__builtin_frame_address(0) || *end)
		return false;
	while ((uintptr_t)end[-1 - (long)count] != count)
		if (++count > ARGUMENTS_MAX)
			return false;
	start->argv = end - count;
	start->envp = __environ;
	return true;
}

bool start_find(int argc, char **argv, char **envp, struct start *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (argc >= 0 && argv && envp == argv + argc + 1) {
		ret->argv = argv;
		ret->envp = envp;
	} else if (!&__environ || !__environ || envp == __environ || !find_arguments(ret)) {
		return false; /* loaded late, by a program that has another environment by now */
	}
	if (!read_auxiliary(ret))
		return false;
	read_environment(ret);
	return true;
}

void start_random(const struct start *start, uint64_t ret[2])
{
	uint64_t words[2];

	memcpy(words, (const void *)start->auxiliary[AT_RANDOM], sizeof(words));
	for (int i = 0; i < 2; i++) {
		uint64_t x = words[i] ^ (words[!i] >> 29);

		/* the finaliser of MurmurHash3, with half of the other word lost before */
		x = (x ^ x >> 33) * 0xff51afd7ed558ccdULL;
		x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ULL;
		ret[i] = x ^ x >> 33;
	}
}
