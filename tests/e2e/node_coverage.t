#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What really happens to a daemon is what runmark report coverage tells of: a kill is no gap, a ring that was
full and an unloaded kernel side are."""
import datetime
import json
import os
import signal
import subprocess
import time

import node
import tap

SPAWNED = 1511  # more execs than a ring of 1 MiB holds
BEYOND = 0.05   # seconds by which a reading of the clock here may differ from the daemon's


def when(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc).timestamp()


def runmark(n, *arguments):
    done = subprocess.run([node.program("runmark"), "report", "coverage", "--db", f"sqlite:{n.top}/a.db", "--since",
                           f"@{int(n.began) - 1}", "--format", "json", *arguments], capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def load(n):
    done = subprocess.run([node.program("runmark-ingest"), "--db", f"sqlite:{n.top}/a.db", n.spool],
                          capture_output=True, text=True)
    tap.equal(done.returncode, 0, "the spool is loaded")
    return [(g["cause"], when(g["from"]), when(g["to"]), g["count"]) for g in runmark(n, "--by", "gap")
            if g["hides"] != "details"]


node.require()
began = time.time()
with node.Node(ring_mib="1", node_seconds="1") as n:
    n.began = began
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)

    def spawn(count):
        subprocess.run([f"{n.top}/spawn", str(count), "1", f"{n.top}/ending"], stdout=subprocess.DEVNULL, check=True)

    spawn(97)
    time.sleep(1.2)
    n.kill()
    spawn(101)
    n.start()
    spawn(103)
    n.flush()
    tap.equal(load(n), [], "a killed daemon leaves no gap")

    n.process.send_signal(signal.SIGSTOP)
    stopped = time.time()
    spawn(SPAWNED)
    n.process.send_signal(signal.SIGCONT)
    resumed = time.time()
    time.sleep(1.5)  # for a node record
    n.stop()
    lost = n.records("node")[-1]["lost"].get("ring_full_exec", 0)
    gaps = load(n)
    print(f"# {lost} of {SPAWNED} execs found the ring full")
    full = [g for g in gaps if g[0] == "ring_full_exec"]
    tap.ok(full and full[0][1] < stopped + BEYOND and full[0][2] > resumed - BEYOND and sum(g[3] for g in full) == lost,
           "a full ring shows, with the count of its execs", (gaps, stopped, resumed, lost))

    n.unload()
    gone = time.time()
    spawn(107)
    time.sleep(0.3)
    back = time.time()
    n.start()
    spawn(109)
    n.stop()
    off = [g for g in load(n) if g[0] == "daemon_off"]
    tap.ok(len(off) == 1 and off[0][1] < gone + BEYOND and off[0][2] > back - BEYOND and off[0][2] < time.time(),
           "an unloaded kernel side shows", (off, gone, back))

    file = sorted(n.files(), key=lambda path: os.stat(path).st_mtime_ns)
    subprocess.run([node.program("runmark-ingest"), "--db", f"sqlite:{n.top}/b.db", *file[:1], *file[2:]], check=True,
                   stdout=subprocess.DEVNULL)
    os.rename(f"{n.top}/b.db", f"{n.top}/a.db")
    for left in ("-wal", "-shm"):
        if os.path.exists(f"{n.top}/a.db{left}"):
            os.unlink(f"{n.top}/a.db{left}")
    missing = [g["cause"] for g in runmark(n, "--by", "gap")]
    tap.ok("file_missing" in missing, "a file that is lost shows", missing)
    row = runmark(n)[0]
    tap.ok(0 < row["complete_percent"] < 100 and row["runs_lost"] == lost, "in per cent", row)
tap.done()
