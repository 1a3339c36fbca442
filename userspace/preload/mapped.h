/* SPDX-License-Identifier: BSD-2-Clause */
/* What of an object's memory can be read without a fault, by headers that are the object's own
 * word. Addresses are as in the headers, without the base. */
#pragma once

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One object, while it is looked at. */
struct mapped {
	const struct dl_phdr_info *info;
	uint64_t known; /* offset in its file that the loader has read; 0: not looked for yet */
};

bool mapped_is_readable(struct mapped *mapped, ElfW(Addr) address, size_t len);

/* The dynamic section, in memory; NULL: none. */
const ElfW(Dyn) * mapped_dynamic(const struct dl_phdr_info *info);
