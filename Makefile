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

LIBS	:= libbpf libelf zlib libcjson uuid sqlite3 libmariadb inih libxxhash libcap-ng libzstd nettle
WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
# tables name the fields they set and leave out the others; clang minds that where structures nest
ifneq ($(findstring clang,$(CC)),)
WARN	+= -Wno-missing-field-initializers
endif
ifneq ($(CI),)
WARN	+= -Werror
endif
CPPFLAGS += -D_GNU_SOURCE -DRUNMARK_VERSION='"$(VERSION)"' -DRUNMARK_PREFIX='"$(PREFIX)"' \
	    -DRUNMARK_SYSCONFDIR='"$(SYSCONFDIR)"' -I. -Iuserspace -I$(BUILD) -MMD -MP \
	    $(shell $(PKG_CONFIG) --cflags-only-I libmariadb 2>/dev/null)
CFLAGS	?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS := -std=gnu11 -fPIE $(WARN) $(CFLAGS)
LDFLAGS	+= -pie -Wl,-z,relro,-z,now
LDLIBS	:= $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) -lm -lpthread

# SANITIZE=address,undefined or fuzzer: another build folder, the same rules
ifneq ($(SANITIZE),)
ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE
LDFLAGS	+= $(if $(findstring fuzzer,$(SANITIZE)),-fsanitize=$(subst fuzzer-no-link,fuzzer,$(SANITIZE)),-fsanitize=$(SANITIZE))
endif

# One archive a module, of everything but its main.c; programs and tests link what they need.
MODULES	:= userspace/common userspace/daemon userspace/cli ldwrap ingest
archive	= $(BUILD)/lib/$(notdir $(1)).a
objects	= $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c %.bpf.c,$(wildcard $(1)/*.c)))
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

# what events and journal look like, for the next version's daemon: nothing but BTF
$(BUILD)/layout.bpf.o: userspace/daemon/layout.bpf.c $(wildcard bpf/event.h userspace/daemon/*.h userspace/common/*.h)
	$(call say,BTF,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -U__bpf__ -D__$(shell uname -m)__ -D_GNU_SOURCE -O2 -g -std=gnu11 -I. -Iuserspace \
		-I$(BUILD) -idirafter /usr/include/$(shell $(CLANG) -print-multiarch) -c $< -o $@
$(BUILD)/layout.bpf.o: | $(BUILD)/runmark.skel.h
$(BUILD)/layout.skel.h: $(BUILD)/layout.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name layout_bpf >$@.tmp && mv $@.tmp $@

# --- the rest

$(call objects,userspace/daemon) $(BUILD)/obj/userspace/daemon/main.o: | $(BUILD)/runmark.skel.h $(BUILD)/layout.skel.h

# the paths that are compiled in: with others everything is compiled anew
.PHONY: force
$(BUILD)/paths: force
	@mkdir -p $(@D)
	@echo "$(PREFIX) $(SYSCONFDIR)" | cmp -s - $@ || echo "$(PREFIX) $(SYSCONFDIR)" >$@

# the migrations are part of the loader
$(BUILD)/obj/ingest/sqlite_migrate.o: $(wildcard schema/sqlite/*.sql)
$(BUILD)/obj/ingest/mariadb_migrate.o $(BUILD)/obj/ingest/mariadb_own.o: $(wildcard schema/mariadb/*.sql)

$(BUILD)/obj/%.o: %.c Makefile $(BUILD)/paths
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
include userspace/preload/preload.mk
include tests/tests.mk

# --- installing: everything below DESTDIR; the configuration file only if there is none

INSTALL	?= install
LIBEXEC	:= $(DESTDIR)$(PREFIX)/libexec/runmark
SHARE	:= $(DESTDIR)$(PREFIX)/share
UNITS	:= $(DESTDIR)$(PREFIX)/lib/systemd/system

# Every key as a comment with its default, so that what a site has not chosen follows the version.
$(BUILD)/runmark.conf: $(BUILD)/bin/runmarkd
	$(call say,CONF,$@)
	$(Q){ echo "# runmark.conf(5). Every key has a default, which stands here; take away the # to choose."; \
		$< --config /dev/null --check-config | sed 's/^host *=.*/host =/; s/^\([a-z_]*\) *= */#\1 = /; s/ *$$//'; \
		} >$@.tmp && mv $@.tmp $@

include userspace/preload/deploy/install.mk
.PHONY: install
install: all $(BUILD)/runmark.conf
	$(Q)$(INSTALL) -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(LIBEXEC) $(UNITS) \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
		$(SHARE)/bash-completion/completions $(DESTDIR)$(SYSCONFDIR)/runmark
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))
	$(Q)$(INSTALL) -m 755 $(BUILD)/bin/runmarkd $(DESTDIR)$(PREFIX)/sbin/
	$(Q)$(INSTALL) -m 755 $(BUILD)/bin/runmark $(BUILD)/bin/runmark-ingest $(DESTDIR)$(PREFIX)/bin/
	$(Q)$(INSTALL) -m 755 $(BUILD)/bin/runmark-ld $(LIBEXEC)/ld
	$(Q)cd $(LIBEXEC) && for name in $(filter-out ld,$(LD_NAMES)); do ln -sf ld $$name; done
	$(Q)ln -sf ../libexec/runmark/ld $(DESTDIR)$(PREFIX)/bin/runmark-ld
	$(Q)sed 's|@PREFIX@|$(PREFIX)|g' ldwrap/runmark-ld-setup >$(DESTDIR)$(PREFIX)/sbin/runmark-ld-setup && \
		chmod 755 $(DESTDIR)$(PREFIX)/sbin/runmark-ld-setup
	$(Q)$(INSTALL) -m 644 $(PLACEHOLDERS:%=$(PLACEHOLDER_DIR)/placeholder-%.o) $(LIBEXEC)/
	$(Q)for page in $(wildcard userspace/man/*.[1-8]); do \
		$(INSTALL) -D -m 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/} || exit 1; done
	$(Q)for name in runmark runmarkd runmark-ingest; do \
		$(INSTALL) -m 644 userspace/cli/completion.bash $(SHARE)/bash-completion/completions/$$name || exit 1; done
	$(Q)for unit in $(wildcard systemd/*.service systemd/*.timer); do sed 's|@PREFIX@|$(PREFIX)|g' $$unit \
		>$(UNITS)/$${unit##*/} && chmod 644 $(UNITS)/$${unit##*/} || exit 1; done
	$(Q)$(INSTALL) -m 644 systemd/runmark.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/runmark.conf
	$(Q)$(INSTALL) -m 644 systemd/runmark.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/runmark.conf
	$(Q)$(INSTALL) -D -m 644 ingest/software.rules $(SHARE)/runmark/software.rules
	$(Q)$(INSTALL) -m 644 schema/mariadb/grants.sql schema/mariadb/grants_load.sql $(SHARE)/runmark/
	$(Q)test -e $(DESTDIR)$(SYSCONFDIR)/runmark/runmark.conf || \
		$(INSTALL) -m 644 $(BUILD)/runmark.conf $(DESTDIR)$(SYSCONFDIR)/runmark/runmark.conf

.PHONY: clean
clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
