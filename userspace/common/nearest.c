/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The distance is Damerau's: a swap of neighbours counts one, as a typing hand makes it. Three rows
 * are all it needs; words longer than the rows are never near.
 */
#include "common/nearest.h"

#define WORD_MAX 32

static size_t distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *reused = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = MIN(change, MIN(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = reused;
	}
	return last[b_len];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, words[i]);

		/* Three wrong letters of four are no likeness. */
		if (d < best && d <= 1 + strlen(words[i]) / 3) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
