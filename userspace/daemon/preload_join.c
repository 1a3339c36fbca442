// SPDX-License-Identifier: BSD-2-Clause
/*
 * Beside the kernel side: a program that it told of as well is one run. The message then fills only
 * what the kernel side could not read; it makes a run where its exec was lost.
 */
#include "daemon/live_image.h"
#include "daemon/preload_state.h"

/* The kernel side's image is of the program that tells; else its exec was lost since. */
static bool is_same_program(const struct image *image, const struct run_read *m)
{
	const struct event_file *file = &image->exec->file;

	/* of a file system that shows another device, the number of the file alone is the same */
	return !m->has_file || !file->inode || m->file.inode == file->inode;
}

static bool lacks_something(const struct image *image)
{
	return image->s.flags &
	       (EVENT_ARGV_FAULT | EVENT_ENV_FAULT | EVENT_OBJECTS_UNSEEN | EVENT_OBJECTS_FAULT);
}

enum preload_join preload_join(struct preload *p, const struct run_read *m, uint32_t pid,
			       struct live_key *ret)
{
	const struct live *live = tracker_live(p->options.tracker);
	uint64_t tick_ns = p->options.node->tick_ns, start_ns = p->look.start_ns;
	struct live_found found;

	if (!p->options.is_beside_bpf)
		return JOIN_NOTHING;
	if (!p->look.is_there) /* the kernel side has told its end, or will */
		return live_has_ended(live, pid, 0, tick_ns) ? JOIN_DONE : JOIN_NOTHING;
	if (!live_find(live, pid, start_ns, tick_ns, &found))
		return live_has_ended(live, pid, start_ns, tick_ns) ? JOIN_DONE : JOIN_NOTHING;
	if (found.is_told)
		return JOIN_NOTHING;
	if (found.image && !found.is_copy && m->process.boot_ns < found.image->s.begin_ns)
		return JOIN_DONE; /* of what it ran before that, as the kernel side has told */
	*ret = found.key;
	if (found.image && !found.is_copy && found.image->exec &&
	    found.image->s.origin != ORIGIN_SCAN && is_same_program(found.image, m))
		return lacks_something(found.image) ? JOIN_FILL : JOIN_DONE;
	/* of an image that the scan saw, or that only mappings told of, it is the exec */
	if (!found.image || found.is_copy ||
	    (found.image->exec && !is_same_program(found.image, m)))
		ret->exec_id = found.next_exec_id;
	return JOIN_LOST;
}
