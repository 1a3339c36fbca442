// SPDX-License-Identifier: BSD-2-Clause
/* "incomplete": what of a run could not be had, and why (runmark-records(5)). */
#include "common/record.h"
#include "daemon/live_image.h"
#include "daemon/run_record.h"
#include "daemon/run_values.h"

#include <signal.h>
#include <sys/wait.h>

void incomplete_add_files(cJSON *list, const struct image *image, const char *object_hash)
{
	char text[128];

	if (!*object_hash)
		cJSON_AddItemToArray(list, cJSON_CreateString("objects: too long for a line"));
	if (!image_notes(image)) {
		snprintf(text, sizeof(text), "exe.build_id: %s",
			 image->program && image->program->why ? image->program->why : "not known");
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
	if (image->user && image->user->state == FACT_UNKNOWN && !*image->user->user) {
		snprintf(text, sizeof(text), "user: %s", image->user->why);
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
	for (uint32_t i = 0; i < image->object_count; i++) {
		if (image->objects[i]->state == FACT_KNOWN)
			continue;
		snprintf(text, sizeof(text), "objects: build-id of one not known: %s",
			 image->objects[i]->why ? image->objects[i]->why : "not looked up in time");
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
		break;
	}
}

static bool has_no_exec(const struct image *image)
{
	return image->s.exec_unseen && image->s.end != END_EXIT;
}

static bool ended_before_exec(const struct image *image)
{
	return image->s.exec_unseen && image->s.end == END_EXIT;
}

static bool is_scanned(const struct image *image)
{
	return image->s.origin == ORIGIN_SCAN;
}

/* Traits of its exec. */
static bool argv_is_scrubbed(const struct image *image)
{
	return image->exec && (image->exec->head.traits & TRAIT_ARGV_SCRUBBED);
}

static bool argv_is_dropped(const struct image *image)
{
	return image->exec && (image->exec->head.traits & TRAIT_ARGV_DROPPED);
}

/* What would be read of it when it has ended is no more than it says itself. */
static bool cgroup_is_told(const struct image *image)
{
	return image->exec && (image->exec->head.traits & TRAIT_CGROUP_TOLD) &&
	       image_cgroup(image).len;
}

static bool has_no_cgroup(const struct image *image)
{
	return image->exec && (image->exec->head.traits & TRAIT_CGROUP_TOLD) &&
	       !image_cgroup(image).len;
}

/* Its module tells of the program, and the loader hides itself from it. */
static bool is_behind_loader(const struct image *image)
{
	return image_is_told(image) && image->s.by_loader;
}

static bool size_is_over(const struct image *image)
{
	return image->exec && image->exec->file.size > RECORD_NUMBER_MAX;
}

static bool mtime_is_over(const struct image *image)
{
	return image->exec && image->exec->file.mtime_ns >= RECORD_TIME_MAX;
}

static bool has_no_fstype(const struct image *image)
{
	return image_is_told(image) && image->s.origin != ORIGIN_SCAN && image->exec &&
	       !*image->exec->file.fstype;
}

static bool is_trimmed(const struct image *image)
{
	return image->s.is_trimmed;
}

static bool lacks_objects(const struct image *image)
{
	return image->s.lacks_objects;
}

static bool has_objects_of_begin(const struct image *image)
{
	return image_is_told(image) && !image->s.lacks_objects &&
	       (image->s.end == END_EXIT
			? (image->s.traits & TRAIT_OBJECTS_BEGIN)
			: image->s.end != END_NONE && image->exec && image->exec->end_memory);
}

static bool has_no_end(const struct image *image)
{
	return image->s.end == END_UNSEEN;
}

static bool has_no_status(const struct image *image)
{
	return image->s.end == END_EXIT && (image->s.traits & TRAIT_STATUS_UNKNOWN) &&
	       !(image->s.traits & TRAIT_TOLD_END);
}

static bool is_followed(const struct image *image)
{
	return image->s.end == END_EXIT && (image->s.traits & TRAIT_FOLLOWED);
}

/* Only the kernel side sees whom the kernel chose when memory was short. */
static bool has_no_oom(const struct image *image)
{
	return image->s.end == END_EXIT && image_is_told(image) &&
	       !(image->s.traits & TRAIT_STATUS_UNKNOWN) &&
	       WTERMSIG(image->s.wait_status) == SIGKILL;
}

static bool called_exit(const struct image *image)
{
	return image->s.end == END_EXIT && (image->s.traits & TRAIT_STATUS_UNKNOWN) &&
	       (image->s.traits & TRAIT_TOLD_END);
}

static bool has_no_usage(const struct image *image)
{
	return (image->s.end == END_EXIT || image->s.end == END_EXEC) && !image->s.has_usage;
}

static bool rss_is_hidden(const struct image *image)
{
	return image->s.has_usage && !run_rss_is_own(image) && !image_is_told(image);
}

static bool rss_is_unknown(const struct image *image)
{
	return image->s.has_usage && !run_rss_is_own(image) && image_is_told(image);
}

static bool has_no_io(const struct image *image)
{
	return image->s.has_usage && (image->s.traits & TRAIT_USAGE_TIMES);
}

static bool has_no_forks(const struct image *image)
{
	return image->s.has_usage && !run_value_is_known(image, RUN_FORKS);
}

static bool has_usage_of_process(const struct image *image)
{
	return image->s.has_usage && image->s.usage_of_process;
}

static bool lacks_copy(const struct image *image)
{
	return image->s.has_usage && image->s.copy_unseen;
}

struct reason {
	bool (*is_so)(const struct image *image);
	const char *text;
};

/* What a group's members share. */
static const struct reason of_group[] = {
	{is_behind_loader, "exe.device: not known, nor what else is of its file"},
	{is_behind_loader, "argv: without its loader's"},
	{has_no_fstype, "exe.fstype: not told by the module"},
	{size_is_over, "exe.size: more than a record holds"},
	{mtime_is_over, "exe.mtime: no year from 1970 to 2261"},
	{cgroup_is_told, "job: its control group is its own word"},
	{has_no_cgroup, "job: its control group is not known"},
	{has_no_forks, "usage.forks: not known, nor what copies used"},
};

static const struct reason of_exec[] = {
	{ended_before_exec, "exe: ended before its exec was told"},
	{has_no_exec, "exe: its exec was not seen"},
	{is_scanned, "start: of the process, since it ran before tracking began"},
};

static const struct reason of_end[] = {
	{argv_is_scrubbed, "argv: secrets replaced"},
	{argv_is_dropped, "argv: not kept by configuration"},
	{is_trimmed, "argv: cut, since too much was live"},
	{is_trimmed, "env: not kept, since too much was live"},
	{lacks_objects, "objects: not all were kept, since too much was live"},
	{has_objects_of_begin, "objects: those it opened later are not known"},
	{has_no_end, "end: not seen"},
	{has_no_status, "exit: not known"},
	{is_followed, "exit: of another program that followed, and told nothing"},
	{has_no_oom, "exit.oom: not known"},
	{called_exit, "exit: its status is not known; it ended by itself"},
	{has_no_usage, "usage: not known"},
	{rss_is_hidden, "usage.max_rss: hidden behind an earlier program of the process"},
	{rss_is_unknown, "usage.max_rss: not known"},
	{has_no_io, "usage.read_bytes: not known"},
	{has_no_io, "usage.write_bytes: not known"},
	{has_usage_of_process, "usage: with what the process used before this program"},
	{lacks_copy, "usage: without a copy's whose end was not seen"},
};

static void add_reasons(cJSON *list, const struct image *image, const struct reason *reasons,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (reasons[i].is_so(image))
			cJSON_AddItemToArray(list, cJSON_CreateString(reasons[i].text));
}

void incomplete_add_shared(cJSON *list, const struct image *image)
{
	add_reasons(list, image, of_group, ARRAY_SIZE(of_group));
}

void incomplete_add_value(cJSON *list, enum run_value value, uint64_t number)
{
	char text[80];

	if (run_value_fits(value, number))
		return;
	snprintf(text, sizeof(text), "%s%s: more than a record holds",
		 value == RUN_ELAPSED_US ? "" : "usage.", run_value_name(value));
	cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static void add_values(cJSON *list, const struct image *image)
{
	uint64_t values[RUN_VALUES];

	run_values(image, values);
	for (enum run_value i = RUN_USER_US; image->s.has_usage && i < RUN_VALUES; i++)
		if (run_value_is_known(image, i))
			incomplete_add_value(list, i, values[i]);
}

bool incomplete_json_add(cJSON *record, const struct image *image, const char *object_hash)
{
	cJSON *list = cJSON_AddArrayToObject(record, "incomplete");

	if (!list)
		return false;
	incomplete_add_shared(list, image);
	add_reasons(list, image, of_exec, ARRAY_SIZE(of_exec));
	for (unsigned int bit = 0; bit < EVENT_FLAG_BITS; bit++)
		if (image->s.flags & (1u << bit))
			cJSON_AddItemToArray(list, cJSON_CreateString(event_flag_text(bit)));
	add_reasons(list, image, of_end, ARRAY_SIZE(of_end));
	add_values(list, image);
	incomplete_add_files(list, image, object_hash);
	return true;
}
