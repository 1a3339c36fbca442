# SPDX-License-Identifier: BSD-2-Clause
# The watermark linker as it is installed, runnable from the build folder too (gcc -Bbuild/libexec/runmark/):
# one program under the linkers' names, and a placeholder object for each machine type.

LD_NAMES	:= ld ld.bfd ld.gold ld.lld ld.mold
PLACEHOLDERS	:= x86_64 i386 aarch64
PLACEHOLDER_DIR	:= $(BUILD)/libexec/runmark

PLACEHOLDER_FILES := $(PLACEHOLDERS:%=$(PLACEHOLDER_DIR)/placeholder-%.o) $(LD_NAMES:%=$(PLACEHOLDER_DIR)/%)

.PHONY: placeholder
placeholder: $(PLACEHOLDER_FILES)

# clang assembles for every machine; -g0 and the empty flags keep all else out of the object.
$(PLACEHOLDER_DIR)/placeholder-%.o: ldwrap/placeholder.S ldwrap/placeholder.mk
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) --target=$*-linux-gnu -g0 -c $< -o $@

$(LD_NAMES:%=$(PLACEHOLDER_DIR)/%): $(BUILD)/bin/runmark-ld
	@mkdir -p $(@D)
	$(Q)ln -f $< $@

# The watermark linker stands in the way of every build, so it must start fast and wherever the real linker would:
# its libraries are linked in where the system has them as archives, and the others are looked for in the
# system's folder first (DT_RPATH), whatever LD_LIBRARY_PATH says. The C library stays shared, because
# preloaded libraries (fakeroot, fakechroot) must see what it does.
comma		:= ,
ld_archive	= $(shell $(CC) -print-file-name=lib$(1).a)
ld_library	= $(if $(filter /%,$(call ld_archive,$(1))),$(call ld_archive,$(1)),-l$(1))
ld_folder	= $(patsubst %/,%,$(dir $(realpath $(shell $(CC) -print-file-name=libcjson.so))))
$(BUILD)/bin/runmark-ld: LDLIBS = $(foreach l,elf zstd z cjson uuid inih xxhash,$(call ld_library,$(l))) -lm
$(BUILD)/bin/runmark-ld: LDFLAGS += -Wl,--as-needed $(if $(ld_folder),-Wl$(comma)--disable-new-dtags$(comma)-rpath$(comma)$(ld_folder))
