/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables from which records are made: see field.h. */
#pragma once

#include "cli/field.h"

/* Of run_fields: what is no member, or is asked for beside it. */
enum { RUN_FIELD_STATE, RUN_FIELD_OBJECT_SET, RUN_FIELD_ENV_SET, RUN_FIELD_ID };

/* Of group_fields. */
enum { GROUP_FIELD_OBJECT_SET, GROUP_FIELD_ENV_SET, GROUP_FIELD_ID };

extern const struct field_list run_fields;    /* of run_view */
extern const struct field_list group_fields;  /* of run_group_view */
extern const struct field_list link_fields;   /* of link_view */
extern const struct field_list object_fields; /* of object_set_member m, object o, path p */
extern const struct field_list input_fields;  /* of input_set_member m, object o, path p */
