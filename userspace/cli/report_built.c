/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who built what somebody runs: that person, another, or the site. What a link record says counts
 * most; but what lies in a module is the site's, whoever of its staff linked it, unless he runs it
 * himself. Without a link record whose file it is tells, and of pseudonymised runs, whose home it
 * lies in.
 */
#include "cli/report_dims.h"

#define SYSTEM_UIDS 1000 /* below: accounts of the system, not of persons */

const char *const report_built_words[BUILTS] = {
	[BUILT_SELF] = "self",
	[BUILT_OTHER] = "other user",
	[BUILT_SITE] = "site",
	[BUILT_UNKNOWN] = "unknown",
};

const char *const report_evidence_words[EVIDENCES] = {
	[EVIDENCE_LINK] = "link", [EVIDENCE_MODULE] = "module", [EVIDENCE_OWNER] = "owner",
	[EVIDENCE_PATH] = "path", [EVIDENCE_NONE] = "none",
};

/* "/~hash/..." with the user called "~hash": see runmark-ingest(8), pseudonyms. */
static bool is_in_pseudonym(const struct report_names *names, const struct report_row *row,
			    struct bytes path, bool *ret_is_own)
{
	struct bytes user = labels_get(&names->labels, names->users[row->user_index].name);

	if (path.len < 2 || memcmp(path.data, "/~", 2) != 0)
		return false;
	*ret_is_own = user.len > 1 && path.len > user.len + 1 &&
		      !memcmp(path.data + 1, user.data, user.len) && path.data[user.len + 1] == '/';
	return true;
}

void report_built_of(const struct report_names *names, const struct report_row *row,
		     enum report_built *ret_built, enum report_evidence *ret_evidence)
{
	const struct report_program *program = &names->programs[row->program_index];
	const struct report_path *path = &names->paths[program->path];
	bool is_linked = program->link != LINK_UNKNOWN, is_own;

	if (is_linked && ids_has(&program->builders, row->person)) {
		*ret_built = BUILT_SELF;
		*ret_evidence = EVIDENCE_LINK;
	} else if (path->module != LABEL_NONE) {
		*ret_built = BUILT_SITE;
		*ret_evidence = EVIDENCE_MODULE;
	} else if (is_linked) {
		*ret_built = program->is_built_by_system ? BUILT_SITE : BUILT_OTHER;
		*ret_evidence = EVIDENCE_LINK;
	} else if (is_in_pseudonym(names, row, labels_get(&names->labels, path->path), &is_own)) {
		*ret_built = is_own ? BUILT_SELF : BUILT_OTHER;
		*ret_evidence = EVIDENCE_PATH;
	} else if (program->owner_uid >= 0) {
		*ret_built = program->owner_uid < SYSTEM_UIDS ? BUILT_SITE
			     : program->owner_uid == row->uid ? BUILT_SELF
							      : BUILT_OTHER;
		*ret_evidence = EVIDENCE_OWNER;
	} else {
		*ret_built = BUILT_UNKNOWN;
		*ret_evidence = EVIDENCE_NONE;
	}
}
