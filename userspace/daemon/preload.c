// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a message to the process and the image that it is of. A number of a process may be used
 * again, messages may come late or twice, and any of them may lie about all but its sender: so a
 * process is one that the kernel shows, or the one that we know of that number, and an image is new
 * by its token.
 */
#include "daemon/preload_state.h"

#include <errno.h>
#include <signal.h>

#define EXEC_ID_FIRST 0x40000000u /* far from what the kernel counts: it is not known how often */
#define OPTED_OUT     "RUNMARK_TRACKING=no"

/* One message on its way. */
struct taking {
	struct run_read message;
	uint32_t pid, uid, gid;
	uint64_t now_ns;
	uint64_t start_ns; /* as a file tells; 0: not known */
	struct told *told; /* its process, if it is known; with its image until now */
	struct live_key key;
	bool is_file, is_earlier; /* of what its process ran before what is known of it */
};

int preload_new(const struct preload_options *options, struct preload **ret)
{
	struct preload *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->options = *options;
	for (size_t i = 0; i < PRELOAD_BUCKETS; i++)
		TAILQ_INIT(&p->buckets[i]);
	TAILQ_INIT(&p->ending);
	TAILQ_INIT(&p->unwatched);
	for (size_t i = 0; i < PRELOAD_LEVELS; i++)
		TAILQ_INIT(&p->again[i]);
	preload_folder_begin(p);
	*ret = p;
	return 0;
}

void preload_free(struct preload *p)
{
	struct told *t;

	if (!p)
		return;
	preload_folder_done(p);
	p->options.spool_fd = -1; /* who still runs, the next one tells of */
	for (size_t i = 0; i < PRELOAD_BUCKETS; i++)
		while ((t = TAILQ_FIRST(&p->buckets[i])))
			told_remove(p, t);
	free(p);
}

static uint64_t told_time(const struct taking *take)
{
	uint64_t time_ns = take->message.process.boot_ns;

	return time_ns && time_ns < take->now_ns ? time_ns : take->now_ns;
}

/* True if the process that began then (0: not known) has t's number, but is not t. */
static bool is_another(const struct told *t, uint64_t start_ns, uint64_t time_ns)
{
	if (!start_ns)
		return t->has_end && time_ns > t->end.time_ns;
	return t->has_start ? t->key.start_ns != start_ns : t->begin_ns < start_ns;
}

/* The process that the message is of, if it told of itself before; and the key of its image. */
static void find_process(struct preload *p, struct taking *take)
{
	const struct told_ended *ended;
	struct told *t = told_find(p, take->pid);
	uint64_t time_ns = told_time(take);
	uint64_t start_ns = p->look.is_there ? p->look.start_ns : take->start_ns;

	if (t && is_another(t, start_ns, time_ns)) {
		told_forget(p, t);
		t = NULL;
	}
	take->told = t;
	take->key = (struct live_key){.pid = take->pid,
				      .exec_id = EXEC_ID_FIRST |
						 (take->message.random[0] & (EXEC_ID_FIRST - 1))};
	take->is_earlier = take->is_file && t && !t->is_copy && !t->seen_ns &&
			   t->token != take->message.random[0] && time_ns < t->begin_ns;
	if (take->is_earlier) { /* its place in the chain is taken: a run by itself */
		take->told = NULL;
		take->key.start_ns = time_ns;
		return;
	}
	if (t) {
		take->key.start_ns = t->key.start_ns;
		take->key.exec_id = t->key.exec_id + (time_ns >= t->seen_ns);
		return;
	}
	take->key.start_ns = start_ns ?: time_ns;
	ended = ended_get(p, take->pid, 0); /* a late one of a process that is gone */
	if (ended && (start_ns ? ended->key.start_ns == start_ns : time_ns <= ended->end_ns)) {
		take->key.start_ns = ended->key.start_ns;
		take->key.exec_id = ended->key.exec_id + 1;
	}
}

static bool is_doubled(const struct preload *p, const struct taking *take)
{
	const struct told *t = take->told;

	if (t && !t->is_copy && t->token == take->message.random[0])
		return true;
	/* told before what it runs now, by its file: those come in order */
	if (t && !t->seen_ns && p->folder_fd >= 0 && take->message.spool_file.is_there &&
	    take->message.process.boot_ns < t->begin_ns)
		return true;
	return !t && ended_get(p, take->pid, take->message.random[0]);
}

/* --- what the kernel says of it, or else it itself */

/*
 * Its parent now may be who took it over when its own parent ended; then it alone still knows. But
 * nobody makes himself a child of who lives.
 */
static struct live_key find_parent(struct preload *p, const struct taking *take)
{
	const struct run_read *m = &take->message;
	uint32_t claimed = m->has_process && m->pid == take->pid ? m->process.ppid : 0, ppid;
	struct live_key parent;
	const struct told *t;
	uint64_t start_ns;

	if (p->look.is_there) {
		bool is_claimed =
			claimed && claimed != p->look.ppid &&
			!preload_look_stat(claimed, p->options.node->tick_ns, &ppid, &start_ns);

		return preload_parent(p, is_claimed ? claimed : p->look.ppid);
	}
	t = claimed ? told_find(p, claimed) : NULL;
	if (t && t->uid != take->uid)
		return (struct live_key){};
	if (p->options.node->is_past) /* its numbers are others' here */
		return t ? t->key : (struct live_key){.pid = claimed};
	parent = preload_parent(p, claimed);
	return t ? parent : (struct live_key){.pid = parent.pid};
}

static void about_set(struct preload *p, const struct taking *take, struct preload_about *ret)
{
	const struct run_read *m = &take->message;
	const struct preload_look *look = &p->look;
	uint64_t not_before = take->told ? take->told->begin_ns : take->key.start_ns;
	uint32_t euid = m->has_process && m->process.uid == take->uid ? m->process.euid : take->uid;

	*ret = (struct preload_about){.key = take->key,
				      .time_ns = MAX(told_time(take), not_before),
				      .uid = take->uid,
				      .euid = look->is_there ? look->euid : euid,
				      .gid = take->gid,
				      .login_uid = look->login_uid,
				      .traits = look->traits,
				      .cgroup = look->has_cgroup ? look->cgroup : m->cgroup.text,
				      .is_cgroup_told = !look->has_cgroup};
	ret->parent = find_parent(p, take);
}

/* --- the image begins */

static void told_begin(struct preload *p, struct told *t, const struct taking *take,
		       const struct preload_about *about)
{
	t->key = take->key;
	t->begin_ns = about->time_ns;
	t->token = take->message.random[0];
	t->seen_ns = 0;
	t->uid = take->uid;
	t->has_start |= p->look.is_there || take->start_ns;
	t->is_copy = t->is_in_spool = t->is_told_end = t->is_lost_end = false;
	facts_release(tracker_facts(p->options.tracker), TAKE_PTR(t->memory));
	cleanup_close(&t->file);
	t->file = -1;
}

static void tell(struct preload *p, const struct taking *take, const struct preload_about *about)
{
	const struct run_read *m = &take->message;

	preload_make_exec(m, about, &p->room);
	preload_copy_used(p, &p->room.exec);
	tracker_told(p->options.tracker, &p->room.head);
	if (m->phase == RUN_OPT_OUT)
		return;
	if (m->has_program) {
		preload_make_program(m, &about->key, about->time_ns, &p->room);
		tracker_told(p->options.tracker, &p->room.head);
	}
	preload_tell_objects(p, m, &about->key, about->time_ns);
}

/* Nothing is told of one whose user wants no record, but that: what it says in its environment. */
static void opt_out(struct preload *p, struct run_read *m)
{
	struct run_read out = {.phase = m->phase,
			       .pid = m->pid,
			       .random = {m->random[0], m->random[1]},
			       .has_process = m->has_process,
			       .process = m->process};

	out.env = (struct run_text){.text = {OPTED_OUT, sizeof(OPTED_OUT)}, .is_there = true};
	*m = out;
	p->counts.opted_out++;
}

/* True if the kernel side's run is the message's, too. */
static bool is_joined(struct preload *p, struct taking *take)
{
	struct preload_about about;
	struct live_key key;
	enum preload_join join = preload_join(p, &take->message, take->pid, &key);

	if (join == JOIN_NOTHING)
		return false;
	if (join == JOIN_LOST || join == JOIN_FILL) {
		take->key = key;
		about_set(p, take, &about);
		tell(p, take, &about);
	}
	p->counts.begins += join == JOIN_LOST;
	p->counts.joined += join != JOIN_LOST;
	return true;
}

/*
 * A message is of the process that p->look shows, or of one that is gone. *ret: its entry, NULL if
 * the kernel side has it.
 */
static int begin_take(struct preload *p, struct taking *take, struct told **ret)
{
	struct preload_about about;
	uint64_t superseded;
	struct told *t;

	find_process(p, take);
	if (is_doubled(p, take)) {
		p->counts.doubled++;
		return -EEXIST;
	}
	if (take->message.phase == RUN_OPT_OUT)
		opt_out(p, &take->message);
	t = take->told;
	if (!t && is_joined(p, take)) {
		*ret = NULL;
		return 0;
	}
	about_set(p, take, &about);
	if (!t)
		t = told_add(p, &take->key);
	if (!t)
		return -ENOSPC;
	preload_copies_exec(p, take->pid, take->told, told_time(take));
	superseded = t->is_in_spool ? t->token : 0;
	told_begin(p, t, take, &about);
	tell(p, take, &about);
	if (superseded)
		told_file_remove(p, superseded);
	p->counts.begins++;
	*ret = t;
	return 0;
}

/* Without a descriptor only time tells whether the number is another's by now. */
static bool forget_later(struct preload *p, const struct run_read *m)
{
	if (!p->look.is_there || !m->process.boot_ns || p->look.start_ns <= m->process.boot_ns)
		return false;
	p->look = (struct preload_look){.login_uid = (uint32_t)-1};
	return true;
}

int preload_take(struct preload *p, const struct message_sender *sender, int pidfd,
		 struct bytes message)
{
	struct taking take = {.pid = sender->pid,
			      .uid = sender->uid,
			      .gid = sender->gid,
			      .now_ns = node_boot_ns()};
	struct told *t;
	int r = run_read(message, &take.message);
	bool is_gone;

	if (!r && take.message.phase == RUN_END)
		r = -EINVAL;
	if (!r && sender->pid <= 0)
		r = -ESRCH;
	if (r) {
		p->counts.refused++;
		cleanup_close(&pidfd);
		return r;
	}
	preload_folder_before(p, &take.message);
	preload_look(take.pid, pidfd, p->options.node->tick_ns, &p->look);
	is_gone = pidfd < 0 && forget_later(p, &take.message);
	if (!p->look.has_cgroup)
		take.start_ns = preload_file_start(p, &take.message) * p->options.node->tick_ns;
	if (take.start_ns > take.now_ns)
		take.start_ns = 0;
	r = begin_take(p, &take, &t);
	if (r || !t) {
		cleanup_close(&pidfd);
		return r == -EEXIST ? 0 : r;
	}
	told_open_end(p, t, &take.message);
	told_look_again(p, t);
	if (is_gone)
		told_gone(p, t);
	else
		told_watch(p, t, pidfd);
	return 0;
}

/* --- files */

void preload_take_own(struct preload *p, struct run_read *message, struct bytes path)
{
	struct taking take = {.message = *message, .uid = geteuid(), .gid = getegid()};
	struct told *t = told_find(p, message->pid);
	bool is_others;

	take.pid = message->pid;
	take.now_ns = node_boot_ns();
	take.start_ns = message->start_ticks * p->options.node->tick_ns;
	preload_look(take.pid, -1, p->options.node->tick_ns, &p->look);
	is_others = p->look.is_there && p->look.start_ns != take.start_ns;
	/* gone, or in a namespace, where it has another number: runmarkd --collect finds out */
	if (is_others && (!t || !t->has_start || t->key.start_ns != take.start_ns))
		return;
	if (is_others)
		p->look = (struct preload_look){.login_uid = (uint32_t)-1};
	if (begin_take(p, &take, &t) || !t)
		return;
	take.message.spool_file = (struct run_text){.text = path, .is_there = true};
	told_open_end(p, t, &take.message);
	told_look_again(p, t);
	if (!is_others && !t->has_end)
		told_watch(p, t, -1);
}

/* What a file says of its process, where that is still there and its owner's. False: it can't be:
 * who has that number is another's, and no user's file may end what that one runs. */
static bool look_for_file(struct preload *p, const struct taking *take)
{
	const struct told *t = told_find(p, take->pid);
	uint64_t start_ns = take->start_ns;

	if (!p->options.node->is_past)
		preload_look(take->pid, -1, p->options.node->tick_ns, &p->look);
	if (p->options.node->is_past || !p->look.is_there || p->look.start_ns != start_ns ||
	    p->look.euid != take->uid)
		p->look = (struct preload_look){.login_uid = (uint32_t)-1};
	return p->look.is_there || !t || t->uid == take->uid || !take->uid;
}

int preload_take_file(struct preload *p, uid_t owner, gid_t group, struct bytes file)
{
	const struct node *node = p->options.node;
	struct taking take = {
		.uid = owner, .gid = group, .now_ns = node_boot_ns(), .is_file = true};
	struct bytes area;
	struct told *t;
	int r = run_read_file(file, &take.message, &area);

	if (r || !take.message.pid) {
		p->counts.refused++;
		return -EINVAL;
	}
	if (take.message.boot.text.len != strlen(node->boot_id) ||
	    memcmp(take.message.boot.text.data, node->boot_id, strlen(node->boot_id)))
		return -EXDEV;
	take.pid = take.message.pid;
	take.start_ns = take.message.start_ticks * node->tick_ns;
	if (!node->is_past && take.start_ns > take.now_ns) {
		p->counts.refused++;
		return -EINVAL;
	}
	if (node->is_past)
		take.now_ns = INT64_MAX;
	r = look_for_file(p, &take) ? begin_take(p, &take, &t) : -EPERM;
	p->counts.refused += r == -EPERM;
	if (!r && t && take.is_earlier)
		told_lose(p, t);
	else if (!r && t)
		told_file_end(p, t, &take.message, area);
	return r;
}
