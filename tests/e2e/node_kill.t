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
    want = n.check_load(n.wants, KILLS * 211)
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
