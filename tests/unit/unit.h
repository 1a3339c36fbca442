/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test includes: CMocka with what it needs before it, and bytes that hold NUL. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/util.h"

/* A literal as a span, with what stands behind its first NUL. */
#define BYTES(literal) ((struct bytes){(literal), sizeof(literal) - 1})

/* The same as a constant, for tables. */
#define BYTES_INIT(literal)                                                                        \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}
