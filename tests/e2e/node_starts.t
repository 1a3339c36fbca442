#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Long runs are announced: while they go on, once, also over kill -9; short and ignored ones are not."""
import os
import shutil
import subprocess
import time

import node
import tap

node.require()
n = node.Node(start_seconds="1")
n.rules = [f"ignore comm=unseen", f"group path={n.top}/*", "ignore"]
with n:
    for name in ("long", "unseen", "old", "short"):
        shutil.copy("/bin/sleep", f"{n.top}/{name}")
    n.stop()
    n.unload()
    shutil.rmtree(n.state)
    old = subprocess.Popen([f"{n.top}/old", "60"])
    time.sleep(1.1)
    n.start()
    runs = [subprocess.Popen([f"{n.top}/{name}", "60"]) for name in ("long", "long", "unseen")]
    subprocess.run([f"{n.top}/short", "0.1"], check=True)
    # a copy of a shell that outlives it becomes a run, and is announced as that
    copy = subprocess.Popen(["/bin/bash", "-c", "exec 3<&0; (read line <&3) & :"], executable=shutil.copy("/bin/bash", f"{n.top}/bash"),
                            stdin=subprocess.PIPE)
    copy.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and n.status()["records"]["start"] < 4:
        time.sleep(0.1)
    n.flush()

    def starts():
        return [r for r in n.records("start") if (r["exe"]["path"] or "").startswith(n.top)]

    seen = sorted((os.path.basename(r["exe"]["path"]), r["origin"]) for r in starts())
    tap.equal(seen, [("bash", "fork"), ("long", "exec"), ("long", "exec"), ("old", "scan")], "what lasts is announced, and nothing else")
    whole = [r for r in starts() if r["exe"]["build_id"] and r["object_set"] and r["user"] == "root" and r["argv"]]
    tap.equal(len(whole), 4, "with all that is known at the start")
    tap.equal([r["incomplete"] for r in starts() if r["origin"] == "exec"], [[], []], "none of them incomplete")
    tap.ok(all(r["end"] is None and r["exit"] is None and r["usage"] is None and r["elapsed_s"] is None for r in starts()),
           "and nothing of what only the end tells")
    for _ in range(3):
        n.kill()
        n.start()
        time.sleep(1.2)
    n.flush()
    tap.equal(len(starts()), 4, "a restart announces nothing again")
    for process in (*runs, old):
        process.kill()
        process.wait()
    copy.stdin.close()
    time.sleep(0.2)
    n.flush()
    ends = {r["run_id"]: r for r in n.runs()}
    tap.equal([r["run_id"] in ends for r in starts()], [True] * 4, "each has its run record at the end")
    same = ("exe", "argv", "pid", "start", "job", "object_set", "env_set", "parent_run_id", "cwd")
    odd = [(k, r[k], ends[r["run_id"]][k]) for r in starts() for k in same if r["run_id"] in ends and r[k] != ends[r["run_id"]][k]]
    tap.equal(odd, [], "which says the same of how it began")
    n.validate()
    n.check_sequence()
tap.done()
