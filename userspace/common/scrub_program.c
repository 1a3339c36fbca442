// SPDX-License-Identifier: BSD-2-Clause
/* What programs take as a secret under a name that does not say so. */
#include "common/scrub_rules.h"

static const struct program programs[] = {
	{.names =
		 " mysql mysqladmin mysqlbinlog mysqlcheck mysqldump mysqlimport mysqlpump mysqlsh "
		 "mysqlshow mysqlslap mariadb mariadb-admin mariadb-backup mariadb-check "
		 "mariadb-dump "
		 "mariadb-import mariadb-show mariabackup xtrabackup ",
	 .asks_for_password = true,
	 .options = {{"-p", PLACE_ATTACHED, VALUE_ALL, 0}}},
	{.names = " psql pg_dump pg_dumpall pg_restore pg_basebackup createdb createuser dropdb "
		  "vacuumdb ",
	 .asks_for_password = true},
	{.names = " ssh scp sftp rsync "}, /* behind sshpass */
	{.names = " htpasswd ", .rest_by = 'b'},
	{.names = " sshpass ", .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " curl ",
	 .switches = "#0123456GIJLNORSfgiklnqsv",
	 .options = {{"-u", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"-U", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"--user", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"--proxy-user", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"-E", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"--cert", PLACE_BOTH, VALUE_AFTER, ':'},
		     {"-b", PLACE_BOTH, VALUE_DATA, 0},
		     {"--pass", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " http https xh ", .options = {{"-a", PLACE_BOTH, VALUE_AFTER, ':'}}},
	{.names = " openssl ",
	 .options = {{"pass:", PLACE_ATTACHED, VALUE_ALL, 0},
		     {"-pass", PLACE_NEXT, VALUE_AFTER, ':'},
		     {"-k", PLACE_NEXT, VALUE_ALL, 0},
		     {"-K", PLACE_NEXT, VALUE_ALL, 0},
		     {"-hmac", PLACE_NEXT, VALUE_ALL, 0}}},
	{.names = " redis-cli valkey-cli ",
	 .options = {{"-a", PLACE_NEXT, VALUE_ALL, 0}, {"--pass", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " mongo mongosh mongodump mongorestore mongoexport mongoimport ",
	 .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " ldapadd ldapcompare ldapdelete ldapexop ldapmodify ldapmodrdn ldapsearch "
		  "ldapwhoami ",
	 .options = {{"-w", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " ldappasswd ",
	 .options = {{"-w", PLACE_BOTH, VALUE_ALL, 0},
		     {"-s", PLACE_BOTH, VALUE_ALL, 0},
		     {"-a", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " smbclient smbget smbcacls smbcquotas rpcclient smbtree net ",
	 .options = {{"-U", PLACE_BOTH, VALUE_AFTER, '%'},
		     {"--user", PLACE_BOTH, VALUE_AFTER, '%'}}},
	{.names = " lftp ", .options = {{"-u", PLACE_BOTH, VALUE_AFTER, ','}}},
	{.names = " ncftp ncftpget ncftpput ", .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names =
		 " docker podman buildah skopeo nerdctl helm oras crane apptainer singularity az "},
	{.names = " login ",
	 .after = " docker podman buildah skopeo nerdctl helm oras crane apptainer singularity az ",
	 .asks_for_password = true,
	 .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " zip unzip ", .options = {{"-P", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " 7z 7za 7zr rar unrar ",
	 .options = {{"-p", PLACE_ATTACHED, VALUE_ALL, 0}, {"-hp", PLACE_ATTACHED, VALUE_ALL, 0}}},
	{.names = " ssh-keygen ",
	 .options = {{"-N", PLACE_BOTH, VALUE_ALL, 0}, {"-P", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " useradd usermod groupadd groupmod ",
	 .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " sqlcmd bcp tsql isql sqsh ", .options = {{"-P", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " ipmitool ", .options = {{"-P", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " ipmipower bmc-info ipmi-sensors ",
	 .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " snmpget snmpwalk snmpset snmpbulkwalk snmpbulkget snmptrap ",
	 .options = {{"-A", PLACE_BOTH, VALUE_ALL, 0},
		     {"-X", PLACE_BOTH, VALUE_ALL, 0},
		     {"-c", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " xfreerdp xfreerdp3 ", .options = {{"/p:", PLACE_ATTACHED, VALUE_ALL, 0}}},
	{.names = " rdesktop ", .options = {{"-p", PLACE_BOTH, VALUE_ALL, 0}}},
	{.names = " keytool jarsigner ",
	 .options = {{"-storepass", PLACE_NEXT, VALUE_ALL, 0},
		     {"-keypass", PLACE_NEXT, VALUE_ALL, 0}}},
};

static int name_compare(const void *a, const void *b)
{
	const struct program_name *x = a, *y = b;
	int order = memcmp(x->name, y->name, MIN(x->len, y->len));

	return order ?: (int)x->len - (int)y->len;
}

void scrub_programs_sort(struct program_names *ret)
{
	ret->count = 0;
	memset(ret->begins, 0, sizeof(ret->begins));
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		const char *at = programs[i].names + 1;

		for (size_t len; *at && ret->count < PROGRAM_NAMES_MAX; at += len + 1) {
			len = strcspn(at, " ");
			ret->begins[(unsigned char)*at] = true;
			ret->name[ret->count++] = (struct program_name){at, len, &programs[i]};
		}
	}
	qsort(ret->name, ret->count, sizeof(ret->name[0]), name_compare);
}

const struct program *scrub_program(const struct program_names *names, struct bytes word,
				    const struct program *before)
{
	const char *slash = memrchr(word.data, '/', word.len);
	size_t len = slash ? (size_t)(word.data + word.len - slash - 1) : word.len;
	struct program_name key = {.name = word.data + word.len - len, .len = len}, *found;

	if (!len || !names->begins[(unsigned char)*key.name])
		return before;
	found = bsearch(&key, names->name, names->count, sizeof(key), name_compare);
	if (!found)
		return before;
	if (found->program->after && (!before || strcmp(before->names, found->program->after)))
		return before;
	return found->program;
}

/* Length of the option at the beginning of word, 0 if it isn't there. */
static size_t option_match(const struct program *p, const struct program_option *o,
			   struct bytes word)
{
	size_t len = strlen(o->prefix), skip = 0;

	if (word.len >= len && !memcmp(word.data, o->prefix, len))
		return len;
	if (!p->switches || len != 2)
		return 0;
	while (1 + skip < word.len && strchr(p->switches, word.data[1 + skip]) &&
	       word.data[1 + skip])
		skip++;
	return skip && 1 + skip < word.len && word.data[1 + skip] == o->prefix[1] ? 2 + skip : 0;
}

const struct program_option *scrub_program_option(const struct program *p, struct bytes word,
						  bool is_value_next, size_t *ret_value)
{
	for (const struct program_option *o = p->options;
	     o < p->options + PROGRAM_OPTIONS_MAX && o->prefix; o++) {
		size_t len = option_match(p, o, word);

		if (!len)
			continue;
		if (len == word.len) {
			if (!(o->place & PLACE_NEXT) && !is_value_next)
				continue;
			*ret_value = len;
			return o;
		}
		if (!(o->place & PLACE_ATTACHED))
			continue;
		if (!strncmp(o->prefix, "--", 2) && word.data[len++] != '=')
			continue;
		*ret_value = len;
		return o;
	}
	return NULL;
}
