# SPDX-License-Identifier: BSD-2-Clause
# The watermark linker as it is installed, runnable from the build folder too (gcc -Bbuild/libexec/runmark/):
# one program under the linkers' names, and a placeholder object for each machine type.

LD_NAMES	:= ld ld.bfd ld.gold ld.lld ld.mold
# of other machines, for which there is an object; not of this one, whose drivers call ld
LD_NAMES	+= $(filter-out $(shell uname -m)-%,$(foreach n,ld ld.bfd ld.gold,aarch64-linux-gnu-$(n)))
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

# The watermark linker stands in the way of every build, so it must start fast and wherever the real linker would,
# whatever LD_LIBRARY_PATH holds: its libraries are linked in where the system has them as archives; the
# others are looked for in the system's folder first (DT_RPATH). The C library stays shared, because preloaded
# libraries (fakeroot, fakechroot) must see what it does.
LD_LIBS		:= elf zstd z uuid inih xxhash
ld_file		= $(shell $(CC) -print-file-name=lib$(1).$(2))
ld_archives	= $(filter /%,$(foreach l,$(LD_LIBS),$(call ld_file,$(l),a)))
ld_shared	= $(foreach l,$(LD_LIBS),$(if $(filter %/lib$(l).a,$(ld_archives)),,-l$(l)))
ld_folder	= $(patsubst %/,%,$(dir $(realpath $(call ld_file,elf,so))))
comma		:= ,
$(BUILD)/bin/runmark-ld: LDLIBS = $(ld_archives) $(ld_shared) -lm
$(BUILD)/bin/runmark-ld: LDFLAGS += -Wl,--as-needed \
	$(if $(strip $(ld_shared)),-Wl$(comma)--disable-new-dtags$(comma)-rpath$(comma)$(ld_folder))
