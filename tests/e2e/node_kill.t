#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of runmarkd under load, again and again: every process is recorded, once, whole."""
import collections
import contextlib
import os
import random
import sqlite3
import subprocess
import time

import node
import tap

KILLS = 101 if "RUNMARK_TEST_LONG" in os.environ else 23
node.require()
random.seed(11)
with node.Node(rotate_seconds="2") as n:
    here = os.path.dirname(os.path.abspath(__file__))
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{here}/{name}.c"], check=True)
    for kill in range(KILLS):
        load = subprocess.Popen([f"{n.top}/spawn", "211", str(kill), f"{n.top}/ending"], stdout=subprocess.PIPE, text=True)
        time.sleep(random.uniform(0, 0.15))
        n.kill()
        time.sleep(random.uniform(0, 0.3))
        n.start()
        n.wants = getattr(n, "wants", []) + [load.communicate()[0]]
    n.flush()
    runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending"]
    ids = collections.Counter(r["run_id"] for r in runs)
    want = collections.Counter((int(l.split()[0]), l.split(" ", 3)[3]) for text in n.wants for l in text.splitlines())
    got = collections.Counter((r["pid"], r["argv"][2]) for r in runs if r["argv"])
    print(f"# {KILLS} kills, {sum(want.values())} processes, {len(runs)} records")
    tap.equal(sum(want.values()), KILLS * 211, "the load ran")
    tap.ok(not want - got, "no process is missing", list((want - got).items())[:5])
    tap.ok(not got - want, "none is recorded twice", list((got - want).items())[:5])
    twice = [(r["run_id"], r["pid"], r["start"], r["argv"]) for r in runs if ids[r["run_id"]] > 1]
    tap.equal(twice, [], "no run id twice")
    objects = {h: s.get("objects", []) for h, s in n.sets().items()}
    whole = [r for r in runs if r["exit"] and r["argv"] and r["exe"]["build_id"] and len(objects[r["object_set"]]) == 2]
    tap.equal(len(whole), len(runs), "every one has argv, exit, build-id and both its objects")
    bad = [r["incomplete"] for r in runs if r["incomplete"]]
    tap.equal(bad[:5], [], "none is incomplete")
    headers = [r for r in n.records("file") if r["part"] == "header"]
    names = [os.path.basename(p).replace(".zst", "") for p in sorted(n.files(), key=lambda p: os.stat(p).st_mtime_ns)]
    previous = {h["previous"] for h in headers}
    tap.ok(previous <= {None, *names} and len(previous) == len(headers), "each file names the one before",
           sorted(map(str, previous - {None, *names})))
    n.validate()
    # and on the site, from many instances' files: each run is one row, no record is missing
    database = f"{n.top}/runmark.db"
    subprocess.run([node.program("runmark-ingest"), "--db", f"sqlite:{database}", n.spool], check=True, stdout=subprocess.DEVNULL)
    with contextlib.closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT pid, json_extract(argv, '$[2]') FROM run_view WHERE exe = ?",
                          (f"{n.top}/ending".encode(),)).fetchall()
        tap.ok(collections.Counter(rows) == want, "each process is in the database, once", len(rows))
        tap.equal(db.execute("SELECT count(*) FROM missing_record").fetchone(), (0,), "where no record is missing")
tap.done()
