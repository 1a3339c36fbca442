// SPDX-License-Identifier: BSD-2-Clause
/*
 * The table to the journal and back: as the events that would make it, each image's objects and
 * state behind. Thousands of images share the same libraries: each file stands there once, by
 * number.
 */
#include "daemon/journal.h"
#include "daemon/live_ended.h"
#include "daemon/live_image.h"
#include "daemon/live_job.h"
#include "daemon/live_table.h"
#include "common/array.h"

struct saved_file {
	struct event_file file;
	struct note_ids notes;
	bool is_told;
	size_t path_len;
	char *path;
};

struct live_saver live_saver(live_writer writer, void *arg)
{
	static uint32_t savings;

	return (struct live_saver){.writer = writer, .arg = arg, .saving = ++savings};
}

/* The file's number in this journal; its first image tells it. */
static int file_save(struct fact *fact, struct live_saver *saver)
{
	union {
		struct live_file_state state;
		char room[sizeof(struct live_file_state) + PATH_MAX_BYTES];
	} buffer = {.state = {.number = saver->files,
			      .file = fact->file,
			      .is_told = fact->kind == FACT_TOLD}};
	size_t len = MIN(fact->path_len, (size_t)PATH_MAX_BYTES);
	int r;

	if (fact->saved_in == saver->saving)
		return 0;
	if (buffer.state.is_told)
		buffer.state.notes = fact->notes;
	if (len)
		memcpy(buffer.room + sizeof(buffer.state), fact->path, len);
	r = saver->writer(saver->arg, JOURNAL_FILE, &buffer, sizeof(buffer.state) + len);
	if (r)
		return r;
	fact->saved_in = saver->saving;
	fact->saved_as = saver->files++;
	return 0;
}

static int objects_save(const struct image *image, struct live_saver *saver)
{
	struct {
		struct live_key key;
		uint32_t numbers[LIVE_OBJECTS_MAX];
	} entry = {.key = image->s.key};
	uint32_t i;
	int r;

	for (i = 0; i < MIN(image->object_count, (uint32_t)LIVE_OBJECTS_MAX); i++) {
		r = file_save(image->objects[i], saver);
		if (r)
			return r;
		entry.numbers[i] = image->objects[i]->saved_as;
	}
	return i ? saver->writer(saver->arg, JOURNAL_OBJECTS, &entry,
				 offsetof(typeof(entry), numbers[i]))
		 : 0;
}

int image_save(const struct image *image, struct live_saver *saver)
{
	int r = 0;

	if (image->exec) {
		r = saver->writer(saver->arg, JOURNAL_EVENT, image->exec, image->exec->head.size);
	} else {
		struct event_mmap none = {
			.head = {.kind = EVENT_MMAP,
				 .size = sizeof(none),
				 .time_ns = image->s.begin_ns,
				 .start_ns = image->s.key.start_ns,
				 .pid = image->s.key.pid,
				 .exec_id = image->s.key.exec_id,
				 .traits = image->s.traits & TRAIT_TOLD},
			.path = {sizeof(none), 0},
			.notes = {sizeof(none), 0},
		};

		r = saver->writer(saver->arg, JOURNAL_EVENT, &none, sizeof(none));
	}
	if (!r)
		r = objects_save(image, saver);
	if (!r && image_job_is_told(image))
		r = image_job_save(image, saver->writer, saver->arg);
	return r ? r : saver->writer(saver->arg, JOURNAL_IMAGE, &image->s, sizeof(image->s));
}

/* A process whose image another one's holds, or is not known. */
static int process_save(const struct process *p, struct live_saver *saver)
{
	struct live_process_state state = {
		.key = {p->start_ns, p->pid, p->exec_id},
		.parent = p->parent,
		.fork_ns = p->fork_ns,
		.is_dropped = p->is_dropped,
		.is_told = p->is_told,
	};

	if (p->is_copy)
		state.run = p->image->s.key;
	return saver->writer(saver->arg, JOURNAL_PROCESS, &state, sizeof(state));
}

static int ended_save(const struct live *l, struct live_saver *saver)
{
	const struct ended_process *ended;
	int r = 0;

	for (uint32_t at = 0; !r && (ended = ended_at(l->ended, at)); at++)
		r = saver->writer(saver->arg, JOURNAL_ENDED, ended, sizeof(*ended));
	return r;
}

/* Finished images first: what a process ran before stands before what it runs now, and that before
 * what it is about to run. What has ended stands behind the images of it, which it would forbid. */
int live_save(const struct live *l, struct live_saver *saver)
{
	const struct image *image;
	const struct process *p;
	int r;

	TAILQ_FOREACH (image, &l->finished, link)
		if ((r = image_save(image, saver)))
			return r;
	r = ended_save(l, saver);
	if (r)
		return r;
	TAILQ_FOREACH (p, &l->all, all)
		if (p->image && !p->is_copy && (r = image_save(p->image, saver)))
			return r;
	TAILQ_FOREACH (p, &l->all, all)
		if ((p->is_copy || !p->image) && (r = process_save(p, saver)))
			return r;
	TAILQ_FOREACH (p, &l->all, all)
		if (p->next && (r = image_save(p->next, saver)))
			return r;
	return 0;
}

static bool key_is_equal(const struct live_key *a, const struct live_key *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns && a->exec_id == b->exec_id;
}

static void restore_image(struct live *l, const struct live_image_state *state)
{
	struct process *p = process_find(l, state->key.pid, state->key.start_ns);

	if (!p || !image_state_check(state))
		return;
	if (p->next && key_is_equal(&p->next->s.key, &state->key)) {
		if (state->end == END_NONE)
			p->next->s = *state;
		return;
	}
	if (!p->image || p->is_copy || !key_is_equal(&p->image->s.key, &state->key))
		return;
	p->image->s = *state;
	if (state->end == END_NONE)
		return;
	process_end_image(l, p, state->end, state->end_ns);
	if (state->end != END_EXEC)
		process_remove(l, p);
}

struct image *live_take(struct live *l, const struct live_key *key)
{
	struct image *image;

	/* from the end: the first ones may be of groups, and stay long */
	TAILQ_FOREACH_REVERSE (image, &l->finished, image_list, link) {
		if (!key_is_equal(&image->s.key, key))
			continue;
		TAILQ_REMOVE(&l->finished, image, link);
		return image;
	}
	return NULL;
}

void live_forget(struct live *l, const struct live_key *key)
{
	image_free(l->facts, live_take(l, key));
}

static void restore_process(struct live *l, const struct live_process_state *state)
{
	const struct live_key *key = &state->key, *run = &state->run;
	struct event e = {.kind = EVENT_FORK,
			  .time_ns = state->fork_ns,
			  .start_ns = key->start_ns,
			  .pid = key->pid,
			  .exec_id = key->exec_id};
	struct process *p, *origin = process_find(l, run->pid, run->start_ns);

	if (process_find(l, key->pid, key->start_ns))
		return;
	p = process_add(l, &e);
	if (!p)
		return;
	p->parent = state->parent;
	p->is_dropped = state->is_dropped;
	l->told += state->is_told && !p->is_told;
	p->is_told |= state->is_told != 0;
	if (!origin || origin->is_copy || !origin->image ||
	    !key_is_equal(&origin->image->s.key, run))
		return;
	p->image = origin->image;
	p->is_copy = true;
	TAILQ_INSERT_TAIL(&p->image->copies, p, copies);
}

static bool notes_check(const struct note_ids *notes)
{
	uint8_t flag;

	memcpy(&flag, &notes->has_watermark, 1);
	return flag <= 1 && notes->build_id_len <= NOTE_BUILD_ID_MAX;
}

static void restore_file(struct live *l, struct bytes data)
{
	struct live_file_state state;
	struct saved_file *files, *file;

	if (data.len < sizeof(state) || data.len - sizeof(state) > PATH_MAX_BYTES)
		return;
	memcpy(&state, data.data, sizeof(state));
	if (state.number != l->file_count ||
	    !memchr(state.file.fstype, 0, sizeof(state.file.fstype)) ||
	    (state.is_told && !notes_check(&state.notes)))
		return;
	files = array_grow(l->files, l->file_count, &l->file_size, sizeof(*files));
	if (!files)
		return;
	l->files = files;
	file = &files[l->file_count];
	*file = (struct saved_file){.file = state.file,
				    .notes = state.notes,
				    .is_told = state.is_told,
				    .path_len = data.len - sizeof(state)};
	file->path = malloc(file->path_len + 1);
	if (!file->path)
		return;
	memcpy(file->path, data.data + sizeof(state), file->path_len);
	l->file_count++;
}

/* The image of that key, also one about to run; not one that only its copy runs. */
static struct image *image_of_key(struct live *l, const struct live_key *key)
{
	struct process *p = process_find(l, key->pid, key->start_ns);

	if (p && p->next && key_is_equal(&p->next->s.key, key))
		return p->next;
	return p && p->image && !p->is_copy && key_is_equal(&p->image->s.key, key) ? p->image
										   : NULL;
}

static struct fact *file_ask(struct live *l, const struct saved_file *file,
			     const struct image *image)
{
	struct bytes path = {file->path, file->path_len};

	return file->is_told
		       ? facts_told(l->facts, path, &file->notes, image->s.key.pid, image->s.ppid)
		       : facts_file(l->facts, &file->file, path, image->s.key.pid, image->s.ppid);
}

static void restore_objects(struct live *l, struct bytes data)
{
	struct live_key key;
	struct image *image;

	if (data.len < sizeof(key))
		return;
	memcpy(&key, data.data, sizeof(key));
	image = image_of_key(l, &key);
	for (size_t at = sizeof(key); image && data.len - at >= sizeof(uint32_t);
	     at += sizeof(uint32_t)) {
		const struct saved_file *file;
		struct fact *fact;
		uint32_t number;

		memcpy(&number, data.data + at, sizeof(number));
		if (number >= l->file_count || image->object_count >= LIVE_OBJECTS_MAX) {
			image->s.flags |= EVENT_OBJECT_FAULT;
			continue;
		}
		file = &l->files[number];
		fact = file_ask(l, file, image);
		if (fact && !image_add_object(image, fact))
			facts_release(l->facts, fact);
	}
	if (image)
		image_count(l, image);
}

static void restore_job(struct live *l, const struct live_job_state *state)
{
	struct image *image = image_of_key(l, &state->key);

	if (image && job_check(&state->job))
		image_set_job(image, &state->job, NULL);
}

bool live_restore(struct live *l, uint32_t kind, struct bytes data)
{
	switch (kind) {
	case JOURNAL_IMAGE:
		if (data.len == sizeof(struct live_image_state))
			restore_image(l, (const void *)data.data);
		return true;
	case JOURNAL_PROCESS:
		if (data.len == sizeof(struct live_process_state))
			restore_process(l, (const void *)data.data);
		return true;
	case JOURNAL_ENDED:
		if (data.len == sizeof(struct ended_process))
			ended_add(l->ended, (const void *)data.data);
		return true;
	case JOURNAL_FILE:
		restore_file(l, data);
		return true;
	case JOURNAL_OBJECTS:
		restore_objects(l, data);
		return true;
	case JOURNAL_JOB:
		if (data.len == sizeof(struct live_job_state))
			restore_job(l, (const void *)data.data);
		return true;
	}
	return false;
}

void live_restored(struct live *l)
{
	while (l->file_count)
		free(l->files[--l->file_count].path);
	free(TAKE_PTR(l->files));
	l->file_size = 0;
}
