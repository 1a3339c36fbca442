# SPDX-License-Identifier: BSD-2-Clause
# librunmark.so. Nothing of libc is linked: it must load beside a libc of any age, and a program may have
# its own of everything. So nothing may be asked for behind its back either: no stack protector, no
# fortified calls, no calls of memcpy made of loops.

PRELOAD_SRC := $(wildcard userspace/preload/*.c) userspace/common/note.c
PRELOAD_CFLAGS := -std=gnu11 $(WARN) -O2 -g -fPIC -fvisibility=hidden -ffreestanding -fno-builtin \
	-fno-stack-protector -U_FORTIFY_SOURCE $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
PRELOAD := $(BUILD)/lib/librunmark.so

$(PRELOAD): $(PRELOAD_SRC) $(wildcard userspace/preload/*.h userspace/common/*.h) userspace/preload/preload.map Makefile userspace/preload/preload.mk
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(PRELOAD_CFLAGS) -shared -nostdlib \
		-Wl,--version-script=userspace/preload/preload.map -Wl,-z,relro,-z,now,-z,noexecstack \
		-Wl,--hash-style=gnu -o $@ $(PRELOAD_SRC)
all: $(PRELOAD)
