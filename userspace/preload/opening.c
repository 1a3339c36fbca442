/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for the end costs a program as much as all the rest of a message, and most short programs
 * have nothing to tell there. So it is only made where an object asks for one of the functions by
 * which objects are opened: dlopen() and what libc does with it. (A program that finds dlopen() by
 * dlsym(), or whose character set libc has in a file, is missed.)
 */
#include "preload/opening.h"
#include "preload/mapped.h"
#include "preload/symbol.h"
#include "common/util.h"

#include <string.h>

#define ASKED_MAX 1024 /* a program that asks for so many is no short one */

/* How their names begin: of libc itself, or so that it opens something: the way to dlopen(), name
 * services, character sets, and the unwinder, which libc opens when it first needs it. */
static const char *const openers[] = {
	"dlopen",   "dlmopen",	 "dlsym",      "getpw",	       "getgr",	      "gethost",
	"getnet",   "getserv",	 "getproto",   "getaddr",      "getnameinfo", "initgroups",
	"iconv_op", "backtrace", "pthread_ca", "pthread_exit",
};

static bool is_opener(const char *name, size_t max)
{
	for (size_t i = 0; i < ARRAY_SIZE(openers); i++)
		if (*name == *openers[i] && strlen(openers[i]) < max &&
		    !strncmp(name, openers[i], strlen(openers[i])))
			return true;
	return false;
}

/* The loader has used the tables, but not all of what they say: they are held against the object's
 * segments. In doubt the answer is yes. */
bool opening_is_asked(const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dynamic = mapped_dynamic(info);
	struct mapped mapped = {.info = info};
	struct symbol_tables tables;
	size_t count;

	if (!dynamic || !symbol_tables_find(dynamic, info->dlpi_addr, &tables))
		return true;
	count = symbol_count_asked(&tables);
	if (!count || count > ASKED_MAX ||
	    !mapped_is_readable(&mapped, (ElfW(Addr))tables.symbols - info->dlpi_addr,
				count * sizeof(*tables.symbols)) ||
	    !mapped_is_readable(&mapped, (ElfW(Addr))tables.names - info->dlpi_addr,
				tables.names_len))
		return true;
	for (size_t i = 1; i < count; i++) {
		size_t name = tables.symbols[i].st_name;

		if (name < tables.names_len &&
		    is_opener(tables.names + name, tables.names_len - name))
			return true;
	}
	return false;
}
