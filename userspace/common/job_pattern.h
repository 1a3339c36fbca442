/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Patterns of control group paths, by components. In a component, * is one or more of any
 * characters, and a field is
 *
 *   %i  digits: a job's id		%a  the same, an element of an array perhaps: 12, 12[3]
 *   %s  a Slurm step, "batch"		%t  digits: a task
 *   %l  a SLUID			%f  Flux's id in base 58, f2oRAoh1bB
 *   %k  a pod's UUID			%n  a slot's name, which begins so
 *   %h  64 hex digits: a container	%c  digits: a container
 *   %y  a system user's id, below 1000	%u  digits
 *
 * of which %y and %u are not kept. "a|b" is a or b.
 */
#pragma once

#include "util.h"

struct job_capture {
	struct bytes id, sluid, step, task, array_task, container;
};

/* Takes the components that match off path. True if all of a pattern did; else nothing changes. */
bool job_match(const char *patterns, struct bytes *path, struct job_capture *capture);
/* The same of the first alternative alone; if only its beginning matches, path and capture are as
 * far as it went. */
bool job_match_one(const char *pattern, struct bytes *path, struct job_capture *capture);
/* Takes the first component off path. Slashes that stand double count as one. */
struct bytes job_take_component(struct bytes *path);

/* Digits at the start of text; 0 if there are none, or too many. */
size_t job_digits_length(struct bytes text);
