// SPDX-License-Identifier: BSD-2-Clause
/* The run record, field by field (runmark-records(5), schema/run.schema.json). */
#include "daemon/run_record.h"
#include "common/array.h"
#include "common/job.h"
#include "common/record.h"
#include "common/text.h"
#include "daemon/live_image.h"
#include "daemon/run_values.h"

#include <errno.h>

static struct bytes exec_bytes(const struct image *image, struct span span)
{
	return event_bytes(&image->exec->head, span);
}

/* NULL where it isn't known. */
static struct bytes exec_text(const struct image *image, size_t span_offset)
{
	struct span span;

	if (!image->exec)
		return (struct bytes){NULL, 0};
	memcpy(&span, (const char *)image->exec + span_offset, sizeof(span));
	return span.len ? exec_bytes(image, span) : (struct bytes){NULL, 0};
}
#define EXEC_TEXT(image, member) exec_text(image, offsetof(struct event_exec, member))

static bool add_build_id(cJSON *object, const struct note_ids *notes)
{
	char hex[2 * NOTE_BUILD_ID_MAX + 1];

	if (!notes->build_id_len)
		return record_add_null(object, "build_id");
	return cJSON_AddStringToObject(object, "build_id",
				       text_to_hex(notes->build_id, notes->build_id_len, hex));
}

static bool add_device(cJSON *object, const struct event_file *file)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", file->device >> 20, file->device & 0xfffff);
	return cJSON_AddStringToObject(object, "device", text) &&
	       record_add_u64(object, "inode", file->inode);
}

const struct note_ids *image_notes(const struct image *image)
{
	if (image->s.has_notes)
		return &image->s.notes;
	if (image->program && image->program->state == FACT_KNOWN)
		return &image->program->notes;
	return NULL;
}

bool exe_json_add(cJSON *record, const struct image *image, bool with_requested)
{
	static const struct note_ids none;
	const struct note_ids *notes = image_notes(image);
	const struct event_exec *e = image->exec;
	cJSON *exe = cJSON_AddObjectToObject(record, "exe");
	bool stamped = notes && note_is_stamped(notes);
	const char *state = !notes		   ? "unknown"
			    : stamped		   ? "stamped"
			    : notes->has_watermark ? "unstamped"
						   : "none";

	if (!exe || !record_add_text(exe, "path", EXEC_TEXT(image, exe)) ||
	    !record_add_text(exe, "requested",
			     with_requested ? EXEC_TEXT(image, requested)
					    : (struct bytes){NULL, 0}) ||
	    !add_build_id(exe, notes ? notes : &none) ||
	    !record_add_uuid(exe, "watermark", stamped ? notes->watermark : NULL) ||
	    !cJSON_AddStringToObject(exe, "watermark_state", state))
		return false;
	if (!e)
		return true;
	if (e->file.inode ? !add_device(exe, &e->file)
			  : !record_add_null(exe, "device") || !record_add_null(exe, "inode"))
		return false;
	if (!*e->file.fstype && !(image_is_told(image) && e->file.mtime_ns))
		/* of what ran before tracking began, these are not known */
		return record_add_null(exe, "fstype") && record_add_null(exe, "owner_uid") &&
		       record_add_null(exe, "size") && record_add_null(exe, "mtime");
	return record_add_text(exe, "fstype", bytes_of(*e->file.fstype ? e->file.fstype : NULL)) &&
	       record_add_number(exe, "owner_uid", e->file.owner_uid) &&
	       record_add_number(exe, "size", e->file.size) &&
	       record_add_time(exe, "mtime", e->file.mtime_ns);
}

bool script_json_add(cJSON *record, const struct image *image)
{
	char room[SCRIPT_PATH_MAX];
	bool is_known;
	struct bytes path = image_script_path(image, room, &is_known);
	cJSON *script;

	if (!path.len)
		return record_add_null(record, "script");
	script = cJSON_AddObjectToObject(record, "script");
	return script && record_add_text(script, "path", path);
}

/* NUL-separated strings of which the last one may lack its NUL. Number; *ret is freed by the
 * caller. */
static ssize_t split(struct bytes data, struct bytes **ret)
{
	_cleanup_free_ struct bytes *items = NULL;
	size_t count = 0, size = 0;

	while (data.len) {
		struct bytes *bigger = array_grow(items, count, &size, sizeof(*items));
		size_t len = strnlen(data.data, data.len);

		if (!bigger)
			return -1;
		items = bigger;
		items[count++] = (struct bytes){data.data, len};
		len = MIN(len + 1, data.len);
		data.data += len;
		data.len -= len;
	}
	*ret = TAKE_PTR(items);
	return count;
}

static bool add_argv(cJSON *record, const struct image *image)
{
	_cleanup_free_ struct bytes *items = NULL;
	ssize_t count;

	if (!image->exec || (image->s.flags & EVENT_ARGV_FAULT))
		return record_add_null(record, "argv");
	count = split(exec_bytes(image, image->exec->argv), &items);
	return count >= 0 && record_add_texts(record, "argv", items, count);
}

static bool add_exit(cJSON *record, const struct node *node, const struct image *image)
{
	struct live_key next = image->s.key;
	uuid_t id;

	if (image->s.end == END_EXEC) {
		next.exec_id++;
		node_run_id(node, &next, id);
		return record_add_null(record, "exit") &&
		       record_add_uuid(record, "next_run_id", id);
	}
	if (image->s.end != END_EXIT || (image->s.traits & TRAIT_STATUS_UNKNOWN))
		return record_add_null(record, "exit");
	return exit_json_add(record, image->s.wait_status, image->s.traits & TRAIT_OOM);
}

static bool add_usage(cJSON *record, const struct image *image)
{
	uint64_t values[RUN_VALUES];
	cJSON *usage;

	if (!image->s.has_usage)
		return record_add_null(record, "usage");
	usage = cJSON_AddObjectToObject(record, "usage");
	run_values(image, values);
	for (enum run_value i = RUN_USER_US; usage && i < RUN_VALUES; i++)
		if (!run_value_is_known(image, i) || !run_value_fits(i, values[i])
			    ? !record_add_null(usage, run_value_name(i))
			    : !record_add_number(usage, run_value_name(i),
						 run_value_shown(i, values[i])))
			return false;
	return usage;
}

static bool add_times(cJSON *record, const struct image *image)
{
	uint64_t elapsed =
		image->s.end_ns > image->s.begin_ns ? image->s.end_ns - image->s.begin_ns : 0;
	uint64_t values[RUN_VALUES];

	if (!record_add_time(record, "start", image->s.begin_unix_ns))
		return false;
	if (image->s.end == END_UNSEEN || image->s.end == END_NONE)
		return record_add_null(record, "end") && record_add_null(record, "elapsed_s");
	run_values(image, values);
	return record_add_time(record, "end", image->s.begin_unix_ns + elapsed) &&
	       record_add_number(record, "elapsed_s",
				 run_value_shown(RUN_ELAPSED_US, values[RUN_ELAPSED_US]));
}

static bool add_number_if(cJSON *record, const char *name, bool is_known, double number)
{
	return is_known ? record_add_number(record, name, number) : record_add_null(record, name);
}

static bool add_ids(cJSON *record, const struct node *node, const struct image *image)
{
	const struct event_exec *e = image->exec;
	uuid_t id;

	if (!record_add_number(record, "pid", image->s.key.pid) ||
	    !add_number_if(record, "ppid", image->s.ppid, image->s.ppid))
		return false;
	node_run_id(node, &image->s.parent, id);
	if (!record_add_uuid(record, "parent_run_id", image->s.parent.pid ? id : NULL) ||
	    !add_number_if(record, "uid", image->s.uid != (uint32_t)-1, image->s.uid) ||
	    !add_number_if(record, "euid", e, e ? e->euid : 0) ||
	    !add_number_if(record, "gid", e, e ? e->gid : 0) ||
	    !add_number_if(record, "login_uid", e && e->login_uid != (uint32_t)-1,
			   e ? e->login_uid : 0))
		return false;
	return record_add_text(
		record, "user",
		bytes_of(image->user && *image->user->user ? image->user->user : NULL));
}

const char *run_source(const struct image *image)
{
	return image_is_told(image) ? "preload" : "bpf";
}

static cJSON *record_of(const char *schema, const struct node *node, const struct image *image,
			const char *object_hash, const char *env_hash)
{
	static const char *const origins[] = {"exec", "fork", "scan"};
	cJSON *record = cJSON_CreateObject();
	struct job job;
	uuid_t id;

	(void)image_job(image, &job);
	node_run_id(node, &image->s.key, id);
	if (!record || !cJSON_AddStringToObject(record, "schema", schema) ||
	    !record_add_uuid(record, "run_id", id) ||
	    !cJSON_AddStringToObject(record, "host", node->host) ||
	    !cJSON_AddStringToObject(record, "cluster", node->cluster) ||
	    !cJSON_AddStringToObject(record, "boot_id", node->boot_id) ||
	    !cJSON_AddStringToObject(record, "source", run_source(image)) ||
	    !cJSON_AddStringToObject(record, "origin", origins[image->s.origin]) ||
	    !job_json_add(record, &job, image_cgroup(image)) ||
	    !record_add_text(record, "cgroup", image_cgroup(image)) ||
	    !container_json_add(record, &job, image) || !namespaces_json_add(record, image) ||
	    !add_ids(record, node, image) || !exe_json_add(record, image, true) ||
	    !script_json_add(record, image) || !add_argv(record, image) ||
	    !record_add_text(record, "cwd", EXEC_TEXT(image, cwd)) ||
	    !json_add_or_null(record, "env_set", env_hash) ||
	    !json_add_or_null(record, "object_set", object_hash) || !add_times(record, image) ||
	    !add_exit(record, node, image) || !add_usage(record, image) ||
	    !mpi_json_add(record, image, &job) ||
	    !incomplete_json_add(record, image, object_hash)) {
		cJSON_Delete(record);
		return NULL;
	}
	return record;
}

cJSON *run_record(const struct node *node, const struct image *image, const char *object_hash,
		  const char *env_hash)
{
	return record_of(RECORD_SCHEMA("run"), node, image, object_hash, env_hash);
}

cJSON *start_record(const struct node *node, const struct image *image, const char *object_hash,
		    const char *env_hash)
{
	return record_of(RECORD_SCHEMA("start"), node, image, object_hash, env_hash);
}
