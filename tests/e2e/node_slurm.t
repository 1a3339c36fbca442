#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real Slurm, cgroup v1 and v2: each run has the job, step and task that the task itself was told."""
import os
import shutil
import subprocess
import time

import node
import tap

node.require()
here = os.path.join(node.TOP, "tests", "slurm")
SHOW = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static const char *get(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "-";
}
int main(int argc, char **argv)
{
	FILE *out = fopen(argv[1], "a");
	fprintf(out, "%d %s %s %s %s %s\n", getpid(), get("SLURM_JOB_ID"), get("SLURM_STEP_ID"), get("SLURM_PROCID"),
		get("SLURM_ARRAY_JOB_ID"), get("SLURM_ARRAY_TASK_ID"));
	return 0;
}
"""
if not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun", "sbatch")):
    tap.skip("Slurm", "slurmd, slurmctld or munged is not installed")
    tap.done()
BATCH = {"4294967291": "batch", "4294967292": "extern", "4294967290": "interactive", "-": "batch"}

for version in ("v1", "v2"):
    if not os.path.isdir({"v1": "/sys/fs/cgroup/freezer", "v2": "/sys/fs/cgroup/unified"}[version]):
        tap.skip(f"Slurm with cgroup {version}", "this machine does not mount it so")
        continue
    with node.Node(rules=["full"]) as n:
        base = f"{n.top}/slurm"
        env = dict(os.environ, SLURM_CONF=f"{base}/etc/slurm.conf")
        open(f"{n.top}/show.c", "w").write(SHOW)
        subprocess.run(["gcc", "-o", f"{n.top}/show", f"{n.top}/show.c"], check=True)
        out = f"{n.top}/out"
        started = subprocess.run([f"{here}/start", base, version], capture_output=True, text=True)
        try:
            if not tap.ok(started.returncode == 0, f"{version}: Slurm starts", started.stderr):
                continue
            subprocess.run(["srun", "-n2", f"{n.top}/show", out], env=env, check=True, timeout=60)
            subprocess.run(["srun", "-n1", "sh", "-c", f"{n.top}/show {out}; {n.top}/show {out}"], env=env, check=True, timeout=60)
            script = f"{n.top}/job.sh"
            open(script, "w").write(f"#!/bin/sh\n{n.top}/show {out}\nsrun -n1 {n.top}/show {out}\nsrun -n1 {n.top}/show {out}\n")
            os.chmod(script, 0o755)
            subprocess.run(["sbatch", "-W", "-o", "/dev/null", script], env=env, check=True, timeout=60, stdout=subprocess.DEVNULL)
            subprocess.run(["sbatch", "-W", "-o", "/dev/null", "-a", "3,5", script], env=env, check=True, timeout=60,
                           stdout=subprocess.DEVNULL)
            subprocess.run([f"{n.top}/show", out], check=True)
            time.sleep(0.2)
        finally:
            subprocess.run([f"{here}/stop", base])
        n.flush()
        shown = {}
        for line in open(out):
            pid, job, step, task, array, array_task = line.split()
            step = BATCH.get(step, step)
            if job != "-" and task == "-":
                task = "0"
            shown[int(pid)] = {"id": job, "step": step, "task": task, "array_id": array, "array_task": array_task}
        runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/show" and r["exit"]]
        tap.equal(len(runs), len(shown), f"{version}: {len(shown)} programs ran, each is recorded")
        wrong = []
        for run in runs:
            want = shown[run["pid"]]
            if want["id"] == "-":
                if run["job"]:
                    wrong.append((run["job"], "no job"))
                continue
            got = {k: (run["job"] or {}).get(k) or "-" for k in want}
            if version == "v2" or want["step"] == "batch":
                got["task"] = want["task"]  # v2 on a hybrid host has only task_special; a batch step has no task
            if got != want or run["job"]["manager"] != "slurm" or run["job"]["from"] != "cgroup":
                wrong.append((run["job"], want))
        tap.equal(wrong, [], f"{version}: job, step, task and array are what each task was told")
        others = [r for r in n.runs() if r["job"] and not r["cgroup"].startswith(("/slurm_", "/system.slice/"))]
        tap.equal(others, [], f"{version}: nothing outside has a job")
        daemons = [r["job"] for r in n.runs() if r["exe"]["path"] and r["exe"]["path"].endswith(("/slurmd", "/slurmctld", "/munged")) and r["job"]]
        tap.equal(daemons, [], f"{version}: Slurm's daemons are in no job")
        n.validate()
tap.done()
