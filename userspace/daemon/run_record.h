/* SPDX-License-Identifier: BSD-2-Clause */
/* From an image that has ended to its run record, and to the sets that the record refers to. */
#pragma once

#include "common/id.h"
#include "daemon/node.h"
#include "daemon/run_values.h"
#include <cjson/cJSON.h>

/* The hash of the image's objects and environment; empty text where the environment isn't known. */
void run_object_hash(const struct image *image, char ret[ID_HASH_SIZE]);
void run_env_hash(const struct image *image, char ret[ID_HASH_SIZE]);

/* The set lines. NULL if memory ran out. The caller frees. */
cJSON *run_object_set(const struct image *image, const char *hash);
cJSON *run_env_set(const struct image *image, const char *hash);

/* The record but for its sequence number. A hash that is empty text: there is no such set. NULL if
 * memory ran out. The caller frees. */
cJSON *run_record(const struct node *node, const struct image *image, const char *object_hash,
		  const char *env_hash);

/* The same of the snapshot of one that goes on, for a start record. */
cJSON *start_record(const struct node *node, const struct image *image, const char *object_hash,
		    const char *env_hash);

/* Parts that group records have too. */
struct job;
bool container_json_add(cJSON *record, const struct job *job, const struct image *image);
bool namespaces_json_add(cJSON *record, const struct image *image);
bool exe_json_add(cJSON *record, const struct image *image, bool with_requested);
bool script_json_add(cJSON *record, const struct image *image);
/* "exit": of a wait status, as of waitpid(2). */
bool exit_json_add(cJSON *record, uint32_t wait_status, bool oom);
/* "bpf" or "preload". */
const char *run_source(const struct image *image);
/* "incomplete". */
bool incomplete_json_add(cJSON *record, const struct image *image, const char *object_hash);
/* Of a module's run, to the list "incomplete": what runs that are equal share. */
/* Of a number that is null since it is over what a record can hold. */
void incomplete_add_value(cJSON *list, enum run_value value, uint64_t number);
void incomplete_add_shared(cJSON *list, const struct image *image);
/* What is not known of the program and its objects, to the list "incomplete". */
void incomplete_add_files(cJSON *list, const struct image *image, const char *object_hash);
/* The program's notes: from its memory, else from its file. NULL if neither could be read. */
const struct note_ids *image_notes(const struct image *image);

/* Null for NULL and for an empty text. */
bool json_add_or_null(cJSON *object, const char *name, const char *text);

/* {"manager":…} or null of a job, for run and link records alike. */
bool job_json_add(cJSON *record, const struct job *job, struct bytes cgroup);
/* The job of an image, as it was found at its exec (live_job()). -ENOENT if it is in none: *ret
 * then has at most its container. */
int image_job(const struct image *image, struct job *ret);
/* The same from what the exec itself tells: its cgroups, its environment; and the cgroup. */
int exec_job(const struct event_exec *exec, struct job *ret);
struct bytes exec_cgroup(const struct event_exec *exec);
/* A variable of the exec's environment as it was kept, or NULL. */
const char *exec_variable(const struct event_exec *exec, const char *name);
/* "mpi": rank and size of a task that a launcher started; null of anything else. */
bool mpi_json_add(cJSON *record, const struct image *image, const struct job *job);
/* The control group that decides: v2's path, or v1's where that alone names a job or v2 has only
 * its root. */
struct bytes image_cgroup(const struct image *image);
