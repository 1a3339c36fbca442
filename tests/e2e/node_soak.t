#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs started at full speed on every core for 20 s (ten minutes with RUNMARK_TEST_LONG): every one is recorded
once, nothing is lost, and the daemon's memory does not grow."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import measure
import node
import tap

SECONDS = float(os.environ.get("RUNMARK_TEST_SECONDS", "600" if os.environ.get("RUNMARK_TEST_LONG") == "1" else "20"))
node.require()
with node.Node(rules=["full"], compress="yes", rotate_seconds="10") as n:
    soak = measure.Soak(n)
    soak.run(SECONDS)
    missing, doubled = soak.count()
    tap.ok(not soak.failed and soak.total() > 0, f"{soak.total()} programs ran in {soak.seconds:.0f} s")
    tap.equal((missing, doubled), (0, 0), "each is recorded, and once")
    tap.equal(measure.lost_events(n.status()), {}, "no event is lost")
    # the allocator's arenas still grow a little; what is forgotten of each program would be ten MiB and more
    tap.ok(soak.kib_late <= soak.kib_early + 4096, f"memory is flat: never below {soak.kib_early} KiB in the "
           f"first half, {soak.kib_late} KiB in the second", soak.kib)
    print(f"# {soak.cpu_us:.1f} us of the daemon's time for each")
    n.check_sequence()
tap.done()
