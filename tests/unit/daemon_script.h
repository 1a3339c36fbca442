/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lives of processes in short, for tests of the live table. A script is words, each an event one
 * millisecond after the one before:
 *
 *	F7.1>8	process 7, in its image 1, forks 8	E7.2	7 execs its image 2
 *	M7.2a	7 maps object a (p: its program)	S7.2	the scan of /proc tells of it
 *	X7.2	7 ends			E7.2<5.1	5, in its image 1, is 7's parent (of an X
 *too)
 *
 * Process 7' has 7's pid and another start. What an exit has used is 1000 ns, before an exec 10;
 * of e and x, which are E and X without the kernel side's state, this is since the fork.
 */
#pragma once

#include "daemon/live.h"
#include "daemon/live_image.h"
#include "tests/unit/daemon_events.h"

#include <ctype.h>

#define SCRIPT_MS NS_PER_MS
#define INODE_P	  77 /* of the program, as event_make_exec() has it */

struct script_word {
	char kind, object;
	struct live_key key, child;
};

static inline const char *script_key(const char *at, struct live_key *key)
{
	char *end;

	key->pid = strtoul(at, &end, 10);
	key->start_ns = key->pid * 1000;
	for (; *end == '\''; end++)
		key->start_ns++;
	key->exec_id = 0;
	if (*end == '.')
		key->exec_id = strtoul(end + 1, &end, 10);
	return end;
}

/* The word at *at, which goes to the next; false at the end. */
static inline bool script_next(const char **at, struct script_word *word)
{
	*at += strspn(*at, " ");
	if (!**at)
		return false;
	*word = (struct script_word){.kind = *(*at)++};
	*at = script_key(*at, &word->key);
	if (word->kind == 'F' || *(*at) == '<')
		*at = script_key(*at + 1, &word->child);
	if (islower((unsigned char)**at))
		word->object = *(*at)++;
	return true;
}

static inline struct event script_head(const struct live_key *key, unsigned int ms)
{
	return (struct event){.time_ns = ms * SCRIPT_MS,
			      .start_ns = key->start_ns,
			      .pid = key->pid,
			      .exec_id = key->exec_id,
			      .seq = ms,
			      .cpu = ms % 3};
}

/* The word's event, of that time. */
static inline void script_event(const struct script_word *word, unsigned int ms,
				union event_room *room)
{
	struct event head = script_head(&word->key, ms);
	char path[] = "/lib/?.so";

	switch (word->kind) {
	case 'E':
	case 'e':
	case 'S':
		event_make_exec(room, &head, &(struct exec_texts){.env = bytes_of("OMP_X=1")});
		room->exec.before = (struct event_usage){.runtime_ns = 10};
		room->exec.parent_pid = word->child.pid;
		room->exec.parent_start_ns = word->child.start_ns;
		room->exec.parent_exec_id = word->child.exec_id;
		if (word->kind == 'S')
			room->head.traits |= TRAIT_SCANNED;
		if (word->kind == 'E')
			room->head.traits |= TRAIT_HAD_STATE;
		break;
	case 'F':
		head = script_head(&word->child, ms);
		room->fork = (struct event_fork){.head = head,
						 .parent_start_ns = word->key.start_ns,
						 .parent_pid = word->key.pid,
						 .parent_exec_id = word->key.exec_id};
		room->head.exec_id = word->key.exec_id;
		room->head.kind = EVENT_FORK;
		room->head.size = sizeof(room->fork);
		break;
	case 'M':
		path[5] = word->object;
		event_make_mmap(room, &head, word->object == 'p' ? INODE_P : word->object + 1000,
				bytes_of(path));
		break;
	default:
		event_make_exit(room, &head, 3 << 8);
		room->exit.usage = (struct event_usage){.runtime_ns = 1000};
		room->exit.parent_pid = word->child.pid;
		room->exit.parent_start_ns = word->child.start_ns;
		room->exit.parent_exec_id = word->child.exec_id;
		if (word->kind == 'X')
			room->head.traits |= TRAIT_HAD_STATE;
	}
}

/* Words [from, to) of the script. */
static inline void script_apply(struct live *live, const char *script, unsigned int from,
				unsigned int to)
{
	static union event_room room;
	struct script_word word;

	for (unsigned int i = 0; i < to && script_next(&script, &word); i++) {
		const struct event *event;

		if (i < from)
			continue;
		script_event(&word, i + 1, &room);
		if (event_check((struct bytes){room.bytes, room.head.size}, &event))
			abort();
		live_apply(live, event, word.kind == 'S');
	}
}

static inline unsigned int script_length(const char *script)
{
	struct script_word word;
	unsigned int count = 0;

	while (script_next(&script, &word))
		count++;
	return count;
}
