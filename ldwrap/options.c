/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of options, and how the linkers read them (getopt_long_only, which lld and mold
 * imitate): a long option has one dash or two; with one dash, what is no long option is a letter
 * with its value behind it. Long options that begin with o need two dashes, since -oFILE is the
 * output; -lNAME is always a library and -T... always puts sections or a script somewhere.
 */
#include "options.h"

struct option_group {
	enum option_kind kind;
	enum option_role role;
	const char *names; /* blanks between them, and at both ends: " a b " */
	size_t names_len;
	const char *why;
};

#define NAMES(text) text, sizeof(text) - 1

static const struct option_group long_options[] = {
	{OPTION_VALUE, ROLE_OUTPUT, NAMES(" output "), NULL},
	{OPTION_VALUE, ROLE_FORMAT, NAMES(" format "), NULL},
	{OPTION_VALUE, ROLE_DEPENDENCY_FILE, NAMES(" dependency-file "), NULL},
	{OPTION_VALUE, ROLE_MAP, NAMES(" Map "), NULL},
	{OPTION_VALUE, ROLE_LIBRARY, NAMES(" library "), NULL},
	{OPTION_FLAG, ROLE_SHARED, NAMES(" shared Bshareable "), NULL},
	{OPTION_FLAG, ROLE_PIE, NAMES(" pie pic-executable "), NULL},
	{OPTION_FLAG, ROLE_START_LIB, NAMES(" start-lib "), NULL},
	{OPTION_FLAG, ROLE_END_LIB, NAMES(" end-lib "), NULL},

	/* those that gcc and clang pass, first: they are looked for most */
	{OPTION_VALUE, ROLE_NONE,
	 NAMES(" plugin plugin-opt dynamic-linker hash-style rpath rpath-link soname sysroot init "
	       "fini "
	       "entry "
	       "library-path version-script defsym wrap undefined require-defined exclude-libs "),
	 NULL},
	{OPTION_FLAG, ROLE_NONE,
	 NAMES(" as-needed no-as-needed push-state pop-state eh-frame-hdr no-eh-frame-hdr build-id "
	       "no-build-id static export-dynamic no-export-dynamic no-pie gc-sections "
	       "no-gc-sections "
	       "start-group "
	       "end-group whole-archive no-whole-archive Bstatic Bdynamic dn dy demangle "
	       "no-demangle "
	       "no-undefined no-dynamic-linker enable-new-dtags disable-new-dtags nostdlib relax "
	       "no-relax "),
	 NULL},

	{OPTION_VALUE, ROLE_NONE,
	 NAMES(" architecture auxiliary filter gpsize just-symbols dynamic-list "
	       "export-dynamic-symbol "
	       "export-dynamic-symbol-list retain-symbols-file sort-section spare-dynamic-tags "
	       "unresolved-symbols ignore-unresolved-symbol assert audit depaudit "
	       "compress-debug-sections "
	       "ctf-share-types hash-size max-cache-size version-exports-section icf "
	       "icf-iterations "
	       "keep-unique "
	       "thread-count thread-count-initial thread-count-middle thread-count-final mllvm "
	       "hash-bucket-empty-fraction build-id-chunk-size-for-treehash "
	       "build-id-min-file-size-for-treehash split-stack-adjust-size undefined-glob "
	       "pack-dyn-relocs symbol-ordering-file call-graph-ordering-file "
	       "warn-backrefs-exclude "
	       "thinlto-cache-dir thinlto-cache-policy thinlto-jobs lto-partitions error-limit "
	       "section-ordering-file stub-group-size image-base "),
	 NULL},
	{OPTION_FLAG, ROLE_NONE,
	 NAMES(" no-omagic no-nmagic Bsymbolic Bsymbolic-functions Bsymbolic-non-weak-functions "
	       "Bno-symbolic "
	       "Bgroup call_shared non_shared dc dp Qy flto flto-partition fuse-ld map-whole-files "
	       "no-map-whole-files EL strip-all strip-debug strip-discarded no-strip-discarded "
	       "strip-debug-non-line "
	       "strip-debug-gdb strip-lto-sections discard-all discard-locals discard-none "
	       "add-needed "
	       "no-add-needed copy-dt-needed-entries no-copy-dt-needed-entries check-sections "
	       "no-check-sections "
	       "fatal-warnings no-fatal-warnings gc-keep-exported keep-memory no-keep-memory "
	       "no-warnings "
	       "allow-shlib-undefined no-allow-shlib-undefined allow-multiple-definition "
	       "no-allow-multiple-definition undefined-version no-undefined-version default-symver "
	       "default-imported-symver no-warn-mismatch warn-search-mismatch "
	       "no-warn-search-mismatch "
	       "reduce-memory-overheads sort-common define-common no-define-common "
	       "dynamic-list-data "
	       "dynamic-list-cpp-new dynamic-list-cpp-typeinfo warn-common no-warn-common "
	       "warn-constructors "
	       "no-warn-constructors warn-execstack no-warn-execstack warn-rwx-segments "
	       "no-warn-rwx-segments "
	       "warn-multiple-gp warn-once warn-section-align warn-textrel warn-shared-textrel "
	       "no-warn-shared-textrel warn-alternate-em warn-unresolved-symbols "
	       "error-unresolved-symbols "
	       "no-print-map-discarded print-map-discarded no-print-gc-sections "
	       "no-print-icf-sections "
	       "ctf-variables "
	       "no-ctf-variables ld-generated-unwind-info no-ld-generated-unwind-info "
	       "package-metadata "
	       "disable-multiple-abs-defs no-pic-executable no-cref no-incremental "),
	 NULL},
	{OPTION_FLAG, ROLE_NONE,
	 NAMES(" apply-dynamic-relocs no-apply-dynamic-relocs ctors-in-init-array "
	       "no-ctors-in-init-array "
	       "detect-odr-violations no-detect-odr-violations gdb-index no-gdb-index gnu-unique "
	       "no-gnu-unique "
	       "keep-files-mapped no-keep-files-mapped mmap-output-file no-mmap-output-file "
	       "posix-fallocate "
	       "no-posix-fallocate preread-archive-symbols rosegment no-rosegment text-reorder "
	       "no-text-reorder "
	       "threads no-threads warn-drop-version no-warn-drop-version weak-unresolved-symbols "
	       "no-icf "
	       "ignore-data-address-equality ignore-function-address-equality execute-only "
	       "no-execute-only "
	       "dependent-libraries no-dependent-libraries fortran-common no-fortran-common "
	       "warn-backrefs "
	       "no-warn-backrefs warn-ifunc-textrel no-warn-ifunc-textrel warn-symbol-ordering "
	       "no-warn-symbol-ordering use-android-relr-tags no-use-android-relr-tags "
	       "call-graph-profile-sort "
	       "no-call-graph-profile-sort optimize-bb-jumps no-optimize-bb-jumps "
	       "color-diagnostics "
	       "no-color-diagnostics fork no-fork quick-exit no-quick-exit fix-cortex-a53-843419 "
	       "no-fix-cortex-a53-843419 fix-cortex-a53-835769 no-fix-cortex-a53-835769 pic-veneer "
	       "toc-optimize no-toc-optimize tls-optimize no-tls-optimize plt-align plt-localentry "
	       "no-plt-localentry power10-stubs no-power10-stubs "),
	 NULL},

	{OPTION_PLAIN, ROLE_NONE, NAMES(" relocatable Ur "), "the output is an object again"},
	{OPTION_PLAIN, ROLE_NONE,
	 NAMES(" script default-script dT mri-script error-handling-script section-start oformat "
	       "nmagic "
	       "omagic "
	       "EB embedded-relocs task-link split-by-file split-by-reloc traditional-format "
	       "chroot "
	       "directory be8 "
	       "accept-unknown-input-arch force-exe-suffix orphan-handling unique out-implib "
	       "enable-non-contiguous-regions enable-non-contiguous-regions-warnings "),
	 "the layout is the user's"},
	{OPTION_PLAIN, ROLE_NONE,
	 NAMES(" incremental incremental-full incremental-update incremental-base "
	       "incremental-changed "
	       "incremental-unchanged incremental-unknown incremental-startup-unchanged "
	       "incremental-patch "),
	 "the output lives on from link to link"},
	{OPTION_PLAIN, ROLE_NONE,
	 NAMES(" print-map trace trace-symbol verbose cref stats print-gc-sections "
	       "print-icf-sections "
	       "print-memory-usage print-symbol-counts print-archive-stats print-symbol-order "
	       "why-extract "
	       "debug perf time-trace time-trace-file reproduce repro save-temps "),
	 "it lists what goes into the output"},
	{OPTION_PLAIN, ROLE_NONE,
	 NAMES(" help version target-help print-output-format print-sysroot run "),
	 "it isn't a link"},
};

/* Letters. A letter that takes no value must stand alone: -sx is unknown. */
static const struct option_group letters[] = {
	{OPTION_VALUE, ROLE_LIBRARY, NAMES("l"), NULL},
	{OPTION_VALUE, ROLE_NONE, NAMES("LzIOeuhRFfYPaA"), NULL},
	{OPTION_VALUE, ROLE_OUTPUT, NAMES("o"), NULL},
	{OPTION_VALUE, ROLE_EMULATION, NAMES("m"), NULL},
	{OPTION_VALUE, ROLE_FORMAT, NAMES("b"), NULL},
	{OPTION_FLAG, ROLE_NONE, NAMES("()dgEqsSxXwvp"), NULL},
	{OPTION_PLAIN, ROLE_NONE, NAMES("ri"), "the output is an object again"},
	{OPTION_PLAIN, ROLE_NONE, NAMES("TcNnGC"), "the layout is the user's"},
	{OPTION_PLAIN, ROLE_NONE, NAMES("tMy"), "it lists what goes into the output"},
	{OPTION_PLAIN, ROLE_NONE, NAMES("V"), "it isn't a link"},
};

static bool has_name(const struct option_group *group, const char *name, size_t len)
{
	const char *end = group->names + group->names_len;

	for (const char *at = group->names + 1; (at = memmem(at, (size_t)(end - at), name, len));
	     at++)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

static bool find_long(const char *text, struct option_match *ret)
{
	size_t len = strcspn(text, "=");

	/* a blank would match across two names; a slash tells -L/usr/lib early */
	if (len < 2 || memchr(text, ' ', len) || memchr(text, '/', len))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++) {
		const struct option_group *group = &long_options[i];

		if (!has_name(group, text, len))
			continue;
		*ret = (struct option_match){.kind = group->kind,
					     .role = group->role,
					     .value = text[len] ? text + len + 1 : NULL,
					     .why = group->why};
		return true;
	}
	return false;
}

static void find_letter(const char *text, struct option_match *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		const struct option_group *group = &letters[i];

		if (!strchr(group->names, text[0]))
			continue;
		if (group->kind == OPTION_FLAG && text[1])
			return;
		*ret = (struct option_match){.kind = group->kind,
					     .role = group->role,
					     .value = text[1] ? text + 1 : NULL,
					     .why = group->why};
		return;
	}
}

void option_find(const char *argument, struct option_match *ret)
{
	const char *text = argument + 1;

	*ret = (struct option_match){.kind = OPTION_UNKNOWN};
	if (text[0] == '-') {
		find_long(text + 1, ret);
		return;
	}
	if (!text[0])
		return;
	if (!strchr("olT", text[0]) && find_long(text, ret))
		return;
	find_letter(text, ret);
}
