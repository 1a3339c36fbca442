// SPDX-License-Identifier: BSD-2-Clause
/* What keeps the table within bounds of time and memory. */
#include "daemon/live_image.h"
#include "daemon/live_table.h"

void image_is_new(struct live *l, struct image *image)
{
	image->is_young = true;
	TAILQ_INSERT_TAIL(&l->young, image, young);
}

void image_grow_up(struct live *l, struct image *image)
{
	if (image->is_young)
		TAILQ_REMOVE(&l->young, image, young);
	image->is_young = false;
}

/* While it runs: objects that could not be looked at are asked for again. Whoever asked first may
 * have been gone by then. */
static void image_ask_again(struct image *image, struct facts *facts)
{
	for (uint32_t i = 0; i < image->object_count; i++) {
		struct fact *old = image->objects[i], *fact;

		if (old->state != FACT_UNKNOWN)
			continue;
		fact = facts_file(facts, &old->file, (struct bytes){old->path, old->path_len},
				  image->s.key.pid, image->s.parent.pid);
		if (!fact)
			continue;
		image->objects[i] = fact;
		facts_release(facts, old);
	}
}

void live_look(struct live *l, uint64_t now_ns)
{
	struct image *image;

	while ((image = TAILQ_FIRST(&l->young)) && image->s.begin_ns + LIVE_YOUNG_NS <= now_ns) {
		image_grow_up(l, image);
		image_ask_missing(image, l->facts);
		image_ask_again(image, l->facts);
	}
}
