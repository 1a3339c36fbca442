// SPDX-License-Identifier: BSD-2-Clause
/* One image of a program: what its events tell of it. */
#include "daemon/live_image.h"
#include "daemon/live_job.h"
#include "daemon/rules.h"

#include <errno.h>

struct image *image_new(const struct event *e, int64_t unix_minus_boot_ns)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	TAILQ_INIT(&image->copies);
	image->s.key = (struct live_key){e->start_ns, e->pid, e->exec_id};
	image->s.begin_ns = e->time_ns;
	image->s.begin_unix_ns = e->time_ns + unix_minus_boot_ns;
	image->s.exec_unseen = true;
	image->s.uid = (uint32_t)-1;
	return image;
}

void image_free(struct facts *facts, struct image *image)
{
	if (!image)
		return;
	facts_release(facts, image->program);
	facts_release(facts, image->user);
	for (uint32_t i = 0; i < image->object_count; i++)
		facts_release(facts, image->objects[i]);
	free(image->objects);
	free(image->exec);
	held_job_release(image->job);
	free(image);
}

bool image_add_object(struct image *image, struct fact *fact)
{
	if (image->object_count == image->object_size) {
		uint32_t size = image->object_size ? 2 * image->object_size : 4;
		struct fact **bigger = reallocarray(image->objects, size, sizeof(*bigger));

		if (!bigger)
			return false;
		image->objects = bigger;
		image->object_size = size;
	}
	image->objects[image->object_count++] = fact;
	return true;
}

struct image *image_clone(const struct image *image, const struct live_key *key, uint64_t fork_ns)
{
	struct event e = {.pid = key->pid,
			  .start_ns = key->start_ns,
			  .exec_id = key->exec_id,
			  .time_ns = fork_ns};
	struct image *clone = image_new(&e, image->s.begin_unix_ns - image->s.begin_ns);

	if (!clone)
		return NULL;
	clone->s.notes = image->s.notes;
	clone->s.has_notes = image->s.has_notes;
	clone->s.exec_unseen = image->s.exec_unseen;
	clone->s.by_loader = image->s.by_loader;
	clone->s.is_trimmed = image->s.is_trimmed;
	clone->s.lacks_objects = image->s.lacks_objects;
	clone->s.awaits_program = image->s.awaits_program;
	clone->s.script_argument = image->s.script_argument;
	clone->s.origin = ORIGIN_FORK;
	clone->s.uid = image->s.uid;
	clone->s.flags = image->s.flags;
	clone->s.traits = image->s.traits & (TRAIT_COMPAT | TRAITS_NAMESPACES | TRAIT_TOLD);
	clone->job = held_job_hold(image->job);
	memcpy(clone->s.comm, image->s.comm, sizeof(clone->s.comm));
	clone->program = facts_hold(image->program);
	clone->user = facts_hold(image->user);
	for (uint32_t i = 0; i < image->object_count; i++)
		if (image_add_object(clone, image->objects[i]))
			facts_hold(image->objects[i]);
	if (image->exec) {
		clone->exec = malloc(image->exec->head.size);
		if (clone->exec) {
			memcpy(clone->exec, image->exec, image->exec->head.size);
			clone->exec->head.pid = key->pid;
			clone->exec->head.start_ns = key->start_ns;
			clone->exec->head.exec_id = key->exec_id;
			clone->exec->head.time_ns = fork_ns;
		}
	}
	return clone;
}

#define LESS(a, b) ((a) > (b) ? (a) - (b) : 0)

/* now - then, but for max_rss, which is no sum (bpf/task.h has the same) */
static void usage_subtract(struct event_usage *now, const struct event_usage *then)
{
	now->user_ns = LESS(now->user_ns, then->user_ns);
	now->system_ns = LESS(now->system_ns, then->system_ns);
	now->runtime_ns = LESS(now->runtime_ns, then->runtime_ns);
	now->read_bytes = LESS(now->read_bytes, then->read_bytes);
	now->write_bytes = LESS(now->write_bytes, then->write_bytes);
	now->minor_faults = LESS(now->minor_faults, then->minor_faults);
	now->major_faults = LESS(now->major_faults, then->major_faults);
}

bool image_state_check(const struct live_image_state *state)
{
	const bool *flags[] = {
		&state->has_notes,	     &state->has_usage,	  &state->exec_unseen,
		&state->usage_of_process,    &state->copy_unseen, &state->awaits_program,
		&state->by_loader,	     &state->is_trimmed,  &state->lacks_objects,
		&state->notes.has_watermark, &state->announced,	  &state->awaits_objects,
		&state->knows_forks};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		uint8_t value;

		memcpy(&value, flags[i], 1);
		if (value > 1)
			return false;
	}
	return state->origin <= ORIGIN_SCAN && state->end <= END_UNSEEN &&
	       state->notes.build_id_len <= NOTE_BUILD_ID_MAX;
}

unsigned int image_verdict(const struct image *image)
{
	return image->exec ? exec_verdict(image->exec) : RULE_FULL;
}

/* What is not recorded needs no facts. */
static bool image_is_recorded(const struct image *image)
{
	return verdict_is_recorded(image_verdict(image));
}

static void image_drop_facts(struct image *image, struct facts *facts)
{
	facts_release(facts, TAKE_PTR(image->program));
	facts_release(facts, TAKE_PTR(image->user));
	while (image->object_count)
		facts_release(facts, image->objects[--image->object_count]);
}

/* Has the program's file looked at. */
void image_ask_program(struct image *image, struct facts *facts)
{
	if (image->exec && !image->program)
		image->program = facts_file(facts, &image->exec->file,
					    event_bytes(&image->exec->head, image->exec->exe),
					    image->s.key.pid, image->s.ppid);
}

static bool is_same_inode(const struct event_file *a, const struct event_file *b)
{
	return a->inode == b->inode && a->device == b->device;
}

/* Where exec's own mappings are seen, the program's comes before it is known which one that is. */
static void image_drop_program(struct image *image, struct facts *facts)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < image->object_count; i++) {
		if (is_same_inode(&image->objects[i]->file, &image->exec->file))
			facts_release(facts, image->objects[i]);
		else
			image->objects[kept++] = image->objects[i];
	}
	image->object_count = kept;
}

/* The traits of an exec's event that are of its own image, and not of the one that it ended. */
#define TRAITS_BEFORE (TRAIT_HAD_STATE | TRAIT_RSS_EXACT | TRAIT_USAGE_UNKNOWN | TRAIT_USAGE_TIMES)

/*
 * The number of the argument that is the script for which env(1), run for its #! line, now runs an
 * interpreter; 0 if it is not so. The kernel has given env the path as it was requested.
 */
static uint32_t script_argument(const struct event_exec *env, const struct event_exec *e)
{
	struct bytes interp = event_bytes(&env->head, env->interp);
	struct bytes script = event_bytes(&env->head, env->requested);
	struct bytes argv = event_bytes(&e->head, e->argv);

	if (interp.len < 4 || memcmp(interp.data + interp.len - 4, "/env", 4) || !script.len)
		return 0;
	for (uint32_t i = 0; argv.len; i++) {
		size_t len = strnlen(argv.data, argv.len), step = MIN(len + 1, argv.len);

		if (i && len == script.len && !memcmp(argv.data, script.data, len))
			return i;
		argv.data += step;
		argv.len -= step;
	}
	return 0;
}

/* True if exec->before is all that the process had used since its fork. */
static bool exec_knows_used(const struct event_exec *exec)
{
	return exec &&
	       !(exec->head.traits & (TRAIT_HAD_STATE | TRAIT_SCANNED | TRAIT_USAGE_UNKNOWN));
}

void exec_past_of(const struct image *before, const struct event_exec *e, struct exec_past *ret)
{
	const struct event_exec *exec = before ? before->exec : NULL;

	*ret = (struct exec_past){.used = e->before, .knows_used = exec_knows_used(e)};
	if (exec && !e->interp.len)
		ret->script_argument = script_argument(exec, e);
	if (ret->knows_used || (e->head.traits & (TRAIT_SCANNED | TRAIT_USAGE_UNKNOWN)))
		return;
	/* e tells what the image before has used alone */
	if (before && before->s.origin != ORIGIN_FORK && exec_knows_used(exec)) {
		usage_fold(&ret->used, &exec->before);
		ret->knows_used = true;
	}
}

void image_set_usage(struct image *image, const struct event_usage *usage, uint32_t traits)
{
	image->s.usage = *usage;
	image->s.has_usage = !(traits & TRAIT_USAGE_UNKNOWN);
	image->s.traits = (image->s.traits & ~TRAITS_BEFORE) | (traits & TRAITS_BEFORE);
	if (!image->s.has_usage)
		return;
	if ((traits & TRAIT_HAD_STATE) || image->s.origin == ORIGIN_FORK)
		return;
	/* of the process, since its fork: an exec by a thread loses the kernel side's state */
	if (!exec_knows_used(image->exec)) {
		image->s.usage_of_process = true;
		return;
	}
	usage_subtract(&image->s.usage, &image->exec->before);
	if (traits & TRAIT_TOLD) /* who tells of an end knows the peak of its last image */
		return;
	if (usage->max_rss <= image->exec->before.max_rss)
		image->s.traits &= ~TRAIT_RSS_EXACT;
}

void image_set_exec(struct image *image, struct facts *facts, const struct event_exec *e,
		    enum live_origin origin, const struct exec_past *past)
{
	struct event_exec *copy = malloc(e->head.size);

	if (!copy) {
		image->s.flags |= EVENT_ARGV_FAULT;
		return;
	}
	memcpy(copy, e, e->head.size);
	copy->head.seq = 0; /* in a journal begun anew it is no event of the ring any more */
	if (past->knows_used) {
		copy->before = past->used;
		copy->head.traits &= ~TRAIT_HAD_STATE;
	}
	free(image->exec);
	image->exec = copy;
	image_drop_program(image, facts);
	if (origin == ORIGIN_EXEC) {
		image->s.begin_unix_ns += e->head.time_ns - image->s.begin_ns;
		image->s.begin_ns = e->head.time_ns;
	}
	image->s.exec_unseen = false;
	image->s.origin = origin;
	image->s.flags |= e->head.flags;
	image->s.traits |= e->head.traits & ~TRAITS_BEFORE;
	image->s.script_argument = past->script_argument;
	image->s.uid = e->uid;
	/* with a loader of its own, which the kernel has mapped, it is none */
	image->s.awaits_program = !image->object_count && image_is_loader(image);
	if (!image_is_recorded(image)) {
		image_drop_facts(image, facts);
		return;
	}
	if (!image->user)
		image->user = facts_user(facts, e->uid);
	/* where the kernel side can't read the notes, the file is asked while it is likely there */
	if ((e->head.traits & TRAIT_COMPAT) || origin == ORIGIN_SCAN)
		image_ask_program(image, facts);
}

void image_ask_missing(struct image *image, struct facts *facts)
{
	if (!image_is_recorded(image))
		return;
	if (!image->user && image->s.uid != (uint32_t)-1)
		image->user = facts_user(facts, image->s.uid);
	if (!image->s.has_notes)
		image_ask_program(image, facts);
}

/* The program's own notes, which came with its first mapping or its end. */
void image_set_notes(struct image *image, struct bytes notes)
{
	if (!notes.len)
		return;
	note_scan(notes, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, &image->s.notes);
	image->s.has_notes = true;
}

/* The scan of /proc knows less of a file than the kernel side. */
static bool is_same_object(const struct fact *a, const struct fact *b)
{
	if (a->kind != b->kind)
		return false;
	return a == b ||
	       (is_same_inode(&a->file, &b->file) &&
		(!*a->file.fstype || !*b->file.fstype || a->is_private || b->is_private) &&
		a->path_len == b->path_len && !memcmp(a->path, b->path, a->path_len));
}

void image_add_mapping(struct image *image, struct facts *facts, const struct event_mmap *e)
{
	struct fact *fact;

	image->s.flags |= e->head.flags;
	/* from the memory that the kernel knows as the program's: its loader's */
	if (!image->s.awaits_program && !image->s.by_loader && !mapping_is_object(e))
		image_set_notes(image, event_bytes(&e->head, e->notes));
	if (!e->path.len || !image_is_recorded(image))
		return;
	if (image->s.awaits_program && image_adopt_program(image, facts, e))
		return;
	/* the program itself is no object of its own */
	if (!mapping_is_object(e) && image->exec && is_same_inode(&e->file, &image->exec->file))
		return;
	if (image->s.lacks_objects)
		return;
	if (image->object_count >= LIVE_OBJECTS_MAX) {
		image->s.flags |= EVENT_OBJECTS_LIMIT;
		return;
	}
	fact = mapping_ask(image, facts, e);
	if (!fact) {
		image->s.flags |= EVENT_OBJECT_FAULT;
		return;
	}
	for (uint32_t i = 0; i < image->object_count; i++) {
		if (is_same_object(image->objects[i], fact)) {
			facts_release(facts, fact);
			return;
		}
	}
	if (!image_add_object(image, fact)) {
		facts_release(facts, fact);
		image->s.flags |= EVENT_OBJECT_FAULT;
	}
}

void image_set_exit(struct image *image, const struct event_exit *e)
{
	image->s.flags |= e->head.flags;
	image->s.traits |= e->head.traits & ~TRAITS_BEFORE;
	image->s.wait_status = e->wait_status;
	image_set_usage(image, &e->usage, e->head.traits);
	memcpy(image->s.comm, e->comm, sizeof(image->s.comm));
	if (!image->s.by_loader)
		image_set_notes(image, event_bytes(&e->head, e->notes));
	if (image->s.uid == (uint32_t)-1)
		image->s.uid = e->uid;
}
