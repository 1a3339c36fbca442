#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""997 processes (or RUNMARK_TEST_COUNT), each recorded once and as waitpid saw it."""
import os
import subprocess

import node
import tap

COUNT = int(os.environ.get("RUNMARK_TEST_COUNT", 997))
node.require()
with node.Node() as n:
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)
    output = subprocess.run([f"{n.top}/spawn", str(COUNT), "7", f"{n.top}/ending"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    n.flush()
    want = {}
    for line in output.splitlines():
        pid, status, index, what = line.split(" ", 3)
        want[int(index)] = (int(pid), int(status), [f"{n.top}/ending", f"index-{index}", what])
    runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending"]
    tap.equal(len(runs), COUNT, f"{COUNT} records of {COUNT} processes")
    tap.equal(len({r["run_id"] for r in runs}), COUNT, "every run id is its own")
    wrong = []
    for run in runs:
        pid, status, argv = want[int(run["argv"][1].split("-")[1])]
        code, sig = os.waitstatus_to_exitcode(status), run["exit"].get("signal")
        got = -sig if sig else run["exit"]["code"]
        if run["pid"] != pid or got != code or run["argv"] != argv:
            wrong.append((run, want[int(run["argv"][1].split("-")[1])]))
    tap.ok(not wrong, "pid, exit and argv are what waitpid and the caller saw", wrong[:3])
    tap.ok(all(r["exe"]["build_id"] for r in runs), "every one has the program's build-id")
    # this rung has no memory to ask where an earlier image of the process was larger
    is_live = any(hook["fact"] == "exit" and hook["rung"] == "live" for hook in n.status()["hooks"])
    odd = [i for r in runs for i in r["incomplete"] if not (is_live and i.startswith("usage.max_rss"))]
    tap.equal(odd[:5], [], "none is incomplete")
    me = [r["parent_run_id"] for r in runs]
    spawner = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/spawn"]
    tap.ok(len(spawner) == 1 and set(me) == {spawner[0]["run_id"]}, "their parent is the run that spawned them")
    lost = node.lost(n.status()["lost"])
    tap.equal(lost, {}, "nothing is counted as lost")
    n.check_sequence()
    n.validate()
tap.done()
