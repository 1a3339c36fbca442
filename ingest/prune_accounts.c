/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accounts that the database knows, by which paths are told to be personal: the names of
 * user_name and of accounting. One whose name is gone is known by its pseudonym for as long as the
 * key lives: its name's hash is then in user_name.
 */
#include "ingest/prune.h"

#include <errno.h>
#include <search.h>

static int compare(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	int r = memcmp(x->data, y->data, MIN(x->len, y->len));

	return r ? r : (x->len > y->len) - (x->len < y->len);
}

static int add(struct prune *prune, struct bytes name)
{
	struct bytes *copy;
	char *data;

	if (tfind(&name, &prune->accounts, compare))
		return 0;
	copy = malloc(sizeof(*copy) + name.len);
	if (!copy)
		return -ENOMEM;
	data = (char *)(copy + 1);
	if (name.len)
		memcpy(data, name.data, name.len);
	*copy = (struct bytes){data, name.len};
	if (!tsearch(copy, &prune->accounts, compare)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

static int take_user(void *arg, const struct value *row, size_t columns)
{
	struct prune *prune = arg;

	(void)columns;
	prune->account_id = MAX(prune->account_id, row[0].integer);
	return row[1].bytes.data ? add(prune, row[1].bytes) : 0;
}

int prune_accounts_read(struct prune *prune)
{
	struct backend *db = prune->db;
	const struct value last = value_integer(prune->account_id);

	return db->ops->statement(db, "SELECT id, name FROM user_name WHERE id > ? ORDER BY id",
				  &last, 1, take_user, prune, NULL);
}

void prune_accounts_done(struct prune *prune)
{
	tdestroy(prune->accounts, free);
	prune->accounts = NULL;
}

bool prune_is_account(void *arg, struct bytes name)
{
	struct prune *prune = arg;
	char alias[PSEUDONYM_NAME_SIZE];
	struct bytes hash;

	if (tfind(&name, &prune->accounts, compare))
		return true;
	pseudonym_of_user(&prune->key, name, alias);
	hash = bytes_of(alias);
	return tfind(&hash, &prune->accounts, compare);
}

int prune_alias(struct prune *prune, struct bytes name, int64_t user, int64_t *ret)
{
	struct backend *db = prune->db;
	char alias[PSEUDONYM_NAME_SIZE];
	struct value row[2];
	int64_t id;
	int r;

	pseudonym_of_user(&prune->key, name, alias);
	row[0] = value_text(bytes_of(alias));
	r = db->ops->entity(db, mapping_tables[TABLE_USER_NAME], row, &id);
	if (r == 0)
		r = add(prune, bytes_of(alias));
	if (r == 0 && user) {
		row[0] = value_integer(id);
		row[1] = value_integer(user);
		r = db->ops->insert(db, &mapping_pseudonym, INSERT_REPLACE, row, NULL, NULL);
	}
	if (r == 0)
		*ret = id;
	return r;
}
