// SPDX-License-Identifier: BSD-2-Clause
/* What rules ask about, taken from an exec event; and whether a launcher started it. */
#include "daemon/event.h"
#include "daemon/rules.h"
#include "daemon/run_record.h"

static void text_take(char *out, size_t size, struct bytes data)
{
	size_t len = MIN(data.len, size - 1);

	if (len)
		memcpy(out, data.data, len);
	out[len] = '\0';
}

/* As begin_new_exec() of fs/exec.c names the task: the last part of what was asked for, cut. */
static void comm_of(struct bytes path, char ret[16])
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	size_t skip = slash ? (size_t)(slash + 1 - path.data) : 0;

	text_take(ret, 16, (struct bytes){path.data + skip, path.len - skip});
}

void subject_of_exec(const struct event_exec *e, struct subject *ret)
{
	struct bytes exe = event_bytes(&e->head, e->exe);
	struct bytes requested = event_bytes(&e->head, e->requested);

	ret->known = (1u << RULE_ABOUTS) - 1;
	ret->uid = e->uid;
	ret->gid = e->gid;
	comm_of(requested.len ? requested : exe, ret->comm);
	(void)exec_job(e, &ret->job);
	text_take(ret->cgroup, sizeof(ret->cgroup), exec_cgroup(e));
	text_take(ret->path, sizeof(ret->path), exe);
}

void subject_of_path(struct bytes path, struct subject *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->known = 1u << RULE_PATH | 1u << RULE_COMM;
	comm_of(path, ret->comm);
	text_take(ret->path, sizeof(ret->path), path);
}

static const struct {
	const char *name;
	enum ranks bit;
} rank_variables[] = {
	{"SLURM_PROCID=", RANKS_SLURM},	   {"PMIX_RANK=", RANKS_PMIX},
	{"PMI_RANK=", RANKS_PMI},	   {"OMPI_COMM_WORLD_RANK=", RANKS_OPENMPI},
	{"PALS_RANKID=", RANKS_OTHER},	   {"MV2_COMM_WORLD_RANK=", RANKS_OTHER},
	{"MPI_LOCALRANKID=", RANKS_OTHER},
};

uint32_t ranks_of_env(struct bytes env)
{
	uint32_t ranks = 0;

	while (env.len) {
		const char *end = memchr(env.data, '\0', env.len);
		size_t len = end ? (size_t)(end - env.data) : env.len;

		/* cheap, as most begin otherwise */
		if (len && strchr("SPOM", *env.data)) {
			for (size_t i = 0; i < ARRAY_SIZE(rank_variables); i++) {
				size_t name_len = strlen(rank_variables[i].name);

				if (len >= name_len &&
				    !memcmp(env.data, rank_variables[i].name, name_len))
					ranks |= rank_variables[i].bit;
			}
		}
		len = MIN(len + 1, env.len);
		env.data += len;
		env.len -= len;
	}
	return ranks;
}
