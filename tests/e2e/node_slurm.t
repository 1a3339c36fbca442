#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real Slurm, cgroup v1 and v2: each run has the job, step and task that the task itself was told; with the default rules, tasks are whole
and what they start again and again is in groups."""
import collections
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
	return argc > 2 ? atoi(argv[2]) : 0;
}
"""
if not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun", "sbatch")):
    tap.skip("Slurm", "slurmd, slurmctld or munged is not installed")
    tap.done()
BATCH = {"4294967291": "batch", "4294967292": "extern", "4294967290": "interactive", "-": "batch"}


def default_rules(version):
    with node.Node() as n:
        base, out, script = f"{n.top}/slurm", f"{n.top}/out", f"{n.top}/job.sh"
        env = dict(os.environ, SLURM_CONF=f"{base}/etc/slurm.conf")
        open(f"{n.top}/show.c", "w").write(SHOW)
        subprocess.run(["gcc", "-o", f"{n.top}/show", f"{n.top}/show.c"], check=True)
        # as a configure script: short programs, of which some fail; and a step in between, whose tasks are short as well
        open(script, "w").write(f"#!/bin/sh\nfor i in $(seq 41); do {n.top}/show {out}; done\nsrun -n2 {n.top}/show {out}.tasks\n"
                                f"for i in $(seq 23); do {n.top}/show {out} 3; done\n")
        os.chmod(script, 0o755)
        started = subprocess.run([f"{here}/start", base, version], capture_output=True, text=True)
        try:
            if not tap.ok(started.returncode == 0, f"{version}, default rules: Slurm starts", started.stderr):
                return
            job = subprocess.run(["sbatch", "--parsable", "-W", "-n2", "-o", "/dev/null", script], env=env, timeout=60,
                                 stdout=subprocess.PIPE, text=True).stdout.strip().split(";")[0]
            time.sleep(0.2)
        finally:
            subprocess.run([f"{here}/stop", base])
        n.flush()
        shown = [line.split()[:4] for line in open(f"{out}.tasks")]
        runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/show"]
        steps = sorted((str(r["pid"]), r["job"]["id"], r["job"]["step"], r["job"]["task"] if version == "v1" else "?") for r in runs
                       if r["job"]["step"] != "batch")
        tap.equal(steps, sorted((pid, job, step, task if version == "v1" else "?") for pid, _, step, task in shown),
                  f"{version}: what srun starts is a task: short, and whole all the same")
        groups = [g for g in n.records("group") if g["exe"]["path"] == f"{n.top}/show"]
        tap.equal([(g["job"]["id"], g["job"]["step"], g["job"]["from"]) for g in groups], [(job, "batch", "cgroup")], f"{version}: one group, of the job's batch step")
        exits = collections.Counter(r["exit"]["code"] for r in runs if r["job"]["step"] == "batch")
        for one in (e for g in groups for e in g["exits"]):
            exits[one["exit"]["code"]] += one["count"]
        tap.equal((dict(exits), sum(g["count"] for g in groups) >= 63), ({0: 41, 3: 23}, True), f"{version}: in which is what ran, by its exit")
        scripts = [r for r in n.runs() if r["job"] and r["job"]["id"] == job and r["argv"] and "slurm_script" in " ".join(r["argv"])]
        tap.equal([(r["job"]["step"], r["exit"]) for r in scripts], [("batch", {"code": 3})], f"{version}: the batch script is whole")
        n.validate()
        n.check_sequence()


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
    default_rules(version)
tap.done()
