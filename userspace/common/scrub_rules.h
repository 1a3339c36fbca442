/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of scrub: which names, programs and forms are secret (scrub_name.c, scrub_program.c,
 * scrub_form.c), and how a text is searched with them (scrub_pair.c, scrub_word.c). */
#pragma once

#include "scrub.h"

enum name_trait {
	NAME_SECRET = 1 << 0,
	NAME_OFTEN_PATH = 1 << 1,  /* --private-key: a value that is plainly a path stays */
	NAME_WEAK = 1 << 2,	   /* a plain word before a colon too: "auth: fix the door" */
	NAME_SWITCH = 1 << 3,	   /* --ask-password: takes no argument of its own */
	NAME_PLAIN = 1 << 4,	   /* known as no secret: -max-token is no "ax-token" behind -m */
	NAME_OFTEN_COUNT = 1 << 5, /* --pass 2: a number of one or two digits stays */
	NAME_PIN = 1 << 6,	   /* --pin on, --pin 0-3: stays unless it may be a PIN */
};

/* What a name, without dashes in front, says. enum name_trait, 0: nothing secret. */
unsigned int scrub_name(struct bytes name);

enum value_part { /* of an option's value */
		  VALUE_ALL,
		  VALUE_AFTER, /* behind the first of the option's divider ("user:password") */
		  VALUE_DATA,  /* all, if there is a "=" in it; else it names a file */
};

enum option_place {
	PLACE_ATTACHED = 1 << 0, /* -pVALUE */
	PLACE_NEXT = 1 << 1,	 /* -p VALUE */
	PLACE_BOTH = 3,
};

struct program_option {
	const char *prefix; /* "-p"; with two dashes the attached value has a "=" before it */
	uint8_t place, part;
	char divider;
};

#define PROGRAM_OPTIONS_MAX 8

struct program {
	const char *names;	/* with blanks around each */
	const char *after;	/* only as a word behind one of these: "docker login" */
	const char *switches;	/* letters that may stand before an option's: curl -su */
	bool asks_for_password; /* --password alone has no value */
	char rest_by;		/* behind the option of that letter, operands but the first */
	struct program_option options[PROGRAM_OPTIONS_MAX];
};

#define PROGRAM_NAMES_MAX 192

struct program_names { /* all of them, sorted */
	struct program_name {
		const char *name;
		size_t len;
		const struct program *program;
	} name[PROGRAM_NAMES_MAX];
	size_t count;
	bool begins[256]; /* some name begins so */
};

void scrub_programs_sort(struct program_names *ret);
/* The program that a word names, by its base name; before: what was named before, or NULL. Returns
 * before if it names none. */
const struct program *scrub_program(const struct program_names *names, struct bytes word,
				    const struct program *before);
/* The option that a word is, NULL if none. is_value_next: a value stands right behind the word, in
 * quotes. *ret_value: where its attached value begins, word.len if it is the next word. */
const struct program_option *scrub_program_option(const struct program *program, struct bytes word,
						  bool is_value_next, size_t *ret_value);

struct pending { /* the next word is a value */
	bool is_set;
	unsigned int traits;
	enum value_part part;
	char divider;
};

struct line { /* a command line, as far as it was read */
	const struct program *program;
	struct pending pending;
	bool is_script_next;				  /* behind "-c" */
	enum { REST_PLAIN, REST_NEXT, REST_SECRET } rest; /* NEXT: behind the next operand */
};

struct scrub {
	const struct config_list *names;
	struct program_names programs;
	struct line line;
	uint8_t *mask; /* a byte for each of the argument */
	size_t mask_size;
	char *out;
	size_t out_size;
};

/* enum name_trait of a name with its dashes; what the configuration lists is a secret's too. */
unsigned int scrub_name_traits(const struct scrub *scrub, struct bytes name);
/* Marks the value [begin, end) of text, or the part of it that is secret. True if anything. */
bool scrub_value(struct scrub *scrub, struct bytes text, size_t begin, size_t end,
		 const struct pending *how);
/* The closing quote of what begins at i, or the end of text. is_escaped: the opening one had a
 * backslash. */
size_t scrub_quote_end(struct bytes text, size_t i, char quote, bool is_escaped);
/* Marks the values of pairs of name and value. */
bool scrub_pairs(struct scrub *scrub, struct bytes text);
/* The word [begin, end) of text as the next one of line: marks what it and the words before it say
 * is secret in it. */
bool scrub_word(struct scrub *scrub, struct line *line, struct bytes text, size_t begin,
		size_t end);
/* Marks what is secret by the words of a text, as of command lines. */
bool scrub_words(struct scrub *scrub, struct bytes text);

/* Marks in mask (a byte for each of text) what has the form of a secret. True if anything. */
bool scrub_forms(struct bytes text, uint8_t *mask);

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static inline bool scrub_is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static inline bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static inline char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline bool is_name_byte(char c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

/* word in a text of words with blanks around each. */
static inline bool words_have(const char *words, const char *word, size_t len)
{
	for (const char *at = words; len && (at = memmem(at, strlen(at), word, len)); at++)
		if (at > words && at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}
