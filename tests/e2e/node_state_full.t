#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The state folder's file system is full: said at the start, in status, log and doctor; over when there is room, and
nothing is lost."""
import json
import os
import subprocess
import time

import node
import tap

COUNT = 997
node.require()
n = node.Node(ring_mib="64")
os.makedirs(n.state)
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", n.state]).returncode:
    tap.skip("a full state folder", "no tmpfs can be mounted here")
    tap.done()


def doctor():
    done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf, "--format", "json"], capture_output=True, text=True)
    return [f for f in map(json.loads, done.stdout.splitlines()) if f["check"] == "state folder"]


def wait_for(what):
    deadline = time.monotonic() + 15
    while not what() and time.monotonic() < deadline:
        time.sleep(0.2)


try:
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)
    n.start()
    tap.ok("has room for a journal of 2" in n.log() and "journal_mib = 64" in n.log(), "the start warns", n.log())
    found = doctor()
    tap.ok(found[0]["level"] == "warn" and "lower journal_mib" in found[0]["way_out"], "doctor warns", found)
    filler = open(f"{n.state}/filler", "wb", buffering=0)
    try:
        while True:
            filler.write(b"x" * 4096)
    except OSError:
        pass
    subprocess.run([f"{n.top}/spawn", str(COUNT), "3", f"{n.top}/ending"], stdout=subprocess.DEVNULL, check=True)
    wait_for(lambda: n.status()["errors"])
    status = n.status()
    tap.ok(len(status["errors"]) == 1 and n.state in status["errors"][0] and "free room" in status["errors"][0],
           "status names the folder and the way out", status["errors"])
    time.sleep(2.5)
    tap.equal(n.log().count("has no room for the journal"), 1, "and the log does, once")
    found = doctor()
    tap.ok(found[0]["level"] == "warn", "doctor still says it", found)
    os.truncate(f"{n.state}/filler", 0)
    wait_for(lambda: not n.status()["errors"])
    tap.equal(n.status()["errors"], [], "when there is room it is over")
    time.sleep(1.5)
    tap.equal(n.log().count("has room for the journal again"), 1, "and the log says so, once")
    n.flush()
    runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending"]
    tap.equal((len(runs), len({r["run_id"] for r in runs})), (COUNT, COUNT), "every run is there, once")
    tap.equal({k: v for k, v in n.status()["lost"].items() if v and k != "exec_unseen"}, {}, "nothing is counted as lost")
    n.check_sequence()
finally:
    n.stop()
    subprocess.run(["umount", n.state])
    n.__exit__()
tap.done()
