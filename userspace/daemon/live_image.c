// SPDX-License-Identifier: BSD-2-Clause
/* One image of a program: what its events tell of it, and how it goes to the journal. */
#include "daemon/live_image.h"
#include "daemon/journal.h"
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
	free(image);
}

static bool image_add_object(struct image *image, struct fact *fact)
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
	clone->s.parent = image->s.key;
	clone->s.notes = image->s.notes;
	clone->s.has_notes = image->s.has_notes;
	clone->s.exec_unseen = image->s.exec_unseen;
	clone->s.origin = ORIGIN_FORK;
	clone->s.uid = image->s.uid;
	clone->s.flags = image->s.flags;
	clone->s.traits = image->s.traits & TRAIT_COMPAT;
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

void usage_fold(struct event_usage *sum, const struct event_usage *more)
{
	sum->user_ns += more->user_ns;
	sum->system_ns += more->system_ns;
	sum->runtime_ns += more->runtime_ns;
	sum->read_bytes += more->read_bytes;
	sum->write_bytes += more->write_bytes;
	sum->minor_faults += more->minor_faults;
	sum->major_faults += more->major_faults;
	sum->max_rss = MAX(sum->max_rss, more->max_rss);
}

bool image_state_check(const struct live_image_state *state)
{
	const bool *flags[] = {&state->has_notes, &state->has_usage, &state->exec_unseen,
			       &state->notes.has_watermark};

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
static void image_ask_program(struct image *image, struct facts *facts)
{
	if (image->exec && !image->program)
		image->program = facts_file(facts, &image->exec->file,
					    event_bytes(&image->exec->head, image->exec->exe),
					    image->s.key.pid, image->s.parent.pid);
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

void image_set_exec(struct image *image, struct facts *facts, const struct event_exec *e,
		    enum live_origin origin)
{
	struct event_exec *copy = malloc(e->head.size);

	if (!copy) {
		image->s.flags |= EVENT_ARGV_FAULT;
		return;
	}
	memcpy(copy, e, e->head.size);
	copy->head.seq = 0; /* in a journal begun anew it is no event of the ring any more */
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
	image->s.traits |= e->head.traits;
	image->s.uid = e->uid;
	if (e->parent_pid)
		image->s.parent =
			(struct live_key){e->parent_start_ns, e->parent_pid, e->parent_exec_id};
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
static void image_set_notes(struct image *image, struct bytes notes)
{
	if (!notes.len)
		return;
	note_scan(notes, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, &image->s.notes);
	image->s.has_notes = true;
}

/* The scan of /proc knows less of a file than the kernel side. */
static bool is_same_object(const struct fact *a, const struct fact *b)
{
	return a == b ||
	       (is_same_inode(&a->file, &b->file) && (!*a->file.fstype || !*b->file.fstype) &&
		a->path_len == b->path_len && !memcmp(a->path, b->path, a->path_len));
}

void image_add_mapping(struct image *image, struct facts *facts, const struct event_mmap *e)
{
	struct fact *fact;

	image->s.flags |= e->head.flags;
	image_set_notes(image, event_bytes(&e->head, e->notes));
	if (!e->path.len || !image_is_recorded(image))
		return;
	/* the program itself is no object of its own */
	if (image->exec && is_same_inode(&e->file, &image->exec->file))
		return;
	if (image->object_count >= LIVE_OBJECTS_MAX) {
		image->s.flags |= EVENT_OBJECTS_LIMIT;
		return;
	}
	fact = facts_file(facts, &e->file, event_bytes(&e->head, e->path), e->head.pid,
			  image->s.parent.pid);
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
	image->s.traits = (image->s.traits & ~TRAIT_RSS_EXACT) | e->head.traits;
	image->s.wait_status = e->wait_status;
	image->s.usage = e->usage;
	image->s.has_usage = true;
	memcpy(image->s.comm, e->comm, sizeof(image->s.comm));
	image_set_notes(image, event_bytes(&e->head, e->notes));
	if (image->s.uid == (uint32_t)-1)
		image->s.uid = e->uid;
	if (!image->s.parent.pid)
		image->s.parent =
			(struct live_key){e->parent_start_ns, e->parent_pid, e->parent_exec_id};
}

/* An object as the event that told of it. */
static int object_save(const struct image *image, const struct fact *fact, live_writer writer,
		       void *arg)
{
	union {
		struct event_mmap e;
		char room[sizeof(struct event_mmap) + PATH_MAX_BYTES];
	} buffer = {.e = {.head = {.kind = EVENT_MMAP,
				   .time_ns = image->s.begin_ns,
				   .start_ns = image->s.key.start_ns,
				   .pid = image->s.key.pid,
				   .exec_id = image->s.key.exec_id}}};
	struct event_mmap *e = &buffer.e;
	size_t len = MIN(fact->path_len, (size_t)PATH_MAX_BYTES);

	e->file = fact->file;
	e->path = (struct span){sizeof(*e), len};
	e->notes = (struct span){sizeof(*e), 0};
	memcpy(buffer.room + sizeof(*e), fact->path, len);
	e->head.size = sizeof(*e) + len;
	return writer(arg, JOURNAL_EVENT, e, e->head.size);
}

int image_save(const struct image *image, live_writer writer, void *arg)
{
	int r = 0;

	if (image->exec) {
		r = writer(arg, JOURNAL_EVENT, image->exec, image->exec->head.size);
	} else {
		struct event_mmap none = {
			.head = {.kind = EVENT_MMAP,
				 .size = sizeof(none),
				 .time_ns = image->s.begin_ns,
				 .start_ns = image->s.key.start_ns,
				 .pid = image->s.key.pid,
				 .exec_id = image->s.key.exec_id},
			.path = {sizeof(none), 0},
			.notes = {sizeof(none), 0},
		};

		r = writer(arg, JOURNAL_EVENT, &none, sizeof(none));
	}
	for (uint32_t i = 0; !r && i < image->object_count; i++)
		r = object_save(image, image->objects[i], writer, arg);
	return r ? r : writer(arg, JOURNAL_IMAGE, &image->s, sizeof(image->s));
}
