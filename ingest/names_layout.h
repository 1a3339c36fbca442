/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is told by where EasyBuild and Spack install:
 *
 *	.../software/GROMACS/2023.3-foss-2023a/bin/gmx
 *	.../linux-rocky9-zen3/gcc-12.2.0/gromacs-2023.3-<32 letters and digits>/bin/gmx	(Spack < 1)
 *	.../linux-zen3/gromacs-2023.3-<32 letters and digits>/bin/gmx
 *
 * Recognised by shape alone, so that no root needs to be known.
 */
#pragma once

#include "common/util.h"

enum names_layout { NAMES_LAYOUT_NONE, NAMES_LAYOUT_EASYBUILD, NAMES_LAYOUT_SPACK };

/* *ret_name and *ret_version point into path; untouched for NAMES_LAYOUT_NONE. */
enum names_layout names_layout_of(struct bytes path, struct bytes *ret_name,
				  struct bytes *ret_version);
