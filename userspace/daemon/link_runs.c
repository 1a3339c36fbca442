// SPDX-License-Identifier: BSD-2-Clause
/* Linkers that ended, in the order of their ends: two rings, searched from the youngest. */
#include "daemon/link_runs.h"

#include <limits.h>

struct seen {
	uint32_t pid, parent_pid, uid;
	bool is_open; /* waits for its record */
	uint64_t ended_ns;
};

struct sender {
	uint32_t pid;
	uint64_t sent_ns;
};

struct link_runs {
	struct seen seen[LINK_RUNS_MAX];
	uint64_t first, end; /* of those that may be open; modulo LINK_RUNS_MAX */
	struct sender senders[LINK_SENDERS_KEPT];
	uint64_t sender_end;
	struct link_job jobs[LINK_SENDERS_KEPT];
	uint64_t job_end;
	uint64_t missing;
};

static bool has_end(struct bytes text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && !memcmp(text.data + text.len - len, end, len);
}

static bool is_name(struct bytes path, const char *name)
{
	size_t len = strlen(name);

	return has_end(path, name) && (path.len == len || path.data[path.len - len - 1] == '/');
}

bool link_run_is_linker(struct bytes path)
{
	static const char *const names[] = {"ld",      "ld.bfd", "ld.gold", "ld.lld",
					    "ld.mold", "lld",	 "mold",    "gold"};
	static const char *const ends[] = {"-ld", "-ld.bfd", "-ld.gold", "-gold"};
	static const char displaced[] = ".distrib";

	if (has_end(path, displaced))
		path.len -= sizeof(displaced) - 1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is_name(path, names[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (has_end(path, ends[i]))
			return true;
	return false;
}

static bool is_skipped(const char *output, struct bytes cwd, const struct config_list *skip)
{
	char path[2 * PATH_MAX];

	if (output[0] == '/')
		return config_list_matches(skip, output);
	snprintf(path, sizeof(path), "%.*s/%s", (int)MIN(cwd.len, (size_t)PATH_MAX), cwd.data ?: "",
		 output);
	return config_list_matches(skip, path);
}

bool link_run_is_link(struct bytes argv, struct bytes cwd, const struct config_list *skip)
{
	static const char *const others[] = {"-r",	 "-i",	  "-Ur",	 "--relocatable",
					     "-v",	 "-V",	  "--help",	 "--version",
					     "-version", "-help", "-relocatable"};
	const char *output = "a.out";
	bool has_input = false, is_output = false;

	if (!argv.len)
		return false;
	/* the first is its name; the last may be cut */
	for (size_t pos = strnlen(argv.data, argv.len) + 1; pos < argv.len;
	     pos += strnlen(argv.data + pos, argv.len - pos) + 1) {
		const char *word = argv.data + pos;

		if (!memchr(word, '\0', argv.len - pos))
			break;
		if (is_output)
			output = word;
		else if (!strncmp(word, "-o", 2) && word[2])
			output = word + 2;
		else if (!strncmp(word, "--output=", 9))
			output = word + 9;
		else
			has_input = has_input || (word[0] != '-' && word[0]);
		is_output = !is_output && (!strcmp(word, "-o") || !strcmp(word, "--output"));
		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			if (!strcmp(word, others[i]))
				return false;
	}
	return has_input && !is_skipped(output, cwd, skip);
}

struct link_runs *link_runs_new(void)
{
	return calloc(1, sizeof(struct link_runs));
}

void link_runs_free(struct link_runs *runs)
{
	free(runs);
}

/* The oldest are done with: their records came, or don't come any more. */
static void give_up(struct link_runs *runs, uint64_t now_ns)
{
	for (; runs->first < runs->end; runs->first++) {
		const struct seen *seen = &runs->seen[runs->first % LINK_RUNS_MAX];

		if (seen->is_open && now_ns - seen->ended_ns < LINK_PATIENCE_NS &&
		    runs->end - runs->first < LINK_RUNS_MAX)
			return;
		runs->missing += seen->is_open;
	}
}

static bool has_sent(struct link_runs *runs, uint32_t pid, uint64_t now_ns)
{
	for (size_t i = 0; i < LINK_SENDERS_KEPT; i++) {
		struct sender *sender = &runs->senders[i];

		if (pid && sender->pid == pid && now_ns - sender->sent_ns < LINK_PATIENCE_NS)
			return true;
	}
	return false;
}

void link_runs_ended(struct link_runs *runs, uint32_t pid, uint32_t parent_pid, uint32_t uid,
		     uint64_t now_ns)
{
	give_up(runs, now_ns);
	if (has_sent(runs, pid, now_ns) || has_sent(runs, parent_pid, now_ns))
		return;
	/* a wrapper, after the linker that it ran; or a linker that is run twice for one link */
	for (uint64_t i = runs->first; i < runs->end; i++) {
		const struct seen *seen = &runs->seen[i % LINK_RUNS_MAX];

		if (seen->pid == pid || seen->parent_pid == pid)
			return;
	}
	runs->seen[runs->end++ % LINK_RUNS_MAX] = (struct seen){pid, parent_pid, uid, true, now_ns};
}

void link_runs_recorded(struct link_runs *runs, uint32_t pid, uint32_t uid, uint64_t now_ns)
{
	for (uint64_t i = runs->first; i < runs->end; i++) {
		struct seen *seen = &runs->seen[i % LINK_RUNS_MAX];

		if (!seen->is_open || seen->uid != uid ||
		    (pid && seen->pid != pid && seen->parent_pid != pid))
			continue;
		seen->is_open = false;
		break;
	}
	if (pid)
		runs->senders[runs->sender_end++ % LINK_SENDERS_KEPT] =
			(struct sender){pid, now_ns};
}

uint64_t link_runs_missing(struct link_runs *runs, uint64_t now_ns)
{
	give_up(runs, now_ns);
	return runs->missing;
}

struct link_job *link_runs_add_job(struct link_runs *runs)
{
	return &runs->jobs[runs->job_end++ % LINK_SENDERS_KEPT];
}

const struct link_job *link_runs_job(const struct link_runs *runs, uint32_t pid)
{
	for (uint64_t i = runs->job_end; i > 0 && runs->job_end - i < LINK_SENDERS_KEPT; i--)
		if (runs->jobs[(i - 1) % LINK_SENDERS_KEPT].pid == pid)
			return &runs->jobs[(i - 1) % LINK_SENDERS_KEPT];
	return NULL;
}
