#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark run in a batch job of a real Slurm: the tasks that srun starts below it, on the same node, are recorded with it,
each with its step; what the job runs beside it is not."""
import collections
import json
import os
import pwd
import shutil
import subprocess
import tempfile

import tap
from node import TOP, program

HERE = os.path.join(TOP, "tests", "slurm")
if os.geteuid() or not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun", "sbatch")):
    tap.skip("Slurm", "slurmd, slurmctld or munged is not installed, or not root")
    tap.done()
if not os.path.isdir("/sys/fs/cgroup/freezer"):
    tap.skip("Slurm", "this machine does not mount cgroup v1")
    tap.done()

folder = tempfile.mkdtemp(prefix="runmark-run-slurm.")
os.chmod(folder, 0o755)
base, script, out = f"{folder}/slurm", f"{folder}/job.sh", f"{folder}/out"
user = pwd.getpwnam("nobody")
os.mkdir(out)
os.chown(out, user.pw_uid, user.pw_gid)
env = dict(os.environ, SLURM_CONF=f"{base}/etc/slurm.conf")
with open(script, "w", encoding="ascii") as file:
    file.write(f"#!/bin/sh\nexport HOME={out} RUNMARK_CONF=/dev/null\n/bin/true\n"
               f"{program('runmark')} run --format json --output {out}/runs -- sh -c 'srun -n2 sleep 0; date >/dev/null' 2>{out}/err\n"
               f"echo $? >{out}/status\nsrun -n1 uname\n")
os.chmod(script, 0o755)
started = subprocess.run([f"{HERE}/start", base, "v1"], capture_output=True, text=True, check=False)
try:
    if tap.ok(started.returncode == 0, "Slurm starts", started.stderr):
        change = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        done = subprocess.run([*change, "sbatch", "--parsable", "-W", "-n2", "-D", out, "-o", f"{out}/log", script], env=env,
                              timeout=120, capture_output=True, text=True, check=False)
        job = done.stdout.strip().split(";", maxsplit=1)[0]
        status = open(f"{out}/status", encoding="ascii").read() if os.path.exists(f"{out}/status") else None
        tap.ok(status == "0\n", "the command ends as it would", (done, status, os.listdir(out)))
        with open(f"{out}/runs", encoding="utf-8") as lines:
            runs = [json.loads(line) for line in lines]
        ran = collections.Counter((os.path.basename(run["exe"]["path"]), run["job"] and run["job"]["id"],
                                   run["job"] and run["job"]["step"]) for run in runs)
        # one that was gone before the daemon could look has its control group in its file
        shell = os.path.basename(os.path.realpath("/bin/sh"))
        want = {("sleep", job, "0"): 2, ("date", job, "batch"): 1, ("srun", job, "batch"): 1, (shell, job, "batch"): 1}
        got = {key: count for key, count in ran.items() if key[0] in {name for name, _, _ in want}}
        tap.equal(got, want, "what ran, of which step")
        tap.ok(not {"true", "uname"} & {name for name, _, _ in ran}, "and nothing else of the job", ran)
finally:
    subprocess.run([f"{HERE}/stop", base], check=False)
    shutil.rmtree(folder, ignore_errors=True)
tap.done()
