// SPDX-License-Identifier: BSD-2-Clause
/*
 * Secrets in command lines: a table of what is replaced and what is not, and for command lines of
 * random words, that a secret never comes through while everything else does.
 */
#include "tests/unit/unit.h"

#include "common/scrub.h"

#define M SCRUB_MARK
#define JWT                                                                                        \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"                 \
	"XgL0n3I9PlFUP0THs"
#define GHP "ghp_0123456789abcdefghijABCDEFGHIJ012345"

static char *listed[] = {"licence-no", "X_*_PIN", "--dashed"};
static const struct config_list names = {listed, 3};

struct scrub_case {
	struct bytes argv, wanted; /* wanted NULL: stays as it is */
};

/* clang-format off */
#define GOES(argv, wanted) {BYTES_INIT(argv), BYTES_INIT(wanted)}
#define STAYS(argv) {BYTES_INIT(argv), {NULL, 0}}
static const struct scrub_case options[] = {
	GOES("p\0--password=secret\0x\0", "p\0--password=" M "\0x\0"),
	GOES("p\0--password\0secret\0x\0", "p\0--password\0" M "\0x\0"),
	GOES("p\0-password\0secret\0", "p\0-password\0" M "\0"),
	GOES("p\0--PassWord=secret\0", "p\0--PassWord=" M "\0"),
	GOES("p\0--db-passwd\0s", "p\0--db-passwd\0" M),
	GOES("p\0--db_password=my long secret\0", "p\0--db_password=" M "\0"),
	GOES("p\0--passphrase\0-x1234\0", "p\0--passphrase\0" M "\0"),
	GOES("p\0--client-secret=s\0", "p\0--client-secret=" M "\0"),
	GOES("p\0--token\0s\0--verbose\0", "p\0--token\0" M "\0--verbose\0"),
	GOES("p\0--api-key=s\0", "p\0--api-key=" M "\0"),
	GOES("p\0--apikey\0s\0", "p\0--apikey\0" M "\0"),
	GOES("p\0--apiKey\0s\0", "p\0--apiKey\0" M "\0"),
	GOES("p\0--aws.secretAccessKey=/s+s\0", "p\0--aws.secretAccessKey=" M "\0"),
	GOES("p\0--access-key\0s\0", "p\0--access-key\0" M "\0"),
	GOES("p\0--private-key\0MIIEvQIB\0", "p\0--private-key\0" M "\0"),
	GOES("p\0--auth=me:s\0", "p\0--auth=" M "\0"),
	GOES("p\0--credentials=s\0", "p\0--credentials=" M "\0"),
	GOES("p\0--oauth2-bearer\0s\0", "p\0--oauth2-bearer\0" M "\0"),
	GOES("p\0--session-key=s\0", "p\0--session-key=" M "\0"),
	GOES("p\0--cookie\0id=s\0", "p\0--cookie\0" M "\0"),
	GOES("p\0--password2=s\0", "p\0--password2=" M "\0"),
	GOES("p\0--smtp-pass=s\0", "p\0--smtp-pass=" M "\0"),
	GOES("wget\0--http-password=s\0u\0", "wget\0--http-password=" M "\0u\0"),
	GOES("p\0--password==s\0", "p\0--password==" M "\0"),
	STAYS("p\0--author=Bob\0"),
	STAYS("p\0--author\0Bob\0"),
	STAYS("p\0--tokenize\0x\0"),
	STAYS("p\0--tokenizer=bert\0"),
	STAYS("p\0--max-tokens\0" "512\0--max_token=7\0--pad-token=<pad>\0"),
	STAYS("p\0--password-file=/home/a/pw\0"),
	STAYS("p\0--password-file\0pw.txt\0"),
	STAYS("p\0--private-key=/home/a/.ssh/id\0--private-key\0~/.ssh/id\0"),
	STAYS("p\0--credentials=./creds.json\0"),
	STAYS("p\0--auth-type\0basic\0"),
	STAYS("p\0--auth=none\0--token=\0--password=true\0"),
	STAYS("p\0--ask-password\0x\0--use-token\0y\0--no-auth\0z\0"),
	STAYS("p\0--password\0--user\0me\0"),
	STAYS("p\0--password\0-v\0me\0"),
	STAYS("p\0--key\0x\0--keys=y\0--monkey=z\0--secretary=a\0"),
	STAYS("p\0--pass=2\0-pass\0" "1\0--first-pass=x\0"),
	STAYS("p\0-p\0" "8080\0passthrough\0--passthrough=yes\0--bypass=x\0"),
	STAYS("p\0--compass=north\0--credit=5\0--cookie-jar\0f\0"),
	STAYS("p\0--password"),
	STAYS("p\0--password\0"),
	STAYS("p\0--password\0\0x\0"),
	STAYS(""),
	STAYS("\0"),
	STAYS("\0\0\0x"),
	STAYS("-\0--\0=\0:\0==\0:=\0-=\0--=x\0://\0'\0\"\0"),
	GOES("p\0--licence-no=s\0-Licence-No\0s\0", "p\0--licence-no=" M "\0-Licence-No\0" M "\0"),
	GOES("p\0x_my_pin=s\0", "p\0x_my_pin=" M "\0"),
	GOES("p\0--dashed=s\0-dashed\0s\0DASHED=s\0", "p\0--dashed=" M "\0-dashed\0" M "\0DASHED=" M "\0"),
	GOES("p\0--pass\0s\0x\0", "p\0--pass\0" M "\0x\0"),
	GOES("p\0--pass=s\0-pass\0abc\0", "p\0--pass=" M "\0-pass\0" M "\0"),
	GOES("p\0--mypass\0s\0--my-pass=s\0", "p\0--mypass\0" M "\0--my-pass=" M "\0"),
	GOES("p\0--pass=123\0", "p\0--pass=" M "\0"),
	GOES("p\0--pwd=s\0--pwd\0s\0--sshpwd=s\0", "p\0--pwd=" M "\0--pwd\0" M "\0--sshpwd=" M "\0"),
	GOES("p\0--pin\0" "1234\0--card-pin=a1b2\0", "p\0--pin\0" M "\0--card-pin=" M "\0"),
	STAYS("singularity\0exec\0--pwd\0/work\0--pwd=/work\0"),
	STAYS("clang\0-Rpass=inline\0-mllvm\0-debug-pass=Structure\0"),
	STAYS("x264\0--pass\0" "3\0--two-pass=x\0--multipass=x\0--lowpass=100\0--low-pass=100\0"),
	STAYS("p\0--bypass\0x\0--compass\0x\0--surpass=x\0--passes\0" "7\0--passive=x\0--ask-pass\0x\0--no-pass\0x\0"),
	STAYS("gmx\0mdrun\0-pin\0on\0-pin\0auto\0-pinoffset\0" "128\0--pin=0-31,64-95\0--pin\0" "7\0--pinning=x\0--spin\0" "12345\0"),
	STAYS("p\0-max-token\0" "512\0"),
};
static const struct scrub_case programs[] = {
	GOES("mysql\0-psecret\0db\0", "mysql\0-p" M "\0db\0"),
	GOES("/usr/bin/mysqldump\0-u\0me\0-ps\0db\0", "/usr/bin/mysqldump\0-u\0me\0-p" M "\0db\0"),
	GOES("srun\0-n1\0mariadb\0-ps\0", "srun\0-n1\0mariadb\0-p" M "\0"),
	STAYS("mysql\0-p\0db\0--password\0db\0"),
	STAYS("mkdir\0-p\0x\0-pv\0"),
	GOES("htpasswd\0-b\0f\0u\0s\0", "htpasswd\0-b\0f\0" M "\0" M "\0"),
	GOES("htpasswd\0-cbB\0-C\0" "10\0/etc/htpasswd\0u\0-s\0", "htpasswd\0-cbB\0-C\0" "10\0" M "\0" M "\0" M "\0"),
	GOES("htpasswd\0-nb\0u\0s\0", "htpasswd\0-nb\0u\0" M "\0"),
	GOES("htpasswd\0-b\0mysql\0u\0s\0", "htpasswd\0-b\0mysql\0" M "\0" M "\0"),
	STAYS("htpasswd\0-c\0f\0u\0"),
	STAYS("tar\0-b\0" "20\0a\0b\0c\0"),
	STAYS("ssh\0-p2222\0host\0"),
	STAYS("docker\0run\0-p\0" "8080:80\0-p8081:81\0"),
	GOES("docker\0login\0-u\0me\0-p\0s\0host\0", "docker\0login\0-u\0me\0-p\0" M "\0host\0"),
	GOES("sshpass\0-p\0s\0ssh\0h\0", "sshpass\0-p\0" M "\0ssh\0h\0"),
	GOES("sshpass\0-ps\0ssh\0-p22\0", "sshpass\0-p" M "\0ssh\0-p22\0"),
	GOES("curl\0-u\0me:s\0u\0", "curl\0-u\0me:" M "\0u\0"),
	GOES("curl\0-sSu\0me:s:t\0u\0", "curl\0-sSu\0me:" M "\0u\0"),
	GOES("curl\0--user\0me:s\0--proxy-user=me:s\0", "curl\0--user\0me:" M "\0--proxy-user=me:" M "\0"),
	STAYS("curl\0-u\0me\0--user\0me\0-sS\0u\0-b\0jar\0"),
	GOES("curl\0-H\0Authorization: Bearer s t\0", "curl\0-H\0Authorization: " M "\0"),
	GOES("curl\0-HX-Api-Key: s\0u\0", "curl\0-HX-Api-Key: " M "\0u\0"),
	GOES("curl\0--header=PRIVATE-TOKEN:s\0", "curl\0--header=PRIVATE-TOKEN:" M "\0"),
	GOES("curl\0-b\0id=s; x=y\0", "curl\0-b\0" M "\0"),
	GOES("openssl\0rsa\0-passin\0pass:s\0", "openssl\0rsa\0-passin\0pass:" M "\0"),
	GOES("openssl\0enc\0-pass\0pass:s\0", "openssl\0enc\0-pass\0pass:" M "\0"),
	STAYS("openssl\0enc\0-pass\0stdin\0"),
	STAYS("openssl\0rsa\0-passin\0file:/x\0-passout\0stdin\0"),
	GOES("redis-cli\0-a\0s\0get\0x\0", "redis-cli\0-a\0" M "\0get\0x\0"),
	GOES("ldapsearch\0-s\0sub\0-w\0s\0", "ldapsearch\0-s\0sub\0-w\0" M "\0"),
	GOES("smbclient\0-U\0me%s\0", "smbclient\0-U\0me%" M "\0"),
	GOES("7z\0a\0-psecret\0", "7z\0a\0-p" M "\0"),
	GOES("xfreerdp\0/u:me\0/p:s\0", "xfreerdp\0/u:me\0/p:" M "\0"),
	GOES("keytool\0-storepass\0s\0", "keytool\0-storepass\0" M "\0"),
};
static const struct scrub_case variables[] = {
	GOES("env\0API_TOKEN=s\0prog\0", "env\0API_TOKEN=" M "\0prog\0"),
	GOES("docker\0run\0-e\0DB_PASS=s\0-eMYSQL_PWD=s\0i\0", "docker\0run\0-e\0DB_PASS=" M "\0-eMYSQL_PWD=" M "\0i\0"),
	GOES("docker\0run\0--env=PGPASSWORD=s\0", "docker\0run\0--env=PGPASSWORD=" M "\0"),
	GOES("srun\0--export=ALL,HF_TOKEN=s,X=y\0", "srun\0--export=ALL,HF_TOKEN=" M ",X=y\0"),
	GOES("cc\0-DAPI_KEY=s\0", "cc\0-DAPI_KEY=" M "\0"),
	GOES("mount\0-o\0user=me,password=s,ro\0", "mount\0-o\0user=me,password=" M ",ro\0"),
	GOES("p\0Server=a;Pwd=b;Password=s;X=1\0", "p\0Server=a;Pwd=" M ";Password=" M ";X=1\0"),
	GOES("env\0SSHPASS=s\0ssh\0h\0", "env\0SSHPASS=" M "\0ssh\0h\0"),
	GOES("env\0PASS=s\0MYPASS=s\0USER_PIN=1234\0", "env\0PASS=" M "\0MYPASS=" M "\0USER_PIN=" M "\0"),
	STAYS("env\0BYPASS=s\0SSH_ASKPASS=/usr/bin/ask\0PASS=17\0I_MPI_PIN=1\0I_MPI_PIN=enable\0"),
	STAYS("env\0PWD=/home\0OLDPWD=/x\0OMP_NUM_THREADS=4\0KEY=x\0TOKENIZERS_PARALLELISM=no\0"),
	STAYS("dd\0if=/dev/zero\0of=/x\0bs=1M\0"),
	STAYS("git\0commit\0-m\0auth: open the token door\0"),
	STAYS("docker\0run\0auth:latest\0me/token:v2\0"),
	STAYS("p\0host:/path\0C:\\x\0a::b\0std::token::x\0"),
};
static const struct scrub_case forms[] = {
	GOES("git\0clone\0https://me:s@host/x\0", "git\0clone\0https://me:" M "@host/x\0"),
	GOES("p\0postgres://me:s@t@host:5432/db?x=y\0", "p\0postgres://me:" M "@host:5432/db?x=y\0"),
	GOES("p\0redis://:s@host\0", "p\0redis://:" M "@host\0"),
	GOES("p\0--url=ftp://a:s@h/\0", "p\0--url=ftp://a:" M "@h/\0"),
	GOES("p\0http://h/?a=1&token=s&b=2\0", "p\0http://h/?a=1&token=" M "&b=2\0"),
	STAYS("p\0https://host:443/a@b:c\0http://me@host/\0https://:@host\0"),
	GOES("p\0AKIAIOSFODNN7EXAMPLE\0", "p\0" M "\0"),
	GOES("p\0x=" GHP ",y\0", "p\0x=" M ",y\0"),
	GOES("p\0https://" GHP "@github.com/x\0", "p\0https://" M "@github.com/x\0"),
	GOES("p\0glpat-abcdefghij0123456789\0", "p\0" M "\0"),
	GOES("p\0" JWT "\0", "p\0" M "\0"),
	GOES("p\0xoxb-123456789012-abcdef\0", "p\0" M "\0"),
	GOES("p\0hf_abcdefghijklmnopqrstuvwxyz0123456789\0", "p\0" M "\0"),
	GOES("p\0say Bearer abcdef0123456789abcdef now\0", "p\0say Bearer " M " now\0"),
	GOES("p\0-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n\0",
	     "p\0-----BEGIN RSA PRIVATE KEY-----" M "-----END RSA PRIVATE KEY-----\n\0"),
	GOES("p\0-----BEGIN PRIVATE KEY-----\nMIIE", "p\0-----BEGIN PRIVATE KEY-----" M),
	STAYS("p\0-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\0"),
	STAYS("p\0AKIA\0AKIAlowercaseletters1\0ghp_short\0eyJhbGciOiJIUzI1NiJ9\0sk-learn\0"),
	STAYS("p\0the bearer of news\0xghp_0123456789abcdefghijABCDEFGHIJ012345\0"),
};
static const struct scrub_case scripts[] = {
	GOES("sh\0-c\0mysql -psecret db\0", "sh\0-c\0mysql -p" M " db\0"),
	GOES("sh\0-c\0mysql -p'se cret' db\0", "sh\0-c\0mysql -p'" M "' db\0"),
	GOES("bash\0-lc\0x; curl -u me:s u | tar -x\0", "bash\0-lc\0x; curl -u me:" M " u | tar -x\0"),
	GOES("sh\0-c\0TOKEN=s make all\0", "sh\0-c\0TOKEN=" M " make all\0"),
	GOES("sh\0-c\0export TOKEN=\"s t\" && make\0", "sh\0-c\0export TOKEN=\"" M "\" && make\0"),
	GOES("sh\0-c\0p --password 's t' x\0", "sh\0-c\0p --password '" M "' x\0"),
	GOES("sh\0-c\0p --password=s x\0", "sh\0-c\0p --password=" M " x\0"),
	GOES("sh\0-c\0p --password s x\0", "sh\0-c\0p --password " M " x\0"),
	GOES("sh\0-c\0curl -H 'Authorization: Bearer a b' u\0", "sh\0-c\0curl -H 'Authorization: " M "' u\0"),
	GOES("sh\0-c\0ssh h \"sh -c \\\"p --token \\\\\\\"s\\\\\\\"\\\"\"\0", "sh\0-c\0ssh h \"sh -c \\\"p --token \\\\\\\"" M "\\\\\\\"\\\"\"\0"),
	GOES("curl\0-d\0{\"user\": \"me\", \"password\": \"s t\", \"n\": 1}\0", "curl\0-d\0{\"user\": \"me\", \"password\": \"" M "\", \"n\": 1}\0"),
	GOES("curl\0-d\0{\"token\":\"s\",\"x\":1}\0", "curl\0-d\0{\"token\":\"" M "\",\"x\":1}\0"),
	GOES("curl\0-d\0user=me&password=s&x=1\0", "curl\0-d\0user=me&password=" M "&x=1\0"),
	GOES("python3\0-c\0f(token='s', n=3)\0", "python3\0-c\0f(token='" M "', n=3)\0"),
	GOES("python3\0-c\0password = \"s\"\nprint(1)\0", "python3\0-c\0password = \"" M "\"\nprint(1)\0"),
	GOES("psql\0host=h user=me password=s dbname=d\0", "psql\0host=h user=me password=" M " dbname=d\0"),
	GOES("git\0-c\0http.extraHeader=Authorization: Basic czpz x\0", "git\0-c\0http.extraHeader=Authorization: " M " x\0"),
	GOES("sh\0-c\0htpasswd -b f u s && x y z\0", "sh\0-c\0htpasswd -b f " M " " M " && x y z\0"),
	GOES("sh\0-c\0htpasswd -b f 'u' \"s t\"; x\0", "sh\0-c\0htpasswd -b f '" M "' \"" M "\"; x\0"),
	GOES("sh\0-c\0SSHPASS=s ssh h\0", "sh\0-c\0SSHPASS=" M " ssh h\0"),
	STAYS("sh\0-c\0echo 'PASS: all'; echo pin: 12\0"),
	STAYS("sh\0-c\0mkdir -p x; cp -pr a b && echo \"it's done\"\0"),
	STAYS("python3\0-c\0if token == 5: print('a token: 5')\0"),
	STAYS("awk\0{ print $1 \": \" $2 }\0a b c=d e\0"),
};
/* clang-format on */

static struct scrub *scrub;

static int begin(void **state)
{
	(void)state;
	return scrub_new(&names, &scrub);
}

static int end(void **state)
{
	(void)state;
	scrub_free(scrub);
	return 0;
}

static char *shown(struct bytes argv)
{
	static char text[4096];
	size_t len = 0;

	for (size_t i = 0; i < argv.len; i++)
		text[len++] = argv.data[i] ?: '|';
	text[len] = '\0';
	return text;
}

static void check_cases(const struct scrub_case *cases, size_t count)
{
	static char out[16384];
	unsigned int wrong = 0;

	for (size_t i = 0; i < count; i++) {
		struct bytes wanted = cases[i].wanted.data ? cases[i].wanted : cases[i].argv;
		bool is_changed;
		size_t len = scrub_argv(scrub, cases[i].argv, out, sizeof(out), &is_changed);

		if (is_changed == (cases[i].wanted.data != NULL) && len == wanted.len &&
		    !memcmp(out, wanted.data, len))
			continue;
		wrong++;
		print_message("# %s\n", shown(cases[i].argv));
		print_message("#   is     %s\n", shown((struct bytes){out, len}));
		print_message("#   wanted %s\n", shown(wanted));
	}
	assert_int_equal(wrong, 0);
}

static void secrets_of_options(void **state)
{
	(void)state;
	check_cases(options, ARRAY_SIZE(options));
}

static void secrets_of_programs(void **state)
{
	(void)state;
	check_cases(programs, ARRAY_SIZE(programs));
}

static void secrets_of_variables(void **state)
{
	(void)state;
	check_cases(variables, ARRAY_SIZE(variables));
}

static void secrets_by_their_form(void **state)
{
	(void)state;
	check_cases(forms, ARRAY_SIZE(forms));
}

static void secrets_in_texts(void **state)
{
	(void)state;
	check_cases(scripts, ARRAY_SIZE(scripts));
}

/* What a secret may stand in; %s is it. Anything else may stand before and after. */
static const char *const holders[] = {
	"--password=%s",
	"--token|%s",
	"API_KEY=%s",
	"-H|Authorization: Basic %s",
	"https://me:%s@host/",
	"-DSECRET=%s",
	"--env=X_TOKEN=%s",
	"mysql|-p%s",
	"curl|-u|me:%s",
	"sh|-c|curl -u me:%s host",
	"sh|-c|sshpass -p %s ssh host",
	"{\"password\":\"%s\"}",
};
static const char *const others[] = {"-x", "file.txt", "--verbose", "a=b",  "'",
				     "\"", "it's",     "",	    "x: y", "{\"a\": 1}",
				     "-p", "\xff\xfe", "--",	    "=",    "a b c"};

static size_t words_make(char *out, const char *const *words, size_t count, const char *secret)
{
	size_t len = sprintf(out, words[random() % count], secret) + 1;

	for (size_t i = 0; i < len; i++)
		if (out[i] == '|')
			out[i] = '\0';
	return len;
}

static size_t arguments(const char *data, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += !data[i];
	return count;
}

static void no_secret_comes_through(void **state)
{
	static const char secret[] = "S3cr3tW0rd";

	(void)state;
	srandom(29);
	for (int n = 0; n < 50021; n++) {
		char in[2048], out[4096];
		size_t len = 0, out_len, limit;
		bool is_changed;

		for (int i = random() % 7; i > 0; i--)
			len += words_make(in + len, others, ARRAY_SIZE(others), "");
		len += words_make(in + len, holders, ARRAY_SIZE(holders), secret);
		for (int i = random() % 7; i > 0; i--)
			len += words_make(in + len, others, ARRAY_SIZE(others), "");
		limit = len + random() % 16;
		out_len = scrub_argv(scrub, (struct bytes){in, len}, out, limit, &is_changed);
		if (!is_changed || memmem(out, out_len, secret, sizeof(secret) - 1))
			print_message("# %s\n", shown((struct bytes){in, len}));
		assert_true(is_changed);
		assert_null(memmem(out, out_len, secret, sizeof(secret) - 1));
		assert_true(out_len <= limit);
		assert_int_equal(arguments(out, out_len), arguments(in, len));
	}
}

static void marks_stay_within_the_limit(void **state)
{
	static char in[8192], out[2 * sizeof(in)];
	bool is_changed;
	size_t len = sprintf(in, "mysql") + 1;

	(void)state;
	while (len + 4 <= sizeof(in)) /* each would grow by nine bytes */
		len = stpcpy(in + len, "-ps") + 1 - in;
	assert_int_equal(scrub_argv(scrub, (struct bytes){in, len}, out, len, &is_changed), len);
	assert_string_equal(out + 6, "-p*");
	assert_int_equal(scrub_argv(scrub, (struct bytes){in, len}, out, len + 9, &is_changed),
			 len + 9);
	assert_string_equal(out + 6, "-p" M);
	assert_string_equal(out + 6 + 13, "-p*");
}

static void an_argument_at_a_time_is_the_same(void **state)
{
	static char in[20000], wanted[sizeof(in)];
	bool is_changed;
	size_t len, at = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct bytes argv = scripts[i].argv;

		at = 0;
		len = scrub_argv(scrub, argv, wanted, sizeof(wanted), &is_changed);
		scrub_begin(scrub);
		while (argv.len) {
			struct bytes one = {argv.data, strnlen(argv.data, argv.len)};
			struct bytes got = scrub_argument(scrub, one);

			assert_memory_equal(wanted + at, got.data, got.len);
			at += got.len + 1;
			argv.data += one.len + 1;
			argv.len -= one.len + 1;
		}
		assert_int_equal(at, len);
	}
	memset(in, '=', sizeof(in)); /* longer than what is there */
	assert_ptr_equal(scrub_argument(scrub, (struct bytes){in, sizeof(in)}).data, in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_of_options),
		cmocka_unit_test(secrets_of_programs),
		cmocka_unit_test(secrets_of_variables),
		cmocka_unit_test(secrets_by_their_form),
		cmocka_unit_test(secrets_in_texts),
		cmocka_unit_test(no_secret_comes_through),
		cmocka_unit_test(marks_stay_within_the_limit),
		cmocka_unit_test(an_argument_at_a_time_is_the_same),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
