/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of runmark show, one JSON object whatever was asked:
 *	{"program":{"path","watermark","watermark_state","build_id","compilers"},
 *	 "conflict":bool, "links":[...], "links_total":N, "runs":[...], "runs_total":N}
 * Links and runs are records; each has "verified" besides. "compilers" only of a file that was
 *read.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

/*
 * Says of each link and run whether the join by watermark is confirmed by the build-id, and sets
 *"conflict" where links of one watermark made different programs. Watermarks can be copied: a link
 *record is what its author says, the build-id is what the linker made of the content.
 *	link	true: the program's build-id; false: another one; null: nothing to compare with
 *	run	true: a link here has the same watermark and build-id (of the program, or of the
 *library that was asked for); false: none has; null: nothing to compare with 0 or -ENOMEM.
 */
int show_verify(cJSON *answer);

/* The answer for people. is_one_run: a run was asked for by its id, print all of it. */
int show_print(const cJSON *answer, bool is_one_run);
/* The program alone, where there is no database. */
void show_print_program(const cJSON *answer);
