# SPDX-License-Identifier: BSD-2-Clause
# librunmark.so, and where the compiler can, its twin for 32-bit programs. Nothing of libc is linked: it must load
# beside a libc of any age, and a program may have its own of everything. So nothing may be asked for behind its
# back either: no stack protector, no fortified calls, no calls of memcpy made of loops.
#
# Every process loads it: two segments, one weak symbol, nothing to protect after relocation. One object without
# control-flow protection would take it from the whole process.

PRELOAD_SRC := $(wildcard userspace/preload/*.c) userspace/common/note.c
PRELOAD_CFLAGS := -std=gnu11 $(WARN) -O2 -g -fPIC -fvisibility=hidden -ffreestanding -fno-builtin \
	-fno-stack-protector -U_FORTIFY_SOURCE \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection,-mbranch-protection=standard) $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns)
PRELOAD_LDFLAGS := -shared -nostdlib -Wl,--version-script=userspace/preload/preload.map -Wl,-z,noexecstack \
	-Wl,-z,noseparate-code,-z,norelro,-z,now,--hash-style=gnu,--build-id=sha1

PRELOAD := $(BUILD)/lib/librunmark.so
# headers alone are wanted: where there are none for 32 bit (their package excludes cross compilers), the others serve
M32	:= -m32 -idirafter /usr/include/x86_64-linux-gnu
ifeq ($(shell uname -m)$(shell printf '\043include <link.h>\n' | $(CC) $(M32) -shared -nostdlib -o /dev/null -x c - 2>&1),x86_64)
PRELOAD += $(BUILD)/lib32/librunmark.so
endif
$(BUILD)/lib32/librunmark.so: PRELOAD_CFLAGS += $(M32)

$(PRELOAD): $(PRELOAD_SRC) $(wildcard userspace/preload/*.h userspace/common/*.h) userspace/preload/preload.map Makefile userspace/preload/preload.mk
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(PRELOAD_CFLAGS) $(PRELOAD_LDFLAGS) -o $@ $(PRELOAD_SRC)
all: $(PRELOAD)
