# SPDX-License-Identifier: BSD-2-Clause
# How tests are built and run. A test prints TAP; tests/run adds them up.

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

.PHONY: unit unit-asan fuzzers check-quick check check-long bench
unit: $(UNIT_TESTS)
unit-asan:
	$(Q)$(MAKE) BUILD=$(BUILD)/asan SANITIZE=address,undefined unit
fuzzers:
	$(Q)$(MAKE) BUILD=$(BUILD)/fuzzing CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-programs
fuzz-programs: $(FUZZERS)
