# SPDX-License-Identifier: BSD-2-Clause
# Runmark. `make help` lists what there is to make; V=1 shows the commands.

VERSION	:= 0.1.0
PREFIX	?= /usr
SYSCONFDIR ?= /etc
BUILD	?= build
CC	?= gcc
CLANG	?= clang
BPFTOOL	?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
V	?= 0

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

LIBS	:= libbpf libelf zlib libcjson uuid sqlite3 inih libxxhash libcap-ng libzstd
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
ifneq ($(CI),)
WARN	+= -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -DRUNMARK_VERSION='"$(VERSION)"' -DRUNMARK_PREFIX='"$(PREFIX)"' \
	    -DRUNMARK_SYSCONFDIR='"$(SYSCONFDIR)"' -I. -Iuserspace -I$(BUILD) -MMD -MP
CFLAGS	?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS := -std=gnu11 -fPIE $(WARN) $(CFLAGS)
LDFLAGS	+= -pie -Wl,-z,relro,-z,now
LDLIBS	:= $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) -lpthread

# SANITIZE=address,undefined or fuzzer: another build folder, the same rules
ifneq ($(SANITIZE),)
ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE
LDFLAGS	+= $(if $(findstring fuzzer,$(SANITIZE)),-fsanitize=$(subst fuzzer-no-link,fuzzer,$(SANITIZE)),-fsanitize=$(SANITIZE))
endif

# One archive a module, of everything but its main.c; programs and tests link what they need.
MODULES	:= userspace/common userspace/daemon userspace/cli ldwrap ingest
archive	= $(BUILD)/lib/$(notdir $(1)).a
objects	= $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))
COMMON	:= $(call archive,userspace/common)
ARCHIVES := $(call archive,userspace/daemon) $(call archive,userspace/cli) $(call archive,ldwrap) \
	    $(call archive,ingest) $(COMMON)

PROGRAMS := runmarkd runmark runmark-ingest runmark-ld
runmarkd_MODULE	      := userspace/daemon
runmark_MODULE	      := userspace/cli
runmark-ingest_MODULE := ingest
runmark-ld_MODULE     := ldwrap
BINARIES := $(PROGRAMS:%=$(BUILD)/bin/%)

.PHONY: all help
all: $(BINARIES) placeholder

help:
	@sed -n 's/^## //p' Makefile

## all            the programs, in build/bin (default)
## deps           install what building and running needs (apt or dnf, as root)
## deps-test      install what the tests need besides
## check-quick    unit tests and short end-to-end tests, three minutes at most (as root)
## check          all tests that CI runs, thirty minutes at most (as root)
## check-long     soaks, many kills, big builds (as root)
## bench          speed and memory, as ratios measured side by side (as root)
## install        programs, man pages, units below DESTDIR and PREFIX
## clean          remove build/

.PHONY: deps deps-test
deps:
	$(Q)sh tests/packages install build run
deps-test:
	$(Q)sh tests/packages install test

# --- the kernel side: one BPF object, embedded through bpftool's skeleton

BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/; s/ppc64le/powerpc/')
BPF_SRC	:= $(wildcard bpf/*.bpf.c)
$(BUILD)/runmark.bpf.o: $(BPF_SRC) $(wildcard bpf/*.h vmlinux/*.h)
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror \
		-D__TARGET_ARCH_$(BPF_ARCH) -I. -c bpf/runmark.bpf.c -o $@.tmp
	$(Q)$(BPFTOOL) gen object $@ $@.tmp
	$(Q)rm -f $@.tmp
$(BUILD)/runmark.skel.h: $(BUILD)/runmark.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name runmark_bpf >$@.tmp && mv $@.tmp $@

# --- the rest

$(call objects,userspace/daemon) $(BUILD)/obj/userspace/daemon/main.o: | $(BUILD)/runmark.skel.h

$(BUILD)/obj/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c $< -o $@

define module_rules
$(call archive,$(1)): $(call objects,$(1))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rules,$(m))))

define program_rules
$(BUILD)/bin/$(1): $(BUILD)/obj/$($(1)_MODULE)/main.o $(call archive,$($(1)_MODULE)) $(COMMON)
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program_rules,$(p))))

include ldwrap/placeholder.mk
include tests/tests.mk

.PHONY: clean
clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
