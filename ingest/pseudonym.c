/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/pseudonym.h"
#include "common/text.h"

#include <ctype.h>
#include <fnmatch.h>

#define HEX	       16  /* digits of a pseudonym, and of a path's hash */
#define NAME_MAX_      255 /* bytes of an account's name */
#define UID_DIGITS_MAX 10
#define WORDS_MAX      32 /* of a component that are looked at */
#define SPAN_MAX       4  /* words that a name may have: anna-maria.de_x */
#define WORD_MIN       3  /* bytes of a name that is looked for within a component */

void pseudonym_of_user(const struct pseudonym_key *key, struct bytes name,
		       char ret[PSEUDONYM_NAME_SIZE])
{
	uint8_t hash[PSEUDONYM_HASH_SIZE];

	pseudonym_hash(key, PSEUDONYM_USER, name, hash);
	*ret = '~';
	text_to_hex(hash, HEX / 2, ret + 1);
}

static bool is_hex(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!memchr("0123456789abcdef", text.data[i], 16))
			return false;
	return true;
}

bool pseudonym_is_user(struct bytes name)
{
	return name.len == 1 + HEX && *name.data == '~' &&
	       is_hex((struct bytes){name.data + 1, HEX});
}

/* The next component of the path at *at, which moves behind it. False: there is none. */
static bool next_component(struct bytes path, size_t *at, struct bytes *ret)
{
	size_t from = *at, to;

	while (from < path.len && path.data[from] == '/')
		from++;
	for (to = from; to < path.len && path.data[to] != '/'; to++)
		;
	*at = to;
	*ret = (struct bytes){path.data + from, to - from};
	return to > from;
}

/* fnmatch() of bytes that aren't terminated. */
static bool matches(struct bytes pattern, struct bytes name)
{
	char glob[NAME_MAX_ + 1], text[NAME_MAX_ + 1];

	if (pattern.len > NAME_MAX_ || name.len > NAME_MAX_)
		return false;
	memcpy(glob, pattern.data, pattern.len);
	glob[pattern.len] = '\0';
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return !fnmatch(glob, text, 0);
}

static bool is_listed(const struct config_list *list, struct bytes name)
{
	for (size_t i = 0; i < list->count; i++)
		if (matches(bytes_of(list->items[i]), name))
			return true;
	return false;
}

/* Whether the path is below that home; *ret: what the pattern's last part stood for, if it is a
 * pattern. */
static bool is_below(struct bytes home, struct bytes path, struct bytes *ret)
{
	struct bytes pattern, component = {};
	struct bytes owner = {};
	size_t at = 0, i = 0;

	while (next_component(home, &i, &pattern)) {
		bool is_glob = memchr(pattern.data, '*', pattern.len) ||
			       memchr(pattern.data, '?', pattern.len) ||
			       memchr(pattern.data, '[', pattern.len);

		if (!next_component(path, &at, &component) || !matches(pattern, component))
			return false;
		owner = is_glob ? component : (struct bytes){};
	}
	*ret = owner;
	return true;
}

static bool is_person(const struct pseudonym_rules *rules, struct bytes name)
{
	return name.len && name.len <= NAME_MAX_ && !is_listed(rules->not_persons, name) &&
	       rules->is_account(rules->arg, name);
}

/* A component that is an account's name, maybe as ~name. */
static bool is_named(const struct pseudonym_rules *rules, struct bytes component, struct bytes *ret)
{
	bool is_whole = is_person(rules, component);

	if (!is_whole && component.len > 1 && *component.data == '~')
		component = (struct bytes){component.data + 1, component.len - 1};
	if (!is_whole && !is_person(rules, component))
		return false;
	*ret = component;
	return true;
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* An account's name among the words of a text, the longest that begins first. */
static bool find_word(const struct pseudonym_rules *rules, struct bytes text, struct bytes *ret)
{
	struct bytes words[WORDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < text.len && count < WORDS_MAX;) {
		size_t from;

		while (i < text.len && !is_word_byte(text.data[i]))
			i++;
		for (from = i; i < text.len && is_word_byte(text.data[i]); i++)
			;
		if (i > from)
			words[count++] = (struct bytes){text.data + from, i - from};
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = MIN(count, i + SPAN_MAX); j-- > i;) {
			size_t len = (size_t)(words[j].data - words[i].data) + words[j].len;
			struct bytes name = {words[i].data, len};

			if (len < WORD_MIN || !is_person(rules, name))
				continue;
			*ret = name;
			return true;
		}
	}
	return false;
}

bool pseudonym_names_somebody(const struct pseudonym_rules *rules, struct bytes text)
{
	struct bytes name;

	return find_word(rules, text, &name);
}

/* Folders of the distribution: parts of names there are words, not persons. */
static bool is_system(struct bytes path)
{
	static const char *const folders[] = {"/usr/", "/lib/",	 "/lib64/",
					      "/bin/", "/sbin/", "/lib32/"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t len = strlen(folders[i]);

		if (path.len > len && !memcmp(path.data, folders[i], len) &&
		    !(path.len > 11 && !memcmp(path.data, "/usr/local/", 11)))
			return true;
	}
	return false;
}

static bool find_owner(const struct pseudonym_rules *rules, struct bytes path, struct bytes *ret)
{
	struct bytes component, home;
	bool is_home = false;

	*ret = (struct bytes){};
	for (size_t at = 0; next_component(path, &at, &component);)
		if (is_named(rules, component, ret))
			return true;
	if (!is_system(path))
		for (size_t at = 0; next_component(path, &at, &component);)
			if (find_word(rules, component, ret))
				return true;
	for (size_t i = 0; !is_home && i < rules->homes->count; i++)
		is_home = is_below(bytes_of(rules->homes->items[i]), path, &home);
	if (is_home)
		*ret = home;
	return is_home;
}

static bool is_pseudonym(struct bytes path)
{
	const char *slash;
	struct bytes owner, hash;

	if (path.len < 3 + HEX || memcmp(path.data, "/~", 2))
		return false;
	slash = memchr(path.data + 2, '/', path.len - 2);
	if (!slash)
		return false;
	owner = (struct bytes){path.data + 2, (size_t)(slash - path.data) - 2};
	hash = (struct bytes){slash + 1, path.len - (size_t)(slash + 1 - path.data)};
	return (!owner.len || owner.len == HEX) && hash.len == HEX && is_hex(owner) && is_hex(hash);
}

/* A folder that is called by a number (/run/user/1000) is that of a uid. */
static void name_owner(const struct pseudonym_key *key, struct bytes owner,
		       char ret[PSEUDONYM_NAME_SIZE])
{
	char text[4 + UID_DIGITS_MAX + 1];
	bool is_number = owner.len <= UID_DIGITS_MAX;

	for (size_t i = 0; i < owner.len; i++)
		is_number = is_number && isdigit((unsigned char)owner.data[i]);
	if (is_number) {
		snprintf(text, sizeof(text), "uid:%.*s", (int)owner.len, owner.data);
		owner = bytes_of(text);
	}
	pseudonym_of_user(key, owner, ret);
}

bool pseudonym_of_path(const struct pseudonym_rules *rules, struct bytes path,
		       char ret[PSEUDONYM_PATH_SIZE])
{
	uint8_t hash[PSEUDONYM_HASH_SIZE];
	char name[PSEUDONYM_NAME_SIZE] = "~", hex[HEX + 1];
	struct bytes owner;

	if (!path.len || is_pseudonym(path) || !find_owner(rules, path, &owner))
		return false;
	if (owner.len)
		name_owner(rules->key, owner, name);
	pseudonym_hash(rules->key, PSEUDONYM_PATH, path, hash);
	text_to_hex(hash, HEX / 2, hex);
	snprintf(ret, PSEUDONYM_PATH_SIZE, "/%s/%s", name, hex);
	return true;
}
