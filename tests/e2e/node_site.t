#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""From a real daemon through the loader to the answers: a group is counted, a run that lasts is seen running, and
ended when it has."""
import json
import os
import subprocess
import time

import node
import tap

GROUPED = 211


def runmark(n, *arguments):
    done = subprocess.run([node.program("runmark"), *arguments, "--db", f"sqlite:{n.top}/a.db", "--format", "json"],
                          capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def load(n):
    n.flush()
    done = subprocess.run([node.program("runmark-ingest"), "--db", f"sqlite:{n.top}/a.db", n.spool],
                          capture_output=True, text=True)
    tap.ok(done.returncode == 0 and " 0 lines quarantined" in done.stdout, "the spool is loaded", done)


node.require()
n = node.Node(group_seconds="2", group_short_seconds="1", start_seconds="1", node_seconds="1")
n.rules = [f"full path={n.top}/long", f"group path={n.top}/*", "ignore"]
with n:
    here = os.path.dirname(os.path.abspath(__file__))
    # a build-id of its own: other tests run the same program
    subprocess.run(["gcc", "-O1", "-Wl,--build-id=uuid", "-o", f"{n.top}/ending", f"{here}/ending.c"], check=True)
    subprocess.run(["cp", "/bin/sleep", f"{n.top}/long"], check=True)
    long = subprocess.Popen([f"{n.top}/long", "1000"])
    for i in range(GROUPED):
        subprocess.run([f"{n.top}/ending", str(i), "exit 3" if i % 10 == 0 else "exit 0"], check=False)
    time.sleep(4)
    load(n)
    found = runmark(n, "find", "--exe", f"{n.top}/ending")
    groups = [r for r in found if r["schema"] == "runmark.group/1"]
    tap.ok(sum(r.get("count", 1) for r in found) == GROUPED and groups and len(found) <= GROUPED // 10,
           "short equal runs are a few lines, which stand for all of them", found[:3])
    failed = sum(e["count"] for r in groups for e in r["exits"] if e["exit"] == {"code": 3}) \
        + sum(r.get("exit") == {"code": 3} for r in found)
    tap.equal(failed, len(range(0, GROUPED, 10)), "with their exits")
    tap.equal({r.get("group_id") or r["run_id"] for r in runmark(n, "find", "--exe", f"{n.top}/ending", "--failed")},
              {r.get("group_id") or r["run_id"] for r in found if "exits" not in r and r["exit"] == {"code": 3}
               or any(e["exit"] == {"code": 3} for e in r.get("exits", []))}, "--failed finds them")
    shown = runmark(n, "show", f"{n.top}/ending")[0]
    tap.equal(shown["runs_total"], GROUPED, "show counts all of them")
    row = runmark(n, "report", "coverage")[0]
    every = runmark(n, "find")
    tap.ok(row["complete_percent"] == 100 and row["runs"] == sum(r.get("count", 1) for r in every) > GROUPED and
           row["runs_left_out"] > 0, "coverage: all are recorded, and what rules left out is told",
           (row, [(r["exe"]["path"], r.get("argv"), r.get("origin")) for r in every]))

    running = runmark(n, "find", "--running")
    tap.equal([(r["pid"], r["state"], r["exe"]["path"]) for r in running], [(long.pid, "running", f"{n.top}/long")],
              "a run that lasts is seen while it runs")
    long.kill()
    long.wait()
    load(n)
    tap.equal(runmark(n, "find", "--running"), [], "and no more when it has ended")
    ended = runmark(n, "find", "--exe", f"{n.top}/long")
    tap.equal([(r["run_id"], r["exit"]["signal"]) for r in ended], [(running[0]["run_id"], 9)], "the same run, complete")
tap.done()
