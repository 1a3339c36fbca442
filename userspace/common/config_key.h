/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of config: the table of keys, and how a value of each type is read, shown and freed. */
#pragma once

#include "config.h"

enum key_type {
	KEY_PATH,
	KEY_SOCKET,
	KEY_NAME,
	KEY_CHOICE,
	KEY_NUMBER,
	KEY_YES_NO,
	KEY_AGE, /* days; 0: empty */
	KEY_GLOBS,
	KEY_RULES, /* may be given many times */
};

#define CONFIG_NAME_MAX	  64   /* bytes of host and cluster: HOST_NAME_MAX of Linux */
#define CONFIG_PATH_MAX	  1024 /* bytes of a path: leaves room for file names below it */
#define CONFIG_SOCKET_MAX 107  /* bytes of a socket's path, unix(7) */

struct config_key {
	const char *section, *name;
	enum key_type type;
	size_t offset; /* of the member in struct config */
	/* default, as it would stand in the file; NULL: made in config.c; of KEY_RULES, one a line
	 */
	const char *fallback;
	const char *meaning;
	/* by type */
	uint32_t min, max;	/* KEY_NUMBER */
	bool is_power_of_two;	/* KEY_NUMBER */
	bool may_be_empty;	/* KEY_PATH, KEY_NAME */
	const char *choices[4]; /* KEY_CHOICE, in the order of the enum */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* NULL if there is no such key. */
const struct config_key *config_key_find(const char *section, const char *name);

/*
 * Reads text into the key's member and frees what was there; of KEY_RULES, adds it to that. 0;
 * -EINVAL: not a value of this key; -ENOMEM. On failure the member stays.
 */
int config_key_set(const struct config_key *key, const char *text, struct config *config);

/* The value as it would stand in the file. */
void config_key_print(const struct config_key *key, const struct config *config, FILE *out);

/* What the key accepts, to be read behind "must be ": "a power of two from 1 to 1024". */
void config_key_describe(const struct config_key *key, FILE *out);

/* What is wrong with a value that was refused: "must be a power of two from 1 to 1024". */
void config_key_complain(const struct config_key *key, const char *text, FILE *out);

void config_key_done(const struct config_key *key, struct config *config);

/* Puts into config->warnings what is allowed in the file of that name but hardly meant
 * (config_warn.c). 0 or -ENOMEM. */
int config_warn(const char *path, struct config *config);
