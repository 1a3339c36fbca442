// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of secrets. A name is taken apart to words (at signs, and where capitals begin), and its
 * last word decides: "--token-file" is a file, "--tokenize" another word, "--max-tokens" a number.
 */
#include "common/scrub_rules.h"

#define WORDS_MAX 8 /* the last ones of a name */

struct words {
	char text[SCRUB_NAME_MAX]; /* in lower case */
	struct {
		uint8_t begin, len;
	} word[WORDS_MAX];
	unsigned int count;
};

struct secret_word {
	const char *word;
	uint8_t len;
	bool is_end;	   /* also at the end of a word: "PGPASSWORD" */
	const char *after; /* only behind one of these words */
	const char *but;   /* neither one of these nor behind one of these */
	unsigned int traits;
};

#define KEYS                                                                                       \
	" access account admin api auth client crypto hmac secret service session shared storage " \
	"subscription "
#define KEYS_OFTEN_FILES " deploy encryption master private signing "
/* settings of language models, and tokens that are counted */
#define NOT_TOKENS                                                                                 \
	" max min num n new pad eos bos sep unk cls mask stop start end special image next per "   \
	"first last ctx context by each "

/* passes of a compiler, an encoder, a renderer, a filter */
#define NOT_PASSWORDS                                                                              \
	" after all band before by com debug depth disable dump each enable final first fourth "   \
	"high last low multi n next num number one opt per post pre print render run second "      \
	"shadow single start stop sub third three two "
#define PASSES                                                                                     \
	" allpass askpass bandpass bypass compass encompass firstpass highpass lowpass multipass " \
	"nopass onepass overpass postpass prepass renderpass rpass secondpass singlepass subpass " \
	"surpass trespass twopass underpass "

#define WORD(text) text, sizeof(text) - 1

static const struct secret_word secret_words[] = {
	{WORD("password"), true, NULL, NULL, 0},
	{WORD("passwd"), true, NULL, NULL, 0},
	{WORD("passphrase"), true, NULL, NULL, 0},
	{WORD("passwort"), true, NULL, NULL, 0},
	{WORD("passcode"), true, NULL, NULL, 0},
	{WORD("secret"), true, NULL, NULL, NAME_WEAK},
	{WORD("token"), false, NULL, NOT_TOKENS, NAME_WEAK},
	{WORD("authtoken"), true, NULL, NULL, 0},
	{WORD("accesstoken"), true, NULL, NULL, 0},
	{WORD("apitoken"), true, NULL, NULL, 0},
	{WORD("apikey"), true, NULL, NULL, 0},
	{WORD("accesskey"), true, NULL, NULL, 0},
	{WORD("accountkey"), true, NULL, NULL, 0},
	{WORD("authkey"), true, NULL, NULL, 0},
	{WORD("secretkey"), true, NULL, NULL, 0},
	{WORD("sessionkey"), true, NULL, NULL, 0},
	{WORD("privatekey"), true, NULL, NULL, NAME_OFTEN_PATH},
	{WORD("key"), false, KEYS, NULL, 0},
	{WORD("key"), false, KEYS_OFTEN_FILES, NULL, NAME_OFTEN_PATH},
	{WORD("auth"), false, NULL, NULL, NAME_WEAK},
	{WORD("authorization"), false, NULL, NULL, 0},
	{WORD("bearer"), false, NULL, NULL, NAME_WEAK},
	{WORD("credential"), false, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH},
	{WORD("credentials"), false, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH},
	{WORD("creds"), false, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH},
	{WORD("cookie"), false, NULL, NULL, NAME_OFTEN_PATH},
	{WORD("cookies"), false, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH},
	{WORD("jwt"), false, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH},
	{WORD("psk"), false, NULL, NULL, NAME_WEAK},
	{WORD("pwd"), false, " db database mysql pg sql user admin root login my ", NULL, 0},
	{WORD("pwd"), true, NULL, NULL, NAME_WEAK | NAME_OFTEN_PATH}, /* PWD=/home */
	{WORD("pass"), false, NULL, NOT_PASSWORDS, NAME_WEAK | NAME_OFTEN_COUNT},
	{WORD("pass"), true, NULL, PASSES, NAME_OFTEN_COUNT},
	{WORD("pin"), false, NULL, NULL, NAME_WEAK | NAME_PIN},
	{WORD("pat"), false, " azure gh github gitlab ", NULL, 0},
};

/* A last word that says how the secret is written, not what it is of. */
static const char forms_of_value[] = " b64 base64 hex plain string text value ";
/* A first word that makes it a question or a switch. */
static const char switches[] = " allow ask disable enable is need no prompt require requires show "
			       "skip use with without ";

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void words_add(struct words *w, size_t begin, size_t end)
{
	while (end > begin && is_digit(w->text[end - 1])) /* "password2" */
		end--;
	if (end == begin)
		return;
	if (w->count == WORDS_MAX) {
		memmove(&w->word[1], &w->word[2], (WORDS_MAX - 2) * sizeof(w->word[0]));
		w->count--;
	}
	w->word[w->count].begin = begin;
	w->word[w->count++].len = end - begin;
}

/* "APIKey_old-2": api, key, old. The first word stays, whatever is between. */
static void words_of(struct bytes name, struct words *ret)
{
	size_t begin = 0;

	ret->count = 0;
	for (size_t i = 0; i < name.len; i++) {
		const char *c = &name.data[i];

		ret->text[i] = to_lower(*c);
		if (!is_alnum(*c)) {
			words_add(ret, begin, i);
			begin = i + 1;
		} else if (i > begin && is_upper(*c) &&
			   (!is_upper(c[-1]) || (i + 1 < name.len && is_alnum(c[1]) &&
						 !is_upper(c[1]) && !is_digit(c[1])))) {
			words_add(ret, begin, i);
			begin = i;
		}
	}
	words_add(ret, begin, name.len);
}

static bool word_is_in(const struct words *w, unsigned int i, const char *list)
{
	return words_have(list, w->text + w->word[i].begin, w->word[i].len);
}

static bool word_is_secret(const struct words *w, unsigned int last, const struct secret_word *s)
{
	const char *word = w->text + w->word[last].begin;
	size_t len = w->word[last].len, secret_len = s->len;

	if (word[len - 1] != s->word[secret_len - 1])
		return false;
	if (s->is_end ? word + len < w->text + secret_len : len != secret_len)
		return false;
	if (memcmp(word + len - secret_len, s->word, secret_len)) /* also "passWord" */
		return false;
	return !s->after || (last && word_is_in(w, last - 1, s->after));
}

/* Something else that looks like the secret word. */
static bool word_is_plain(const struct words *w, unsigned int last, const struct secret_word *s)
{
	return s->but && (word_is_in(w, last, s->but) || (last && word_is_in(w, last - 1, s->but)));
}

unsigned int scrub_name(struct bytes name)
{
	struct words w;
	unsigned int last;

	if (name.len > SCRUB_NAME_MAX) {
		name.data += name.len - SCRUB_NAME_MAX;
		name.len = SCRUB_NAME_MAX;
	}
	words_of(name, &w);
	if (!w.count)
		return 0;
	last = w.count - 1;
	while (last && word_is_in(&w, last, forms_of_value))
		last--;
	for (size_t i = 0; i < ARRAY_SIZE(secret_words); i++) {
		const struct secret_word *s = &secret_words[i];

		if (!word_is_secret(&w, last, s))
			continue;
		if (word_is_plain(&w, last, s))
			return NAME_PLAIN;
		/* more words than one are no chance: "x-auth-token:" */
		return NAME_SECRET | (last ? s->traits & ~NAME_WEAK : s->traits) |
		       (last && word_is_in(&w, 0, switches) ? NAME_SWITCH : 0);
	}
	return 0;
}
