/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The secret key of pseudonyms, in a file of its own, and what is computed with it: HMAC-SHA-256.
 * Who has the key can tell whether a given name is behind a pseudonym; without it nobody can, and
 * trying all names of a site does not help. So destroying 32 bytes makes all pseudonyms anonymous.
 */
#pragma once

#include "common/util.h"
#include <nettle/hmac.h>

#define PSEUDONYM_KEY_SIZE  32 /* bytes */
#define PSEUDONYM_HASH_SIZE 16 /* bytes of what hashes are cut to */
#define PSEUDONYM_WHY_SIZE  512

struct pseudonym_key {
	struct hmac_sha256_ctx state; /* keyed; copied for each hash */
};

/* Values of different purpose never meet, though they may be of the same text. */
enum pseudonym_purpose {
	PSEUDONYM_USER, /* name of an account, or uid:N */
	PSEUDONYM_PATH,
	PSEUDONYM_SET, /* hash of a set */
	PSEUDONYM_ID,  /* of the key itself */
	PSEUDONYM_PURPOSES
};

/*
 * The key of that file: 64 hexadecimal digits and a newline, readable for its owner alone. All
 * leave on failure a sentence in why. -ENOENT: there is none.
 */
int pseudonym_key_load(const char *path, struct pseudonym_key *ret, char why[PSEUDONYM_WHY_SIZE]);

/* Makes a random one, durable when it returns; -EEXIST if there is one. */
int pseudonym_key_make(const char *path, char why[PSEUDONYM_WHY_SIZE]);

/* Overwrites it with zeros, durably, then removes it. -ENOENT: there is none. */
int pseudonym_key_destroy(const char *path, char why[PSEUDONYM_WHY_SIZE]);

void pseudonym_hash(const struct pseudonym_key *key, enum pseudonym_purpose purpose,
		    struct bytes data, uint8_t ret[PSEUDONYM_HASH_SIZE]);

/* By which a database remembers its key: never the key, never 0. */
int64_t pseudonym_key_id(const struct pseudonym_key *key);
