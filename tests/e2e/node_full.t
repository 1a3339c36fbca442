#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon stands still until the ring is full: what is lost is counted to the last exec, the daemon finds back by
itself, and the report on coverage shows when it was."""
import json
import os
import signal
import subprocess
import time

import node
import tap

COUNT = 4999
node.require()
with node.Node(ring_mib="1", node_seconds="1") as n:
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)
    time.sleep(2.5)
    before = n.status()
    n.process.send_signal(signal.SIGSTOP)
    stopped = time.time()
    load = subprocess.run([f"{n.top}/spawn", str(COUNT), "5", f"{n.top}/ending"], stdout=subprocess.PIPE, text=True, check=True)
    n.process.send_signal(signal.SIGCONT)
    going = time.time()
    tap.equal(len(load.stdout.splitlines()), COUNT, "the load ran")
    time.sleep(2)
    after = subprocess.run([f"{n.top}/spawn", "97", "6", f"{n.top}/ending"], stdout=subprocess.PIPE, text=True, check=True)

    def told(runs):
        return [r for r in runs if r["exe"]["path"] == f"{n.top}/ending"]

    def begun_since():
        """Processes that live and are younger than the daemon: what they exec'd is seen and not yet recorded."""
        age = os.stat(f"/proc/{n.process.pid}").st_mtime
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                count += os.stat(f"/proc/{pid}").st_mtime >= age and bool(open(f"/proc/{pid}/cmdline").read(1))
            except OSError:
                pass
        return count

    # Of all execs on this machine each is recorded, lost, or its program still runs. On a quiet machine none does.
    deadline = time.monotonic() + 30
    while True:
        n.flush()
        status = n.status()
        runs = n.runs()
        lost = status["lost"]["ring_full_exec"]
        # what had begun before the daemon did has no exec among those seen
        recorded = sum(r["origin"] == "exec" and r["exe"]["path"] is not None for r in runs)
        if status["events"]["exec"] == recorded + lost or time.monotonic() > deadline:
            break
        time.sleep(1)
    own = len(told(runs)) - 97
    print(f"# {COUNT} spawned, {own} recorded; of all: {status['events']['exec']} execs, {recorded} recorded, {lost} lost")
    tap.ok(0 < own < COUNT, "the ring was full before the load ended", own)
    tap.ok(0 <= status["events"]["exec"] - recorded - lost <= begun_since(), "seen = recorded + lost + running",
           (status["events"]["exec"], recorded, lost, begun_since()))
    tap.ok(lost >= COUNT - own, "and so for the load's own", (lost, COUNT - own))
    pids = {(r["pid"], tuple(r["argv"])) for r in told(runs)}
    tap.equal(len(pids), len(told(runs)), "none is recorded twice")
    tap.ok(all(any(p == int(l.split()[0]) for p, _ in pids) for l in after.stdout.splitlines()),
           "what ran after it is recorded")
    time.sleep(1.5)
    n.flush()
    n.validate()
    database = f"sqlite:{n.top}/runmark.db"
    subprocess.run([node.program("runmark-ingest"), "--db", database, n.spool], check=True, stdout=subprocess.DEVNULL)

    def report(since, until):
        iso = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)) for t in (since, until)]
        result = subprocess.run([node.program("runmark"), "report", "coverage", "--by", "gap", "--db", database, "--since", iso[0],
                                 "--until", iso[1], "--format", "json"], capture_output=True, text=True)
        return [json.loads(line) for line in result.stdout.splitlines()], result.stderr

    gaps, error = report(stopped - 60, going + 60)
    full = [g for g in gaps if g.get("cause") == "ring_full_exec"]
    tap.ok(sum(g["count"] for g in full) == lost, "the report on coverage has every lost exec", gaps or error)
    tap.ok(full and all(g["from"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(going + 2)) for g in full) and
           all(g["to"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stopped - 1)) for g in full),
           "and shows when it was", full)
    # what is on record is not told again, though the journal be lost or damaged
    for damage, unread in ((b"", 0), (os.urandom(4096), 1)):
        n.kill()
        with open(f"{n.state}/journal", "wb") as journal:
            journal.write(damage)
        n.start()
        told = n.status()["lost"]
        tap.equal((told["ring_full_exec"], told["upgrade_unread"]), (0, unread),
                  f"a journal of {len(damage)} bytes of nonsense: told as that, and the ring's losses not again")
tap.done()
