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
# those that take more than some seconds, or build anew: not for check-quick, which takes three minutes
SLOW_E2E := \
	cli_daemon cli_mariadb cli_mariadb_odd cli_own cli_reports cli_run ingest_exactly_once \
	ingest_mariadb ingest_names ingest_prune ingest_prune_delete ingest_prune_kill \
	ingest_size ingest_xalt_many link_outputs link_records link_setup link_ways node_bounds \
	node_container node_coverage node_errors node_full node_fuse node_groups node_kill \
	node_life node_links node_mpi node_names node_preload_flood node_preload_source node_slurm \
	node_slurm_jobs node_soak node_spool node_spool_moved node_starts node_state_full node_upgrade install run_slurm \
	preload_compare preload_deploy preload_deploy_modules preload_deploy_slurm \
	preload_life
SLOW	:= tests/lint/warnings.t $(BUILD)/unit/test_ends $(BUILD)/unit/test_ends_forks $(SLOW_E2E:%=tests/e2e/%.t)
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
	$(Q)sh tests/packages install suites
	$(Q)export RUNMARK_TEST_LONG=1; $(subst $(Q),,$(RUN_TESTS)) --seconds 14400 $(ALL)
	$(Q)sh tests/packages install kernels
	$(Q)BUILD=$(BUILD) tests/kernels/run 6.1 6.12
# one after the other, as each wants the machine for itself
bench: all
	$(Q)for bench in $(sort $(wildcard tests/bench/*)); do \
		test ! -x $$bench || { echo "== $$bench"; BUILD=$(BUILD) $$bench || exit 1; }; done
