/* SPDX-License-Identifier: BSD-2-Clause */
/* Set by the Makefile; --version of every program, and every file header, show it. */
#pragma once

#ifndef RUNMARK_VERSION
#define RUNMARK_VERSION "0.0.0-unbuilt"
#endif
