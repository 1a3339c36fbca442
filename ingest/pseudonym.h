/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pseudonyms of persons and of paths. Whose they are is a function of the text, the key, the
 * configuration and the accounts that the database knows, of nothing else: the same program has the
 * same path in everybody's runs, before and after its owner's own runs lose their name.
 */
#pragma once

#include "ingest/pseudonym_key.h"
#include "common/config.h"

#define PSEUDONYM_NAME_SIZE 18 /* "~", 16 hexadecimal digits, NUL */
#define PSEUDONYM_PATH_SIZE (1 + PSEUDONYM_NAME_SIZE + 17)

struct pseudonym_rules {
	const struct pseudonym_key *key;
	const struct config_list *homes, *not_persons;
	/* Whether the database knows an account of that name, or its pseudonym. */
	bool (*is_account)(void *arg, struct bytes name);
	void *arg;
};

/* Of an account's name, or of "uid:N" where no name is known. */
void pseudonym_of_user(const struct pseudonym_key *key, struct bytes name,
		       char ret[PSEUDONYM_NAME_SIZE]);

bool pseudonym_is_user(struct bytes name);

/*
 * Whether the path tells of a person: it is below a home (or a folder for temporary files), a
 * component is an account's name, with or without ~, or a word in a component is one of at least
 * three letters, unless it is the system's folder. Then ret is /~PSEUDONYM/HASH; /~/HASH where
 * nobody is named. Any bytes; a path that is such a pseudonym already is not personal.
 */
bool pseudonym_of_path(const struct pseudonym_rules *rules, struct bytes path,
		       char ret[PSEUDONYM_PATH_SIZE]);

/* Whether a word of a text is the name of a known account of at least three letters. */
bool pseudonym_names_somebody(const struct pseudonym_rules *rules, struct bytes text);
