#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Control groups as Slurm 26.05 makes them, with a SLUID alone: the job's id is the step's slurmstepd's to tell."""
import os
import shutil
import signal
import subprocess
import time

import node
import tap

node.require()
root = next((r for r in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if os.path.exists(f"{r}/cgroup.procs")), None)
if not root:
    tap.skip("SLUID", "no control groups of version 2 are mounted")
    tap.done()
SCOPE = f"{root}/system.slice/t{os.getpid()}_slurmstepd.scope"
TOLD, LIED, UNTOLD = "s0003K9Z5T8QW2", "s0003K9Z5T8QW3", "s0003K9Z5T8QW4"
program = shutil.which("sleep")


def leaf(sluid, name):
    os.makedirs(f"{SCOPE}/{sluid}/step_0/{name}", exist_ok=True)
    return f"{SCOPE}/{sluid}/step_0/{name}/cgroup.procs"


def stepd(sluid, title, *prefix):
    """A process with the title that slurmstepd gives itself."""
    child = subprocess.Popen([*prefix, "bash", "-c", 'exec -a "$0" sleep 60', title])
    open(leaf(sluid, "slurm"), "w").write(str(child.pid))
    return child


def task(sluid, mark, **env):
    return subprocess.Popen(["sh", "-c", 'echo $$ >"$0" && exec sleep "$1"', leaf(sluid, "user/task_1"), mark], env={"PATH": os.environ["PATH"], **env})


with node.Node(rules=["full"]) as n:
    children = []
    try:
        children += [stepd(TOLD, "slurmstepd: [4242.0]"), stepd(LIED, "slurmstepd: [4343.0]", "setpriv", "--reuid=65534")]
        time.sleep(0.3)
        children += [task(TOLD, "71", SLURM_JOB_ID="1"), task(LIED, "72"), task(UNTOLD, "73", SLURM_JOB_ID="77")]
        time.sleep(0.5)
        children[0].kill()
        n.kill()
        n.start()
        for child in children[2:]:
            child.send_signal(signal.SIGTERM)
        for child in children[1:]:
            child.kill()
        for child in children:
            child.wait()
    finally:
        for folder, _, _ in os.walk(SCOPE, topdown=False):
            os.rmdir(folder)
    n.flush()
    runs = {r["argv"][1]: r["job"] for r in n.runs() if r["argv"] and len(r["argv"]) == 2 and r["argv"][1] in ("71", "72", "73")}
    shown = {mark: [job[f] for f in ("id", "from", "sluid", "step", "task")] for mark, job in runs.items()}
    tap.equal(shown.get("71"), ["4242", "slurmstepd", TOLD, "0", "1"], "the step's daemon tells, whatever the environment says; also over kill -9")
    tap.equal(shown.get("72"), [LIED, "cgroup", LIED, "0", "1"], "a user's process of that title tells nothing: the SLUID stands for the id")
    tap.equal(shown.get("73"), ["77", "environment", UNTOLD, "0", "1"], "the environment tells, where nobody else does")
    others = [r["job"] for r in n.runs() if r["job"] and r["job"]["sluid"] and r["job"]["step"] != "0"]
    tap.equal(others, [], "and nobody else has a job by it")
    n.validate()
tap.done()
