/* SPDX-License-Identifier: BSD-2-Clause */
/* What an output takes from libraries and offers to others: counted, or by name. */
#include "report.h"

#include "common/elf_id.h"

struct names {
	struct bytes *items; /* each with a text of its own */
	size_t count, bytes;
	uint64_t total;
};

struct symbols {
	bool with_names, failed;
	struct names imported, exported;
};

static bool take_symbol(void *arg, const char *name, bool is_imported)
{
	struct symbols *symbols = arg;
	struct names *names = is_imported ? &symbols->imported : &symbols->exported;
	size_t len = strlen(name);
	char *copy;

	names->total++;
	if (!symbols->with_names || names->count >= REPORT_NAMES_MAX ||
	    names->bytes + len > REPORT_NAMES_BYTES)
		return true;
	if (!names->items)
		names->items = calloc(REPORT_NAMES_MAX, sizeof(names->items[0]));
	copy = names->items ? strdup(name) : NULL;
	symbols->failed = !copy;
	if (!copy)
		return false;
	names->items[names->count++] = (struct bytes){copy, len};
	names->bytes += len;
	return true;
}

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free((char *)names->items[i].data);
	free(names->items);
}

void report_symbols(struct report *report, int fd, enum config_symbols wanted)
{
	struct symbols symbols = {.with_names = wanted == CONFIG_SYMBOLS_NAMES};
	struct json *record = &report->record;
	const struct names *imported = &symbols.imported, *exported = &symbols.exported;

	/* what is linked statically has none */
	if (wanted == CONFIG_SYMBOLS_NO || elf_id_symbols(fd, take_symbol, &symbols) < 0 ||
	    symbols.failed) {
		json_null(record, "symbols");
	} else {
		json_open(record, "symbols", '{');
		json_count(record, "imported", imported->total);
		json_count(record, "exported", exported->total);
		if (symbols.with_names) {
			json_texts(record, "imported_names", imported->items, imported->count);
			json_texts(record, "exported_names", exported->items, exported->count);
		}
		json_close(record, '}');
		if (symbols.with_names &&
		    (imported->count < imported->total || exported->count < exported->total))
			report_incomplete(report, "symbols: cut at 10000 names, or 64 KiB");
	}
	names_done(&symbols.imported);
	names_done(&symbols.exported);
}
