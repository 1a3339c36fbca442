// SPDX-License-Identifier: BSD-2-Clause
/* When all that is looked up for an image is final: only then may another thread read it. */
#include "daemon/live_image.h"
#include "daemon/tracker_state.h"

static bool image_is_ready(const struct image *image)
{
	if (fact_is_open(image->program) || fact_is_open(image->user))
		return false;
	for (uint32_t i = 0; i < image->object_count; i++)
		if (fact_is_open(image->objects[i]))
			return false;
	return true;
}

/* The writer reads facts on its own thread: none of them may change any more. */
static void image_give_up(struct tracker *t, struct image *image)
{
	struct fact **facts[] = {&image->program, &image->user};

	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (fact_is_open(*facts[i]))
			*facts[i] = facts_give_up(t->facts, *facts[i]);
	for (uint32_t i = 0; i < image->object_count; i++) {
		if (!fact_is_open(image->objects[i]))
			continue;
		image->objects[i] = facts_give_up(t->facts, image->objects[i]);
		if (!image->objects[i]) {
			image->objects[i--] = image->objects[--image->object_count];
			image->s.flags |= EVENT_OBJECT_FAULT;
		}
	}
}

bool tracker_image_settle(struct tracker *t, struct image *image, uint64_t deadline_ns,
			  uint64_t now_ns)
{
	if (!image_is_ready(image) && now_ns < deadline_ns)
		return false;
	if (!image_is_ready(image))
		image_give_up(t, image);
	image_drop_doubles(image, t->facts);
	return true;
}
