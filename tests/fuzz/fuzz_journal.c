/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal file of any content: replayed without harm into a table, whose images become records;
 * what is appended then is told, last, when the journal is read again.
 */
#include "common/record.h"
#include "common/text.h"
#include "daemon/group_record.h"
#include "daemon/journal.h"
#include "daemon/layout.h"
#include "daemon/live_ended.h"
#include "daemon/run_record.h"
#include "tests/fuzz/event_input.h"

#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SIZE 65536

static struct facts *facts;
static char folder[64];

struct replayed {
	struct live *live;
	size_t count;
	uint32_t last_kind;
	struct group_state group; /* the last that can be believed */
};

static const struct node node = {.host = "n1", .cluster = "", .tick_ns = 10000000};

static void replay(void *arg, uint32_t kind, struct bytes data)
{
	struct replayed *r = arg;
	const struct event *event;

	r->count++;
	r->last_kind = kind;
	if ((uintptr_t)data.data % 8)
		abort();
	if (kind == JOURNAL_EVENT && !event_check(data, &event))
		live_apply(r->live, event, event->traits & TRAIT_SCANNED);
	else if (live_restore(r->live, kind, data))
		return;
	else if (kind == JOURNAL_DONE && data.len == sizeof(struct live_key))
		live_forget(r->live, (const void *)data.data);
	else if (kind == JOURNAL_GROUP && data.len == sizeof(struct group_state) &&
		 group_state_check((const void *)data.data))
		r->group = *(const struct group_state *)data.data;
}

static bool nobody(void *arg, uint32_t pid, uint64_t start_ns)
{
	(void)arg;
	(void)pid;
	(void)start_ns;
	return false;
}

static void record_check(cJSON *record)
{
	_cleanup_free_ char *line = record_print(record, NULL);

	if (!line || !text_is_utf8(bytes_of(line)))
		abort();
	cJSON_Delete(record);
}

static void records_check(struct live *live, const struct group_state *state)
{
	struct image *image;

	live_reconcile(live, nobody, NULL);
	while ((image = TAILQ_FIRST(live_finished(live)))) {
		TAILQ_REMOVE(live_finished(live), image, link);
		record_check(run_record(&node, image, "", ""));
		if (image->exec && state->count) {
			struct group group = {.s = *state, .first = image};

			record_check(group_record(&node, &group, "", ""));
		}
		image_free(facts, image);
	}
}

static struct journal *journal_read(struct replayed *r)
{
	struct journal *journal;

	*r = (struct replayed){.live = NULL};
	if (live_new(facts, &r->live) || journal_new(folder, MAX_SIZE, replay, r, &journal))
		abort();
	records_check(r->live, &r->group);
	live_free(r->live);
	return journal;
}

static void begin(void)
{
	strcpy(folder, "/dev/shm/runmark-fuzz-XXXXXX");
	if (facts_new(0, &facts) || !mkdtemp(folder))
		abort();
}

/* An entry's data at out, of a kind that it fits more often than not. Its length. */
static size_t entry_make(struct input *in, uint8_t kind, char *out)
{
	struct live_image_state *state = (void *)out;
	uint8_t who;

	if (kind == JOURNAL_EVENT)
		return event_make(in, take_byte(in), out);
	if (kind == JOURNAL_IMAGE) {
		who = take_byte(in);
		take(in, out, sizeof(*state));
		state->key = (struct live_key){who & 4, who & 3, who >> 3 & 3};
		memset(&state->has_notes, 0, 3);
		state->notes.has_watermark = 0;
		if (who & 0x20) /* else as it comes, mostly refused */
			state->origin %= 4, state->end %= 4, state->notes.build_id_len %= 65;
		return sizeof(*state);
	}
	if (kind == JOURNAL_FILE) {
		struct live_file_state *file = (void *)out;

		memset(file, 0, sizeof(*file));
		who = take_byte(in);
		file->number = who & 3;
		file->file.inode = who >> 2;
		strcpy(out + sizeof(*file), "/file");
		return sizeof(*file) + 5;
	}
	if (kind == JOURNAL_OBJECTS) {
		who = take_byte(in);
		memcpy(out, &(struct live_key){who & 4, who & 3, who >> 3 & 3},
		       sizeof(struct live_key));
		for (uint32_t i = 0; i < 5; i++)
			memcpy(out + sizeof(struct live_key) + 4 * i, &(uint32_t){take_byte(in)},
			       4);
		return sizeof(struct live_key) + (who >> 5) * 3;
	}
	if (kind == JOURNAL_DONE) {
		who = take_byte(in);
		memcpy(out, &(struct live_key){who & 4, who & 3, who >> 3 & 3},
		       sizeof(struct live_key));
		return sizeof(struct live_key);
	}
	if (kind == JOURNAL_GROUP) {
		take(in, out, sizeof(struct group_state));
		((struct group_state *)out)->exit_count %= GROUP_EXITS_MAX + 2;
		return sizeof(struct group_state);
	}
	who = take_byte(in);
	take(in, out, who);
	return who;
}

/* The head of this version's journal, or of one that has to be converted. Its length. */
static size_t head_make(char *out, bool is_other)
{
	size_t len;
	const void *own = layout_own(&len);
	struct {
		char magic[4];
		uint32_t len;
		uint64_t layout;
	} head = {"RMJ2", len, layout_hash() + is_other};

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), own, len);
	return sizeof(head) + ((len + 7) & ~(size_t)7);
}

/* A file of entries that are whole. Its length. */
static size_t entries_make(const uint8_t *data, size_t size, bool is_other, char *out)
{
	static _Alignas(8) char entry[EVENT_SIZE_MAX];
	struct input in = {data, size};
	size_t used = head_make(out, is_other);

	while (in.size && used + EVENT_SIZE_MAX + 16 < MAX_SIZE) {
		uint32_t kind = take_byte(&in) % (JOURNAL_KINDS + 1),
			 len = entry_make(&in, kind, entry), plus = len + 1;

		memcpy(out + used, &plus, sizeof(plus));
		memcpy(out + used + 4, &kind, sizeof(kind));
		memcpy(out + used + 8, entry, len);
		used += 8 + ((len + 7) & ~7U);
	}
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char made[MAX_SIZE];
	struct replayed first, again;
	struct journal *journal;
	char path[128];
	int fd;

	if (!*folder)
		begin();
	snprintf(path, sizeof(path), "%s/journal", folder);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (size && data[0] % 4) {
		memset(made, 0, sizeof(made));
		size = entries_make(data + 1, size - 1, data[0] & 8, made);
		data = (const uint8_t *)made;
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	journal = journal_read(&first);
	if (journal_has_room(journal, 3) && journal_append(journal, 99, "new", 3))
		abort();
	journal_free(journal);
	journal = journal_read(&again);
	/* a made file has zeros behind its end, so nothing but what was appended is told besides */
	if (data == (const uint8_t *)made &&
	    (again.count != first.count + 1 || again.last_kind != 99))
		abort();
	journal_free(journal);
	return 0;
}
