// SPDX-License-Identifier: BSD-2-Clause
/* Field by field, within the limits that events have. */
#include "daemon/preload_event.h"
#include "common/note.h"
#include "daemon/live_image.h"

#include <sys/sysmacros.h>

#define INTERP_MAX     256 /* BINPRM_BUF_SIZE of the kernel */
#define TEXT_OF_SCRIPT 2   /* arguments in which it can stand: behind interpreter and option */
#define NOTE_GNU_TYPE  3   /* NT_GNU_BUILD_ID */
#define TOLD_CPU       UINT32_MAX

static void head_set(struct event *head, enum event_kind kind, size_t size,
		     const struct live_key *key, uint64_t time_ns)
{
	*head = (struct event){.kind = kind,
			       .size = size,
			       .seq = 1, /* of no CPU: no number is kept of it */
			       .cpu = TOLD_CPU,
			       .time_ns = time_ns,
			       .start_ns = key->start_ns,
			       .pid = key->pid,
			       .exec_id = key->exec_id,
			       .traits = TRAIT_TOLD};
}

/* Behind what is there. cut: the flag if it is longer than max. */
static void put(union preload_room *room, struct span *span, struct bytes text, size_t max,
		uint32_t cut)
{
	size_t len = MIN(text.len, max), left = sizeof(*room) - room->head.size;

	if (text.len > max)
		room->head.flags |= cut;
	len = MIN(len, left);
	*span = (struct span){room->head.size, len};
	if (len)
		memcpy(room->bytes + span->off, text.data, len);
	room->head.size = MIN((room->head.size + len + 7) & ~(size_t)7, sizeof(*room));
}

/* --- scripts */

/* The argument of that number without its NUL; empty if there is none. */
static struct bytes argument(struct bytes argv, unsigned int number)
{
	for (unsigned int i = 0; argv.len; i++) {
		size_t len = strnlen(argv.data, argv.len), step = MIN(len + 1, argv.len);

		if (i == number)
			return (struct bytes){argv.data, len};
		argv.data += step;
		argv.len -= step;
	}
	return (struct bytes){};
}

static bool is_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && a.len && !memcmp(a.data, b.data, a.len);
}

static struct bytes last_part(struct bytes path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct bytes){slash + 1, path.data + path.len - slash - 1};
}

struct bytes preload_interpreter(const struct run_read *m)
{
	struct bytes requested = m->requested.text, interp = argument(m->argv.text, 0);

	if (!requested.len || interp.len < 2 || interp.len > INTERP_MAX || *interp.data != '/' ||
	    is_equal(interp, requested) || is_equal(last_part(m->exe.text), last_part(requested)))
		return (struct bytes){};
	for (unsigned int i = 1; i <= TEXT_OF_SCRIPT; i++)
		if (is_equal(argument(m->argv.text, i), requested))
			return interp;
	return (struct bytes){};
}

/* --- control groups */

static unsigned int path_depth(struct bytes path)
{
	unsigned int depth = 0;

	for (size_t i = 0; i + 1 < path.len; i++)
		depth += path.data[i] == '/' && path.data[i + 1] != '/';
	return depth;
}

/* "0::/path" is v2's; "5:memory:/path" one of v1's; "1:name=systemd:/path" is no controller's. */
void preload_cgroups(struct bytes text, struct bytes *ret_v2, struct bytes *ret_v1)
{
	unsigned int deepest = 0;

	*ret_v2 = *ret_v1 = (struct bytes){};
	while (text.len) {
		const char *end = memchr(text.data, '\n', text.len);
		struct bytes line = {text.data, end ? (size_t)(end - text.data) : text.len};
		const char *controllers = memchr(line.data, ':', line.len), *colon = NULL;
		struct bytes path = {};

		text.len -= MIN(line.len + 1, text.len);
		text.data += line.len + (end != NULL);
		if (controllers)
			colon = memchr(controllers + 1, ':',
				       line.data + line.len - controllers - 1);
		if (!colon)
			continue;
		path = (struct bytes){colon + 1, line.data + line.len - colon - 1};
		if (colon == controllers + 1) {
			*ret_v2 = path;
		} else if (path_depth(path) > deepest &&
			   (colon - controllers < 6 || memcmp(controllers + 1, "name=", 5))) {
			deepest = path_depth(path);
			*ret_v1 = path;
		}
	}
}

/* --- events */

static void file_set(const struct run_read *m, struct event_file *ret)
{
	const struct run_file *file = &m->file;

	if (!m->has_file)
		return;
	*ret = (struct event_file){.inode = file->inode,
				   .size = file->size,
				   .mtime_ns = file->mtime_ns,
				   .device = major(file->device) << 20 |
					     (minor(file->device) & 0xfffff),
				   .owner_uid = file->owner_uid};
}

static void usage_set(const struct run_read *m, struct event_exec *e)
{
	const struct run_process *p = &m->process;

	if (!m->has_usage) {
		e->head.traits |= TRAIT_USAGE_UNKNOWN;
		return;
	}
	e->before = (struct event_usage){.user_ns = p->user_ns,
					 .system_ns = p->system_ns,
					 .runtime_ns = p->user_ns + p->system_ns,
					 .read_bytes = p->read_bytes,
					 .write_bytes = p->write_bytes,
					 .minor_faults = p->minor_faults,
					 .major_faults = p->major_faults,
					 .max_rss = p->max_rss};
}

/* /proc/PID/exe of a file that has no name any more. */
static struct bytes exe_path(const struct run_read *m, struct event_exec *e)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	struct bytes exe = m->exe.text;

	if (exe.len > tail && !memcmp(exe.data + exe.len - tail, deleted, tail)) {
		exe.len -= tail;
		e->head.traits |= TRAIT_DELETED;
	}
	return exe;
}

static const struct {
	size_t text; /* offset of the struct run_text */
	uint32_t cut, fault;
} losses[] = {
	{offsetof(struct run_read, exe), EVENT_EXE_CUT, 0},
	{offsetof(struct run_read, cwd), EVENT_CWD_CUT, 0},
	{offsetof(struct run_read, argv), EVENT_ARGV_CUT, EVENT_ARGV_FAULT},
	{offsetof(struct run_read, env), EVENT_ENV_CUT, EVENT_ENV_FAULT},
};

static uint32_t flags_of(const struct run_read *m)
{
	uint32_t flags = m->has_more ? EVENT_OBJECT_FAULT : 0;

	for (size_t i = 0; i < ARRAY_SIZE(losses); i++) {
		const struct run_text *text = (const void *)((const char *)m + losses[i].text);

		if (text->is_cut)
			flags |= losses[i].cut;
		if (text->is_fault || !text->is_there)
			flags |= losses[i].fault;
	}
	return flags;
}

void preload_make_exec(const struct run_read *m, const struct preload_about *about,
		       union preload_room *room)
{
	struct event_exec *e = &room->exec;
	struct bytes v2, v1;

	memset(e, 0, sizeof(*e));
	head_set(&e->head, EVENT_EXEC, sizeof(*e), &about->key, about->time_ns);
	e->head.flags = flags_of(m);
	e->head.traits |= about->traits;
	if (m->process.flags & RUN_PROCESS_COMPAT)
		e->head.traits |= TRAIT_COMPAT;
	e->parent_pid = about->parent.pid;
	e->parent_start_ns = about->parent.start_ns;
	e->parent_exec_id = about->parent.exec_id;
	e->uid = about->uid;
	e->euid = about->euid;
	e->gid = about->gid;
	e->login_uid = about->login_uid;
	e->token = m->random[0];
	e->end_memory = m->end_memory.address ?: m->has_later;
	file_set(m, &e->file);
	usage_set(m, e);
	put(room, &e->exe, exe_path(m, e), PATH_MAX_BYTES, EVENT_EXE_CUT);
	put(room, &e->requested, m->requested.text, PATH_MAX_BYTES, EVENT_REQUESTED_CUT);
	put(room, &e->interp, preload_interpreter(m), INTERP_MAX, EVENT_REQUESTED_CUT);
	put(room, &e->cwd, m->cwd.text, PATH_MAX_BYTES, EVENT_CWD_CUT);
	preload_cgroups(about->cgroup, &v2, &v1);
	if (about->is_cgroup_told)
		e->head.traits |= TRAIT_CGROUP_TOLD;
	put(room, &e->cgroup, v2, CGROUP_MAX_BYTES, EVENT_CGROUP_CUT);
	put(room, &e->cgroup_v1, v1, CGROUP_MAX_BYTES, EVENT_CGROUP_CUT);
	put(room, &e->argv, m->argv.text, ARGV_MAX_BYTES, EVENT_ARGV_CUT);
	put(room, &e->env, m->env.text, ENV_MAX_BYTES, EVENT_ENV_CUT);
}
_Static_assert(sizeof(struct event_exec) + 3 * PATH_MAX_BYTES + INTERP_MAX + 2 * CGROUP_MAX_BYTES +
			       ARGV_MAX_BYTES + ENV_MAX_BYTES + 8 * 8 <=
		       EVENT_MAX_BYTES,
	       "all of a message has room in an event");

/* One ELF note behind what is there; name with its NUL. */
static size_t note_put(char *to, const char *name, uint32_t name_len, uint32_t type,
		       const void *data, uint32_t len)
{
	uint32_t head[3] = {name_len, len, type};
	size_t name_room = (name_len + 3) & ~3u, room = (len + 3) & ~3u;

	memset(to, 0, sizeof(head) + name_room + room);
	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), name, name_len);
	memcpy(to + sizeof(head) + name_room, data, len);
	return sizeof(head) + name_room + room;
}

/* The same as notes, which note_scan() reads. Never empty: that nothing is there is known. */
static size_t notes_make(const struct run_object *object, char to[256])
{
	size_t len = 0;

	if (object->has_watermark)
		len += note_put(to, NOTE_OWNER, sizeof(NOTE_OWNER), NOTE_TYPE, object->watermark,
				sizeof(object->watermark));
	if (object->build_id_len)
		len += note_put(to + len, "GNU", 4, NOTE_GNU_TYPE, object->build_id,
				MIN(object->build_id_len, sizeof(object->build_id)));
	return len ? len : note_put(to, "", 0, 0, "", 0);
}

static void mapping_make(const struct run_object *object, struct bytes path,
			 const struct live_key *key, uint64_t time_ns, union preload_room *room)
{
	struct event_mmap *e = &room->mapping;
	char notes[256];

	memset(e, 0, sizeof(*e));
	head_set(&e->head, EVENT_MMAP, sizeof(*e), key, time_ns);
	put(room, &e->path, path, PATH_MAX_BYTES, EVENT_OBJECT_CUT);
	put(room, &e->notes, (struct bytes){notes, notes_make(object, notes)}, sizeof(notes), 0);
}

/* What it was called, as an absolute path as far as that can be had. */
static struct bytes called_path(const struct run_read *m, char room[2 * PATH_MAX_BYTES])
{
	struct bytes path = m->requested.text, cwd = m->cwd.text;

	if (!path.len || *path.data == '/' || !cwd.len)
		return path;
	if (path.len > 2 && !memcmp(path.data, "./", 2))
		path = (struct bytes){path.data + 2, path.len - 2};
	memcpy(room, cwd.data, cwd.len);
	room[cwd.len] = '/';
	memcpy(room + cwd.len + 1, path.data, MIN(path.len, PATH_MAX_BYTES - 1));
	return (struct bytes){room, cwd.len + 1 + MIN(path.len, PATH_MAX_BYTES - 1)};
}

void preload_make_program(const struct run_read *m, const struct live_key *key, uint64_t time_ns,
			  union preload_room *room)
{
	char text[2 * PATH_MAX_BYTES];
	struct bytes path = {};

	if (path_is_loader(m->exe.text) && !path_is_loader(m->requested.text))
		path = called_path(m, text);
	mapping_make(&m->program, path, key, time_ns, room);
}

void preload_make_object(const struct run_object *object, struct bytes path,
			 const struct live_key *key, uint64_t time_ns, union preload_room *room)
{
	mapping_make(object, path, key, time_ns, room);
	if (path_is_loader(path)) /* the kernel maps it, in exec */
		room->head.traits |= TRAIT_BEFORE_MAIN;
}
