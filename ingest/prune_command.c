/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/prune_command.h"
#include "ingest/prune.h"
#include "common/config.h"
#include "common/log.h"

#include <errno.h>

#define WORD "destroy"

int prune_confirm(void)
{
	char line[32];

	if (isatty(STDIN_FILENO)) {
		fputs("This cannot be undone: who is behind the pseudonyms in the database can no "
		      "longer be told,\nand who is pseudonymised later gets another one. Type "
		      "\"" WORD "\" to destroy the key: ",
		      stderr);
		fflush(stderr);
	}
	if (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!strcmp(line, WORD))
			return 0;
	}
	log_err(0, "the key is kept: the word \"" WORD "\" was not given");
	return -ECANCELED;
}

static int run(struct backend *db, const struct options *options, const struct config *config,
	       const volatile sig_atomic_t *stop)
{
	const struct prune_options wanted = {
		.pseudonymise_days = options->pseudonymise_days ?: config->pseudonymise_days,
		.delete_days = options->delete_days ?: config->delete_days,
		.key = config->pseudonym_key,
		.homes = &config->homes,
		.not_persons = &config->not_persons,
	};

	if (options->destroy_key)
		return prune_destroy_key(db, config->pseudonym_key);
	if (!wanted.pseudonymise_days && !wanted.delete_days) {
		log_warn(0, "nothing grows old: set pseudonymise_after and delete_after in "
			    "[retention] of runmark.conf, or give the options of these names");
		return 1;
	}
	return prune_run(db, &wanted, stop);
}

int prune_command(struct backend *db, const struct options *options,
		  const volatile sig_atomic_t *stop)
{
	_cleanup_free_ char *message = NULL;
	struct config config = {};
	int r = config_load(NULL, &config, &message);

	if (r < 0)
		return log_err_lines(r, message ?: "cannot read the configuration");
	r = run(db, options, &config, stop);
	config_done(&config);
	return r;
}
