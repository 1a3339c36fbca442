/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A file of schema/ as a text with NUL behind it; the build runs from the tree's top. */
#define MIGRATION_TEXT(symbol, file)                                                               \
	extern const char symbol[];                                                                \
	__asm__(".pushsection .rodata, \"a\"\n"                                                    \
		".global " #symbol "\n" #symbol ":\n"                                              \
		".incbin \"schema/" file "\"\n"                                                    \
		".byte 0\n"                                                                        \
		".popsection\n")
