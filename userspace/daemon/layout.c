// SPDX-License-Identifier: BSD-2-Clause
/* Structs of another version, by their BTF. Nothing of that is trusted: every place is checked
 * against the data's length before it is read. */
#include "daemon/layout.h"
#include "daemon/event.h"
#include "layout.skel.h"

#include <bpf/btf.h>
#include <errno.h>
#include <xxhash.h>

#define DEPTH_MAX 8 /* of structs in structs */

struct layout {
	struct btf *btf;
};

/* This version's, parsed once. */
static const struct btf *own_btf(void)
{
	static struct bpf_object *object;
	size_t len;

	if (!object) {
		const void *elf = layout_bpf__elf_bytes(&len);

		object = bpf_object__open_mem(elf, len, NULL);
	}
	return object ? bpf_object__btf(object) : NULL;
}

const void *layout_own(size_t *ret_len)
{
	const struct btf *btf = own_btf();
	__u32 len = 0;
	const void *data = btf ? btf__raw_data(btf, &len) : NULL;

	*ret_len = data ? len : 0;
	return data;
}

uint64_t layout_hash(void)
{
	size_t len;
	const void *data = layout_own(&len);

	return (data ? XXH3_64bits_withSeed(data, len, LAYOUT_MEANING) : 0) | 1;
}

int layout_new(struct bytes btf, struct layout **ret)
{
	struct layout *layout;
	struct btf *parsed;

	if (!btf.len || btf.len > LAYOUT_BYTES_MAX)
		return -EINVAL;
	parsed = btf__new(btf.data, btf.len);
	if (!parsed)
		return -EINVAL;
	layout = malloc(sizeof(*layout));
	if (!layout) {
		btf__free(parsed);
		return -ENOMEM;
	}
	layout->btf = parsed;
	*ret = layout;
	return 0;
}

void layout_free(struct layout *layout)
{
	if (layout)
		btf__free(layout->btf);
	free(layout);
}

/* The type behind names and qualifiers, or NULL. */
static const struct btf_type *type_of(const struct btf *btf, uint32_t id)
{
	int resolved = btf__resolve_type(btf, id);

	return resolved < 0 ? NULL : btf__type_by_id(btf, resolved);
}

static const struct btf_type *struct_named(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return id < 0 ? NULL : btf__type_by_id(btf, id);
}

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_any_enum(type);
}

/* A struct that both versions have, or a part of one. */
struct place {
	const struct btf *btf;
	const struct btf_type *type;
	size_t offset; /* from the data's first byte */
};

static const struct btf_member *member_named(const struct place *place, const char *name)
{
	const struct btf_member *member = btf_members(place->type);

	for (uint16_t i = 0; i < btf_vlen(place->type); i++, member++) {
		const char *other = btf__name_by_offset(place->btf, member->name_off);

		if (other && !strcmp(other, name))
			return member;
	}
	return NULL;
}

static bool member_place(const struct place *in, const struct btf_member *member, struct place *ret)
{
	*ret = (struct place){in->btf, type_of(in->btf, member->type),
			      in->offset + member->offset / 8};
	/* a bit field's offset holds its size too */
	return ret->type && !btf_kflag(in->type);
}

static bool number_convert(const struct place *from, struct bytes data, const struct place *to,
			   char *out, size_t size)
{
	size_t theirs = from->type->size, ours = to->type->size;
	bool is_signed = btf_is_int(from->type) && (btf_int_encoding(from->type) & BTF_INT_SIGNED);
	uint64_t value = 0;

	if (!theirs || theirs > sizeof(value) || ours > sizeof(value) || theirs > data.len ||
	    from->offset > data.len - theirs || to->offset > size - ours)
		return false;
	memcpy(&value, data.data + from->offset, theirs);
	if (is_signed && theirs < sizeof(value) && value >> (8 * theirs - 1))
		value |= ~0ULL << (8 * theirs);
	memcpy(out + to->offset, &value, ours);
	return true;
}

static bool place_convert(const struct place *from, struct bytes data, const struct place *to,
			  char *out, size_t size, int depth);

static bool array_convert(const struct place *from, struct bytes data, const struct place *to,
			  char *out, size_t size, int depth)
{
	const struct btf_array *theirs = btf_array(from->type), *ours = btf_array(to->type);
	struct place a = {from->btf, type_of(from->btf, theirs->type), from->offset};
	struct place b = {to->btf, type_of(to->btf, ours->type), to->offset};
	int64_t step_a = btf__resolve_size(from->btf, theirs->type);
	int64_t step_b = btf__resolve_size(to->btf, ours->type);

	if (!a.type || !b.type || step_a <= 0 || step_b <= 0)
		return false;
	for (uint32_t i = 0; i < MIN(theirs->nelems, ours->nelems); i++) {
		if (!place_convert(&a, data, &b, out, size, depth))
			return false;
		a.offset += step_a;
		b.offset += step_b;
	}
	return true;
}

/* Members that both have. What changed its kind is as good as not there. */
static bool struct_convert(const struct place *from, struct bytes data, const struct place *to,
			   char *out, size_t size, int depth)
{
	const struct btf_member *member = btf_members(to->type);

	for (uint16_t i = 0; i < btf_vlen(to->type); i++, member++) {
		const char *name = btf__name_by_offset(to->btf, member->name_off);
		const struct btf_member *theirs = name ? member_named(from, name) : NULL;
		struct place a, b;

		if (!theirs || !member_place(from, theirs, &a) || !member_place(to, member, &b))
			continue;
		if (!place_convert(&a, data, &b, out, size, depth))
			return false;
	}
	return true;
}

static bool place_convert(const struct place *from, struct bytes data, const struct place *to,
			  char *out, size_t size, int depth)
{
	if (depth > DEPTH_MAX)
		return false;
	if (is_number(from->type) && is_number(to->type))
		return number_convert(from, data, to, out, size);
	if (btf_is_array(from->type) && btf_is_array(to->type))
		return array_convert(from, data, to, out, size, depth + 1);
	if (btf_is_struct(from->type) && btf_is_struct(to->type))
		return struct_convert(from, data, to, out, size, depth + 1);
	return true;
}

size_t layout_size(const struct layout *layout, const char *name)
{
	const struct btf *btf = layout ? layout->btf : own_btf();
	const struct btf_type *type = btf ? struct_named(btf, name) : NULL;

	return type ? type->size : 0;
}

int layout_struct(const struct layout *layout, const char *name, struct bytes data, void *out,
		  size_t size)
{
	struct place from = {layout->btf, struct_named(layout->btf, name), 0};
	struct place to = {own_btf(), own_btf() ? struct_named(own_btf(), name) : NULL, 0};

	if (!from.type || !to.type)
		return -ENOENT;
	if (to.type->size != size || data.len < from.type->size)
		return -EINVAL;
	memset(out, 0, size);
	data.len = from.type->size;
	return place_convert(&from, data, &to, out, size, 0) ? 0 : -EINVAL;
}

static bool place_is_same(const struct place *a, const struct place *b, int depth)
{
	const struct btf_member *member;

	if (depth > DEPTH_MAX || a->offset != b->offset || btf_kind(a->type) != btf_kind(b->type))
		return false;
	if (btf_is_array(a->type)) {
		const struct btf_array *x = btf_array(a->type), *y = btf_array(b->type);
		struct place ax = {a->btf, type_of(a->btf, x->type), 0};
		struct place by = {b->btf, type_of(b->btf, y->type), 0};

		return x->nelems == y->nelems && ax.type && by.type &&
		       place_is_same(&ax, &by, depth + 1);
	}
	if (a->type->size != b->type->size)
		return false;
	if (!btf_is_struct(a->type))
		return true;
	if (btf_vlen(a->type) != btf_vlen(b->type))
		return false;
	member = btf_members(b->type);
	for (uint16_t i = 0; i < btf_vlen(b->type); i++, member++) {
		const char *name = btf__name_by_offset(b->btf, member->name_off);
		const struct btf_member *theirs = name ? member_named(a, name) : NULL;
		struct place x, y;

		if (!theirs || !member_place(a, theirs, &x) || !member_place(b, member, &y) ||
		    !place_is_same(&x, &y, depth + 1))
			return false;
	}
	return true;
}

bool layout_is_same(const struct layout *layout, const char *name)
{
	struct place a = {layout->btf, struct_named(layout->btf, name), 0};
	struct place b = {own_btf(), own_btf() ? struct_named(own_btf(), name) : NULL, 0};

	return a.type && b.type && place_is_same(&a, &b, 0);
}

#define SPANS_MAX 16

struct span_place {
	struct span span;
	size_t offset; /* of it in the event */
};

/* The event's spans in the order of their bytes. Number of them. */
static size_t spans_find(const struct btf_type *type, const char *event,
			 struct span_place ret[SPANS_MAX])
{
	const struct btf_member *member = btf_members(type);
	struct place in = {own_btf(), type, 0}, place;
	size_t count = 0;

	for (uint16_t i = 0; i < btf_vlen(type) && count < SPANS_MAX; i++, member++) {
		struct span_place found;
		const char *name;
		size_t at = count;

		if (!member_place(&in, member, &place) || !btf_is_struct(place.type))
			continue;
		name = btf__name_by_offset(in.btf, place.type->name_off);
		if (!name || strcmp(name, "span"))
			continue;
		found.offset = place.offset;
		memcpy(&found.span, event + place.offset, sizeof(found.span));
		for (; at && ret[at - 1].span.off > found.span.off; at--)
			ret[at] = ret[at - 1];
		ret[at] = found;
		count++;
	}
	return count;
}

/* The bytes of each span of the event at out, which still says where they are in data, behind it.
 */
static int spans_move(const struct btf_type *type, struct bytes data, char *out)
{
	struct event *event = (void *)out;
	struct span_place spans[SPANS_MAX];
	size_t count = spans_find(type, out, spans);

	for (size_t i = 0; i < count; i++) {
		struct span span = spans[i].span;

		if (span.off > data.len || span.len > data.len - span.off)
			return -EINVAL;
		if (span.len > EVENT_MAX_BYTES - event->size) { /* ours is a few bytes longer */
			span.len = EVENT_MAX_BYTES - event->size;
			event->flags |= EVENT_ENV_CUT; /* the last span */
		}
		memcpy(out + event->size, data.data + span.off, span.len);
		span.off = event->size;
		memcpy(out + spans[i].offset, &span, sizeof(span));
		event->size = MIN((event->size + span.len + 7) & ~7U, (uint32_t)EVENT_MAX_BYTES);
	}
	return 0;
}

int layout_event(const struct layout *layout, struct bytes data, void *out)
{
	static const char *const structs[EVENT_KINDS] = {
		[EVENT_EXEC] = "event_exec",
		[EVENT_FORK] = "event_fork",
		[EVENT_MMAP] = "event_mmap",
		[EVENT_EXIT] = "event_exit",
	};
	const struct btf_type *type;
	const struct event *checked;
	struct event head, *event = out;
	int r = layout_struct(layout, "event", data, &head, sizeof(head));

	if (r)
		return -EINVAL;
	if (head.kind >= EVENT_KINDS || !structs[head.kind] || head.size > data.len)
		return -EINVAL;
	data.len = head.size;
	type = own_btf() ? struct_named(own_btf(), structs[head.kind]) : NULL;
	if (!type || type->size > EVENT_MAX_BYTES)
		return -EINVAL;
	r = layout_struct(layout, structs[head.kind], data, out, type->size);
	if (r)
		return -EINVAL;
	event->size = type->size;
	r = spans_move(type, data, out);
	return r ? r : event_check((struct bytes){out, event->size}, &checked);
}
