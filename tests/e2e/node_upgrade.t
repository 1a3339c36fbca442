#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Upgrades under load: a daemon whose events, states and journal are laid out otherwise takes over, and back; so does
one with another ring; also killed in the middle. Every process is recorded, once, whole."""
import collections
import os
import random
import re
import shutil
import subprocess
import time

import node
import tap

SWAPS = 101 if "RUNMARK_TEST_LONG" in os.environ else 11
# What the other version has changed: places, sizes, members that are not ours.
CHANGES = {
    "bpf/event.h": [
        (r"(struct event \{.*?)\t__u32 pid;\n\t__u32 exec_id;", r"\1\t__u64 of_another;\n\t__u32 exec_id;\n\t__u32 pid;"),
        (r"struct event_file \{", r"struct event_file {\n\t__u64 of_another[3];"),
        (r"(\tstruct span )exe, requested, interp, cwd, cgroup, cgroup_v1, argv, env;",
         r"\1argv, of_another, cgroup_v1, cgroup, cwd, interp, requested, exe, env;"),
        (r"struct task_state \{", r"struct task_state {\n\t__u64 of_another;"),
        (r"struct counters \{", r"struct counters {\n\t__u64 of_another;"),
        (r"struct control \{", r"struct control {\n\t__u64 of_another[2];"),
    ],
    "userspace/daemon/live.h": [(r"struct live_image_state \{", r"struct live_image_state {\n\tuint64_t of_another;")],
}
node.require()
random.seed(13)


def other_version(folder):
    """Builds a daemon of another version: its path."""
    os.makedirs(folder)
    for name in ("Makefile", "bpf", "vmlinux", "userspace", "ldwrap", "ingest", "schema", "systemd"):
        (shutil.copytree if os.path.isdir(f"{node.TOP}/{name}") else shutil.copy)(f"{node.TOP}/{name}", f"{folder}/{name}")
    os.makedirs(f"{folder}/tests")
    shutil.copy(f"{node.TOP}/tests/tests.mk", f"{folder}/tests")
    for path, changes in CHANGES.items():
        text = open(f"{folder}/{path}").read()
        for old, new in changes:
            text, count = re.subn(old, new, text, count=1, flags=re.S)
            assert count == 1, (path, old)
        open(f"{folder}/{path}", "w").write(text)
    subprocess.run(["make", "-s", "-C", folder, "-j2", "BUILD=build", "build/bin/runmarkd"], check=True,
                   stdout=subprocess.DEVNULL)
    return f"{folder}/build/bin/runmarkd"


# A process that has used much before its exec, and is asked about itself when its daemon is another one.
USER = """
import os, time
b = bytearray(400 << 20)
for i in range(0, len(b), 4096): b[i] = 1
end = time.process_time() + 0.5
while time.process_time() < end: pass
os.execv("/bin/sleep", ["sleep", "%s"])
"""

with node.Node(rotate_seconds="3600", ring_mib="16") as n:
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)
    daemons = [node.program("runmarkd"), other_version(f"{n.top}/other")]
    sleeper = subprocess.Popen(["python3", "-c", USER % 6000])
    time.sleep(2)
    wants, generations = [], set()
    for swap in range(SWAPS):
        load = subprocess.Popen([f"{n.top}/spawn", "997", str(swap), f"{n.top}/ending"], stdout=subprocess.PIPE, text=True)
        time.sleep(random.uniform(0, 0.2))
        n.kill() if swap % 2 else n.stop()
        n.keys["ring_mib"] = random.choice(("16", "32", "64"))
        n.daemon = daemons[(swap + 1) % 2]
        if swap % 3 == 2:  # killed while it takes over
            n.configure()
            with open(n.log_path, "a") as log:
                again = subprocess.Popen([n.daemon, "--config", n.conf, "--foreground"], stdout=log, stderr=log)
            time.sleep(random.uniform(0.2, 1.5))
            again.kill()
            again.wait()
        n.start()
        generations.add(n.status()["generation"])
        wants.append(load.communicate()[0])
    sleeper.terminate()
    sleeper.wait()
    n.flush()
    n.stop()
    lost = collections.Counter()
    for record in n.records("node"):  # of an instance the last counts
        lost[record["instance"]] = record["lost"]
    lost = sum((collections.Counter(causes) for causes in lost.values()), collections.Counter())
    print(f"# generations {sorted(generations)}; lost: {dict(lost)}")
    tap.ok(len(generations) == SWAPS, "each start was a takeover", sorted(generations))
    n.check_load(wants, SWAPS * 997)
    slept = [r for r in n.runs() if r["pid"] == sleeper.pid and r["argv"] and r["argv"][0] == "sleep"]
    tap.equal(len(slept), 1, "what ran all the while is recorded once")
    for run in slept:
        usage = run["usage"]
        tap.ok(usage["user_s"] + usage["system_s"] < 0.1 and usage["max_rss"] < 8 << 20,
               "with its own usage, not that of what its process ran before", usage)
        tap.equal(run["exit"], {"signal": 15, "name": "SIGTERM", "core": False, "oom": False}, "and its end")
    began = {r["capture_began"][:19] for r in n.records("node")}
    tap.ok(len(began) <= 2, "capture has gone on since it began", began)  # by the clock: a second may turn
    tap.equal(node.lost(lost), {}, "nothing is counted as lost")
    tap.ok(os.listdir(n.pin).count("gate") == 1 and len(os.listdir(n.pin)) == 2, "one generation is left", os.listdir(n.pin))
    n.validate()
tap.done()
