/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of it: the key first, durable before a pseudonym is made with it and known to the
 * database by a hash, so that no other key takes its place unnoticed; what is to be deleted, so
 * that it need not be pseudonymised; then persons; then what nobody refers to any more.
 */
#include "ingest/prune.h"
#include "common/log.h"

#include <errno.h>

#define DAY_US	 86400000000LL
#define KEY_NAME "key" /* in prune_state */

static int log_key(struct prune *prune, const char *action)
{
	const struct value row[] = {value_integer(prune->began_us), value_integer(prune_now_us()),
				    value_text(bytes_of(action))};

	return prune_sql(prune,
			 "INSERT INTO prune_log (began_us, ended_us, action, name, changed) "
			 "VALUES (?, ?, ?, '', 0)",
			 row, ARRAY_SIZE(row));
}

static int note_key(struct prune *prune, void *arg, bool *ret_more)
{
	int r = prune_state_set(prune, KEY_NAME, *(int64_t *)arg);

	(void)ret_more;
	return r < 0 ? r : log_key(prune, "key made");
}

static int check_key(struct prune *prune, const char *path)
{
	int64_t known, id = pseudonym_key_id(&prune->key);
	int r = prune_state_get(prune, KEY_NAME, &known);

	if (r == -ENOENT)
		return prune_steps(prune, note_key, &id);
	if (r < 0 || known == id)
		return r;
	log_err(0,
		"%s is not the key of the pseudonyms in this database; name that one in "
		"runmark.conf, or begin with a new one by --destroy-key",
		path);
	return -EINVAL;
}

/* The key, made when it is first needed. Logs what fails, but the database. */
static int prepare_key(struct prune *prune, const char *path)
{
	char why[PSEUDONYM_WHY_SIZE];
	int64_t known;
	int r = pseudonym_key_load(path, &prune->key, why);

	if (r == -ENOENT) {
		r = prune_state_get(prune, KEY_NAME, &known);
		if (r == 0) {
			log_err(0,
				"the key of this database's pseudonyms, %s, is missing; restore "
				"it, or "
				"begin with a new one by --destroy-key",
				path);
			return -EINVAL;
		}
		if (r != -ENOENT)
			return r;
		r = pseudonym_key_make(path, why);
		if (r == 0 || r == -EEXIST)
			r = pseudonym_key_load(path, &prune->key, why);
		if (r == 0)
			log_info("made the key of the pseudonyms, %s", path);
	}
	if (r < 0) {
		log_err(0, "%s", why);
		return -EINVAL;
	}
	return check_key(prune, path);
}

static int work(struct prune *prune, const struct prune_options *options)
{
	int r = prune_delete(prune);

	if (r == 0 && prune->pseudonymise_us) {
		r = prepare_key(prune, options->key);
		if (r == 0)
			r = prune_accounts_read(prune);
		if (r == 0)
			r = prune_persons(prune);
		if (r == 0)
			r = prune_accounting(prune);
		if (r == 0)
			r = prune_packages(prune);
		if (r == 0)
			r = prune_quarantine(prune);
		if (r == 0)
			r = prune_files(prune);
	}
	return r < 0 ? r : prune_orphans(prune);
}

static int note_end(struct prune *prune, void *arg, bool *ret_more)
{
	const struct value params[] = {value_integer(prune_now_us()),
				       value_integer(prune->began_us)};

	(void)arg;
	(void)ret_more;
	return prune_sql(
		prune, "UPDATE prune_log SET ended_us = ? WHERE began_us = ? AND ended_us IS NULL",
		params, ARRAY_SIZE(params));
}

/* "pseudonymise: 12 of run, 7 of link". True if anything was done. */
static bool report(const struct prune *prune, const char *action)
{
	bool is_first = true;

	for (size_t i = 0; i < prune->part_count; i++) {
		const struct prune_part *part = &prune->parts[i];

		if (strcmp(part->action, action) || !part->done)
			continue;
		printf("%s%s%llu of %s", is_first ? action : "", is_first ? ": " : ", ",
		       (unsigned long long)part->done, part->name);
		is_first = false;
	}
	if (!is_first)
		puts("");
	return !is_first;
}

static int init(struct prune *prune, struct backend *db, const struct prune_options *options,
		const volatile sig_atomic_t *stop)
{
	*prune = (struct prune){.db = db, .stop = stop, .began_us = prune_now_us()};
	prune->is_shown = isatty(STDERR_FILENO);
	if (options->pseudonymise_days)
		prune->pseudonymise_us = prune->began_us - options->pseudonymise_days * DAY_US;
	if (options->delete_days)
		prune->delete_us = prune->began_us - options->delete_days * DAY_US;
	prune->rules = (struct pseudonym_rules){.key = &prune->key,
						.homes = options->homes,
						.not_persons = options->not_persons,
						.is_account = prune_is_account,
						.arg = prune};
	return cache_new(&prune->twins);
}

static void done(struct prune *prune)
{
	cache_free(prune->twins);
	prune_accounts_done(prune);
	explicit_bzero(&prune->key, sizeof(prune->key));
}

static int fail(struct backend *db, int error)
{
	/* -EINVAL without the database's sentence has been told */
	if (error == -EINTR)
		log_warn(0, "stopped; the next --prune goes on");
	else if (*db->message)
		log_err(0, "%s", db->message);
	else if (error != -EINVAL)
		log_err(error, "cannot prune");
	return error;
}

int prune_run(struct backend *db, const struct prune_options *options,
	      const volatile sig_atomic_t *stop)
{
	static const char *const actions[] = {"delete", "pseudonymise", "orphans"};
	struct prune prune;
	bool is_any = false;
	int r = init(&prune, db, options, stop);

	if (r < 0)
		return log_err(r, "cannot start");
	*db->message = '\0';
	r = db->ops->claim(db);
	if (r == 0)
		r = work(&prune, options);
	if (r == 0 && prune.part_count)
		r = prune_steps(&prune, note_end, NULL);
	prune_hide(&prune);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		is_any |= report(&prune, actions[i]);
	done(&prune);
	return r < 0 ? fail(db, r) : !is_any;
}

static int forget_key(struct prune *prune, void *arg, bool *ret_more)
{
	const struct value name = value_text(bytes_of(KEY_NAME));
	int r = prune_sql(prune, "DELETE FROM pseudonym", NULL, 0);

	(void)arg;
	(void)ret_more;
	if (r == 0)
		r = prune_sql(prune, "DELETE FROM prune_state WHERE name = ?", &name, 1);
	return r < 0 ? r : log_key(prune, "key destroyed");
}

int prune_destroy_key(struct backend *db, const char *path)
{
	static const volatile sig_atomic_t stop;
	const struct prune_options options = {};
	char why[PSEUDONYM_WHY_SIZE];
	struct prune prune;
	bool was_there = true;
	int64_t known;
	int r = init(&prune, db, &options, &stop);

	if (r < 0)
		return log_err(r, "cannot start");
	*db->message = '\0';
	r = db->ops->claim(db);
	/* The file first: whoever is killed in between finds that the database still asks for it.
	 */
	if (r == 0) {
		r = pseudonym_key_destroy(path, why);
		was_there = r == 0;
		if (r < 0 && r != -ENOENT)
			log_err(0, "%s", why);
		r = r < 0 && r != -ENOENT ? -EINVAL : 0;
	}
	if (r == 0 && !was_there) {
		r = prune_state_get(&prune, KEY_NAME, &known);
		if (r == -ENOENT) {
			done(&prune);
			return 1;
		}
	}
	if (r == 0)
		r = prune_steps(&prune, forget_key, NULL);
	done(&prune);
	return r < 0 ? fail(db, r) : 0;
}
