/* SPDX-License-Identifier: BSD-2-Clause */
/* A spool and a state folder with a node and a configuration, for tests. */
#pragma once

#include "tests/unit/daemon_folder.h"
#include "tests/unit/daemon_image.h"

#include "daemon/spool.h"

#define NAME_SIZE 256

struct place {
	char folder[64], spool[80], state[80];
	struct config config;
	struct node node;
	struct losses losses;
};

static inline void place_begin(struct place *p)
{
	memset(p, 0, sizeof(*p));
	folder_new(p->folder);
	snprintf(p->spool, sizeof(p->spool), "%s/spool", p->folder);
	snprintf(p->state, sizeof(p->state), "%s/state", p->folder);
	assert_int_equal(mkdir(p->spool, 0700), 0);
	assert_int_equal(mkdir(p->state, 0700), 0);
	p->config = (struct config){.spool = p->spool,
				    .state = p->state,
				    .host = "n1",
				    .rotate_seconds = 60,
				    .rotate_mib = 64,
				    .keep_days = 30,
				    .workers = 2};
	p->node = *image_node();
	p->node.started_boot_ns = node_boot_ns();
}

static inline void place_end(struct place *p)
{
	umount2(p->spool, MNT_DETACH);
	folder_free(p->folder);
}

static inline struct spool *place_spool(struct place *p)
{
	struct spool *spool;

	assert_int_equal(spool_new(&p->config, &p->node, &p->losses, &spool), 0);
	return spool;
}

/* The name of the instance's file of that number, and below it its open form. */
static inline const char *place_name(const struct place *p, unsigned int number,
				     char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%.64s.%s.%s.%06u.jsonl", p->node.host, p->node.boot_id,
		 p->node.instance, number);
	return out;
}

static inline const char *place_open_name(const struct place *p, unsigned int number,
					  char out[NAME_SIZE])
{
	char name[NAME_SIZE];

	snprintf(out, NAME_SIZE, ".%.200s.tmp", place_name(p, number, name));
	return out;
}

/* A record of that kind with nothing in it but a text. */
static inline int add_record(struct spool *spool, const char *kind, const char *text)
{
	_cleanup_json_ cJSON *record = cJSON_CreateObject();
	char schema[64];

	snprintf(schema, sizeof(schema), "runmark.%s/1", kind);
	cJSON_AddStringToObject(record, "schema", schema);
	cJSON_AddStringToObject(record, "text", text);
	return spool_add_record(spool, kind, record, NULL);
}

/* The line of that number, from 0, or from the end with -1; the caller frees. */
static inline cJSON *file_line(const char *folder, const char *name, int number)
{
	char *text = file_text(folder, name, NULL), *line = text;
	cJSON *record;
	int count = 0;

	for (char *c = text; *c; c++)
		count += *c == '\n';
	for (int i = number < 0 ? count + number : number; i > 0; i--)
		line = strchr(line, '\n') + 1;
	*strchr(line, '\n') = '\0';
	assert_int_equal(record_parse(bytes_of(line), &record), 0);
	free(text);
	return record;
}

static inline void assert_json(const cJSON *record, const char *path, const char *json)
{
	const cJSON *item = record_get(record, path);
	_cleanup_free_ char *text = item ? cJSON_PrintUnformatted(item) : strdup("(none)");

	if (strcmp(text, json))
		print_message("# %s\n", path);
	assert_string_equal(text, json);
}
