/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths of any bytes, and the accounts and homes that a line each before them name: a pseudonym has
 * its form, is its own pseudonym, and holds nothing of an account that is in it.
 */
#include "ingest/pseudonym.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_account(void *arg, struct bytes name)
{
	const struct bytes *account = arg;

	return account->len && account->len == name.len &&
	       !memcmp(account->data, name.data, name.len);
}

static struct bytes line(struct bytes *rest)
{
	const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	size_t len = end ? (size_t)(end - rest->data) : 0;
	struct bytes found = {rest->data, len};

	if (end) {
		rest->data += len + 1;
		rest->len -= len + 1;
	}
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = malloc(size + 1);
	char *homes[] = {NULL, "/home/*"}, *others[] = {"root"}, out[PSEUDONYM_PATH_SIZE];
	const struct config_list home_list = {homes, 2}, other_list = {others, 1};
	struct bytes rest = {copy, size}, account, home;
	struct pseudonym_key key;
	struct pseudonym_rules rules = {.key = &key,
					.homes = &home_list,
					.not_persons = &other_list,
					.is_account = is_account,
					.arg = &account};

	memcpy(copy, data, size);
	account = line(&rest);
	home = line(&rest);
	homes[0] = strndup(home.data ?: "", home.len);
	hmac_sha256_set_key(&key.state, 1, (const uint8_t *)"k");
	(void)pseudonym_names_somebody(&rules, rest);
	if (pseudonym_of_path(&rules, rest, out)) {
		size_t len = strnlen(out, sizeof(out));

		if ((len != 3 + 16 && len != 3 + 32) || memcmp(out, "/~", 2) ||
		    out[len - 17] != '/')
			abort();
	} else if (account.len > 3 && rest.len == account.len + 1 && *rest.data == '/' &&
		   !memcmp(rest.data + 1, account.data, account.len) && account.len < 256 &&
		   !memchr(account.data, '/', account.len) &&
		   !memchr(account.data, 0, account.len)) {
		/* /ACCOUNT is personal, unless that is root */
		if (account.len != 4 || memcmp(account.data, "root", 4))
			abort();
	}
	free(homes[0]);
	return 0;
}
