/* SPDX-License-Identifier: BSD-2-Clause */
#include "ingest/spool_name.h"
#include "common/fs.h"

#include <errno.h>
#include <uuid/uuid.h>

#define PLAIN	   ".jsonl"
#define COMPRESSED ".zst"

static bool has_suffix(const char *name, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(name + len - n, suffix, n);
}

/* Length without .zst. */
static size_t plain_length(const char *name)
{
	size_t len = strlen(name);

	return has_suffix(name, len, COMPRESSED) ? len - strlen(COMPRESSED) : len;
}

bool spool_name_is_whole(const char *name)
{
	return *name != '.' && has_suffix(name, plain_length(name), PLAIN);
}

bool spool_name_base(const char *path, char ret[SPOOL_NAME_MAX])
{
	const char *name = fs_base_name(path);
	size_t len = plain_length(name);

	if (len >= SPOOL_NAME_MAX)
		return false;
	memcpy(ret, name, len);
	ret[len] = '\0';
	return true;
}

/* Cuts the part behind the last dot off text; NULL if there is none. */
static char *cut_last(char *text)
{
	char *dot = strrchr(text, '.');

	if (!dot)
		return NULL;
	*dot = '\0';
	return dot + 1;
}

static bool is_number(const char *text, uint64_t *ret)
{
	size_t len = strlen(text);

	if (len < 6 || len > 19 || text[strspn(text, "0123456789")])
		return false;
	*ret = strtoull(text, NULL, 10);
	return true;
}

int spool_name_parse(const char *base, struct spool_name *ret)
{
	char copy[SPOOL_NAME_MAX];
	const char *suffix, *number, *instance, *boot_id;
	struct spool_name name;
	uuid_t uuid;

	if (strlen(base) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, base);
	suffix = cut_last(copy);
	number = cut_last(copy);
	instance = cut_last(copy);
	boot_id = cut_last(copy);
	if (!boot_id || strcmp(suffix, &PLAIN[1]) || !is_number(number, &name.number) ||
	    strlen(instance) != 16 || instance[strspn(instance, "0123456789abcdef")] ||
	    strlen(boot_id) != 36 || uuid_parse(boot_id, uuid) < 0 || !*copy ||
	    strlen(copy) >= sizeof(name.host))
		return -EINVAL;
	strcpy(name.host, copy);
	strcpy(name.boot_id, boot_id);
	strcpy(name.instance, instance);
	*ret = name;
	return 0;
}
