# SPDX-License-Identifier: BSD-2-Clause
# How tests are built and run. A test is a program that prints TAP; tests/run adds them all up, and its last line
# counts them. What there is to run is found by name: tests/unit/test_*.c, tests/fuzz/fuzz_*.c, tests/*/*.t.

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZERS	   := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LDLIBS) -lcmocka

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(ARCHIVES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LDLIBS)

# vmlinux.h against the running kernel's types
$(BUILD)/vmlinux-check: $(BUILD)/obj/vmlinux/check.o
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LDLIBS)

.PRECIOUS: $(BUILD)/obj/%.o
# tests of the daemon include what includes it
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/unit/*.c tests/fuzz/*.c)): | $(BUILD)/runmark.skel.h $(BUILD)/layout.skel.h

.PHONY: unit unit-asan fuzzers fuzz-programs
unit: $(UNIT_TESTS) $(BUILD)/vmlinux-check
unit-asan:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined unit
fuzzers:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzzing CC=$(CLANG) SANITIZE=fuzzer-no-link,address,undefined fuzz-programs
fuzz-programs: $(FUZZERS)

# --- what is run; cheap tests first, so that what is plainly wrong is known soon

LINTS	:= $(sort $(wildcard tests/lint/*.t))
FUZZING	:= $(wildcard tests/fuzz/*.t)
E2E	:= $(sort $(wildcard tests/e2e/*.t))
# those that take more than some seconds, or build anew
SLOW	:= tests/lint/warnings.t tests/e2e/install.t $(wildcard $(addprefix tests/e2e/,ingest_kill.t ingest_prune.t ingest_prune_kill.t ingest_prune_delete.t cli_mariadb.t ingest_exactly_once.t ingest_mariadb.t ingest_size.t ingest_xalt_many.t link_setup.t node_coverage.t node_kill.t node_links.t node_bounds.t node_fuse.t node_spool.t node_soak.t node_slurm.t node_slurm_jobs.t node_container.t node_mpi.t))
QUICK	:= $(filter-out $(SLOW),$(UNIT_TESTS) $(LINTS) $(E2E))
ALL	:= $(UNIT_TESTS) $(UNIT_TESTS:$(BUILD)/%=$(BUILD)/asan/%) $(LINTS) $(FUZZING) $(E2E)

# python keeps what it compiled out of the tree
RUN_TESTS = $(Q)BUILD=$(BUILD) PYTHONPYCACHEPREFIX=$(abspath $(BUILD))/pycache MAKEFLAGS= MAKELEVEL= tests/run

.PHONY: check-quick check check-long bench
check-quick: all unit
	$(RUN_TESTS) $(QUICK)
check: all unit unit-asan fuzzers
	$(RUN_TESTS) $(ALL)
check-long: all unit unit-asan fuzzers
	$(Q)export RUNMARK_TEST_LONG=1; $(subst $(Q),,$(RUN_TESTS)) --seconds 14400 $(ALL)
	$(Q)sh tests/packages install kernels
	$(Q)BUILD=$(BUILD) tests/kernels/run 6.1 6.12
# one after the other, as each wants the machine for itself
bench: all
	$(Q)for bench in $(sort $(wildcard tests/bench/*)); do \
		test ! -x $$bench || { echo "== $$bench"; BUILD=$(BUILD) $$bench || exit 1; }; done
