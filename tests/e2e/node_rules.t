#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rules on real processes: first match wins; what is ignored leaves nothing behind but a count."""
import glob
import os
import pwd
import shutil
import subprocess
import time

import node
import tap

node.require()
n = node.Node()
n.rules = [f"full path={n.top}/kept", "ignore comm=run.sh", f"ignore path={n.top}/* user!=nobody",
           f"ignore path={n.top}/script-* group=65530-65540", "full"]
with n:
    for name in ("kept", "secret", "script-one"):
        shutil.copy("/bin/true", f"{n.top}/{name}")
    with open(f"{n.top}/run.sh", "w") as script:
        script.write("#!/bin/sh\n:\n")
    os.chmod(f"{n.top}/run.sh", 0o755)
    nobody = pwd.getpwnam("nobody")

    def run(*argv, user=None):
        ids = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        return subprocess.Popen(argv, env={"OMP_NUM_THREADS": "4711", "PATH": "/bin"}, **ids).wait()

    for _ in range(7):
        run(f"{n.top}/kept", "argument-kept")
        run(f"{n.top}/secret", "argument-ignored")
        run(f"{n.top}/secret", "argument-nobody", user=nobody)
        run(f"{n.top}/script-one", user=nobody)
        run(f"{n.top}/run.sh")
    time.sleep(0.3)
    journal = open(f"{n.state}/journal", "rb").read()
    tap.ok(b"argument-kept" in journal and b"argument-ignored" not in journal,
           "what is ignored has no arguments, not even in the journal")
    n.flush()
    status = n.status()
    runs = [r for r in n.runs() if r["exe"]["path"] and r["exe"]["path"].startswith(n.top)]
    seen = {}
    for r in runs:
        seen.setdefault((os.path.basename(r["exe"]["path"]), r["uid"]), []).append(r)
    tap.equal({k: len(v) for k, v in seen.items()}, {("kept", 0): 7, ("secret", nobody.pw_uid): 7},
              "the first rule that matches decides")
    tap.ok(status["unrecorded"]["ignored"] >= 7 * 3, "what is ignored is counted", status["unrecorded"])
    tap.equal([r["script"] for r in n.runs() if r["script"] and r["script"]["path"].endswith("run.sh")], [],
              "a script is known by its own name")
    n.kill()
    n.rules = ["ignore user=a-name-that-nobody-has", "ignore group!=a-name-that-nobody-has", "full"]
    n.start()
    run(f"{n.top}/kept", "second")
    n.flush()
    again = [r for r in n.runs() if r["argv"] and r["argv"][-1] == "second"]
    tap.equal(len(again), 1, "a condition on an unknown name doesn't hold")
    tap.equal(n.log().count("a-name-that-nobody-has"), 2, "and that is said once")
    files = "".join(open(path).read() for path in glob.glob(f"{n.spool}/*.jsonl"))
    tap.ok("argument-ignored" not in files, "nothing of what is ignored is in the spool")
    n.validate()

    # what the kernel side can ask itself never comes up the ring, but for its being
    n.stop()
    n.rules = ["ignore comm=kernel-out user=0", "full"]
    n.start()
    shutil.copy("/bin/dash", f"{n.top}/kernel-out")
    before = n.status()
    for i in range(23):
        run(f"{n.top}/kernel-out", "-c", f": argument-out; {n.top}/kept inside-{i} & exec {n.top}/kept after-{i}")
    run(f"{n.top}/kernel-out", "-c", ": argument-in", user=nobody)
    time.sleep(0.3)
    journal = open(f"{n.state}/journal", "rb").read()
    n.flush()
    after = n.status()
    tap.ok(b"argument-in" in journal and b"argument-out" not in journal and journal.count(b"kernel-out") < 23,
           "a rule of user and comm is the kernel side's own", journal.count(b"kernel-out"))
    tap.ok(after["unrecorded"]["ignored"] - before["unrecorded"]["ignored"] >= 23, "what it leaves out is counted",
           after["unrecorded"])
    kept = [r for r in n.runs() if r["argv"] and r["argv"][-1].startswith(("inside-", "after-"))]
    tap.equal((len(kept), len({r["run_id"] for r in kept})), (46, 46), "what it starts or becomes is recorded as ever")
    tap.equal([r["incomplete"] for r in kept if r["incomplete"]], [], "and whole")
    tap.ok(all(r["usage"]["max_rss"] > 0 for r in kept), "with its usage",
           [r["usage"] for r in kept][:4])
    n.validate()
tap.done()
