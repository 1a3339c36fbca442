// SPDX-License-Identifier: BSD-2-Clause
/* Choosing the source, and what each tells of which fact. */
#include "daemon/source.h"

#include <errno.h>

#define EXEC_LOST                                                                                  \
	"static and set-user-id programs, and those started without the library or where it is "   \
	"not there"
#define MAPPING_LOST "objects opened after the start by programs that are killed or call _exit"
#define FORK_LOST    "copies that processes make of themselves"

/* What is to be mended, or another daemon's: not that BPF isn't there. */
static bool is_fault(int error)
{
	return error == -EBUSY || error == -ENAMETOOLONG || error == -ENOTDIR || error == -ENOMEM;
}

static bool is_forced(const struct capture_options *options)
{
	for (enum hook_fact fact = 0; fact < HOOK_FACTS; fact++)
		if (options->forced[fact])
			return true;
	return false;
}

int source_begin(struct source *source, const struct config *config,
		 const struct capture_options *options, char **ret_message)
{
	int r;

	*source = (struct source){.is_preload = config->source == CONFIG_SOURCE_PRELOAD,
				  .exit_rung = "pidfd"};
	if (source->is_preload && is_forced(options)) {
		capture_say(ret_message, "--hook chooses among hooks of the kernel side, and "
					 "source = preload has none; leave out --hook");
		return -EINVAL;
	}
	if (!source->is_preload) {
		r = capture_new(options, &source->capture, ret_message);
		if (!r)
			return 0;
		if (config->source == CONFIG_SOURCE_BPF || is_forced(options) || is_fault(r))
			return r;
		source->is_preload = true;
		source->reason = TAKE_PTR(*ret_message);
		if (!source->reason)
			source->reason = strdup(strerror(-r));
		if (!source->reason)
			return -ENOMEM;
	}
	source->has_pins = capture_has_pins(config->pin);
	return 0;
}

void source_done(struct source *source)
{
	capture_free(TAKE_PTR(source->capture));
	free(TAKE_PTR(source->reason));
}

const char *source_name(const struct source *source)
{
	return source->is_preload ? "preload" : "bpf";
}

struct source_rung source_rung(const struct source *source, enum hook_fact fact)
{
	const struct hook *hook;

	if (source->is_preload)
		return fact == HOOK_EXEC      ? (struct source_rung){"preload", EXEC_LOST}
		       : fact == HOOK_MAPPING ? (struct source_rung){"preload", MAPPING_LOST}
		       : fact == HOOK_EXIT
			       ? (struct source_rung){source->exit_rung, source->exit_lost}
		       : source->fork_lost
			       ? (struct source_rung){source->exec_counter, source->fork_lost}
			       : (struct source_rung){"none", FORK_LOST};
	hook = capture_hook(source->capture, fact);
	return (struct source_rung){hook->rung, hook->lost};
}
