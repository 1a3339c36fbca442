#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""23 jobs of a real Slurm of two nodes, ended in every way, with cgroup v1 and v2: each run's job is what the job itself was told."""
import os
import shutil
import subprocess
import time

import node
import tap

node.require()
SLURM = os.path.join(node.TOP, "tests", "slurm")
# show FILE [MIB]: tells FILE what it is told; takes so much memory
SHOW = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static const char *get(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "-";
}
int main(int argc, char **argv)
{
	char line[512];
	int fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0666);
	int len = snprintf(line, sizeof(line), "%d %s %s %s %s %s\n", getpid(), get("SLURM_JOB_ID"), get("SLURM_STEP_ID"),
			   get("SLURM_PROCID"), get("SLURM_ARRAY_JOB_ID"), get("SLURM_ARRAY_TASK_ID"));

	if (write(fd, line, len) != len)
		return 1;
	if (argc > 2 && atoi(argv[2])) {
		size_t size = (size_t)atoi(argv[2]) << 20;
		char *memory = malloc(size);

		memset(memory, 1, size);
		return memory[size / 2] != 1;
	}
	return 0;
}
"""
if not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun", "sbatch")):
    tap.skip("Slurm", "slurmd, slurmctld or munged is not installed")
    tap.done()
STEPS = {"4294967291": "batch", "4294967290": "interactive", "-": "batch"}
LIE = "SLURM_JOB_ID=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=1 SLURM_PROCID=9"


class Jobs:
    def __init__(self, n, version):
        self.n, self.version, self.count, self.scripts = n, version, 0, 0
        self.show, self.out, self.odd = f"{n.top}/show", f"{n.top}/out", f"{n.top}/odd"
        self.env = dict(os.environ, SLURM_CONF=f"{n.top}/slurm/etc/slurm.conf")
        subprocess.run(["gcc", "-O1", "-o", self.show, "-xc", "-"], input=SHOW.encode(), check=True)
        for path in (self.out, self.odd):
            open(path, "w").close()
            os.chmod(path, 0o666)

    def call(self, *words, jobs=0, status=0):
        self.count += jobs
        done = subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=100)
        if status is not None and done.returncode != status:
            tap.ok(False, f"{self.version}: {' '.join(words)}", f"{done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def script(self, text):
        self.scripts += 1
        path = f"{self.n.top}/job{self.scripts}.sh"
        open(path, "w").write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return path

    def batch(self, text, *options, jobs=1, wait=True):
        job = self.call("sbatch", "--parsable", "-o", "/dev/null", *options, self.script(text), jobs=jobs)
        if wait:  # sbatch -W looks seldom
            self.wait_for(lambda: self.is_over(job))
        return job

    def wait_for(self, condition):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not condition():
            time.sleep(0.1)
        return condition()

    def said(self, job):
        """How often programs of the job have told what they are told."""
        return sum(line.split()[1] == job for line in open(self.out))

    def is_over(self, job):
        return not self.call("squeue", "-h", "-j", job, status=None)

    def all(self):
        show = f"{self.show} {self.out}"
        # out of time: a limit is minutes, so it goes on meanwhile
        self.timed_out = self.version == "v1" and self.batch(f"{show}; srun -n1 {show}; sleep 601", "-t", "1", wait=False)
        self.call("srun", "-n2", self.show, self.out, jobs=1)
        self.call("srun", "-N2", "-n2", self.show, self.out, jobs=1)
        self.call("srun", "-n1", "sh", "-c", f"{show}; {show}", jobs=1)
        self.batch(f"{show}\nsrun -n1 {show}\nsrun -n2 {show}\nsrun -n1 {show}")
        self.batch(f"{show}\nsrun -n1 {show}", "-a", "3,5,9", jobs=3)
        # its environment cleared, an array's program says by its arguments what it would have been told
        self.batch(f"env -i {self.show} {self.odd} 0 clean $SLURM_JOB_ID $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID", "-a", "7")
        self.batch(f"real=$SLURM_JOB_ID; {LIE} {self.show} {self.odd} 0 lie $real - -")
        self.batch(f"{show}; exit 3")
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        self.call(*nobody, "srun", "-n1", self.show, self.out, jobs=1)
        # interactive: steps into an allocation
        said = subprocess.run(["salloc", "--no-shell", "-n1"], env=self.env, capture_output=True, text=True, timeout=60).stderr
        self.count += 1
        job = said.split("job allocation ")[1].split()[0]
        for _ in range(2):
            self.call("srun", f"--jobid={job}", "-n1", self.show, self.out)
        self.call("scancel", job)
        self.endings(show)
        for _ in range(23 - self.count):
            self.call("srun", "-n1", self.show, self.out, jobs=1)

    def endings(self, show):
        # cancelled
        job = self.batch(f"{show}; sleep 600; {show}", wait=False)
        self.wait_for(lambda: self.said(job))
        self.call("scancel", job)
        # requeued: the same id again
        job = self.batch(f"{show}\n[ -e {self.n.top}/again ] || {{ >{self.n.top}/again; sleep 602; }}", "--requeue", wait=False)
        self.wait_for(lambda: self.said(job))
        self.call("scontrol", "requeue", job)
        self.wait_for(lambda: "PENDING" in self.call("squeue", "-h", "-j", job, "-o", "%T", status=None))
        self.call("scontrol", "update", f"jobid={job}", "starttime=now")
        tap.ok(self.wait_for(lambda: self.said(job) == 2), f"{self.version}: a job is requeued")
        # out of memory, where the kernel's limit is Slurm's
        if self.version == "v1":
            self.call("srun", "-n1", "--mem=40", self.show, self.out, "400", jobs=1, status=None)


def told(jobs):
    shown = {}
    for line in open(jobs.out):
        pid, job, step, task, array, array_task = line.split()
        step = STEPS.get(step, step)
        shown.setdefault(int(pid), []).append((job, step, "0" if task == "-" else task, array, array_task))
    return shown


def part(run, version, field):
    job = run["job"] or {}
    if field == "task" and (job.get("step") == "batch" or version == "v2"):
        return None  # a batch step has no task of its own; v2 on a hybrid host has task_special alone
    return job.get(field) or "-"


FIELDS = ("id", "step", "task", "array_id", "array_task")
for version in ("v1", "v2"):
    if not os.path.isdir({"v1": "/sys/fs/cgroup/freezer", "v2": "/sys/fs/cgroup/unified"}[version]):
        tap.skip(f"Slurm with cgroup {version}", "this machine does not mount it so")
        continue
    with node.Node(rules=["full"]) as n:
        jobs = Jobs(n, version)
        started = subprocess.run([f"{SLURM}/start", f"{n.top}/slurm", version, "2"], capture_output=True, text=True)
        try:
            if not tap.ok(started.returncode == 0, f"{version}: Slurm of two nodes starts", started.stderr):
                continue
            jobs.all()
            if jobs.timed_out:
                state = jobs.wait_for(lambda: jobs.is_over(jobs.timed_out)) and jobs.call("scontrol", "-o", "show", "job", jobs.timed_out)
                tap.ok(state and "JobState=TIMEOUT" in state, f"{version}: a job runs out of time", state)
            time.sleep(0.3)
        finally:
            subprocess.run([f"{SLURM}/stop", f"{n.top}/slurm"])
        n.flush()
        runs = [r for r in n.runs() if r["exe"]["path"] == jobs.show and r["exit"]]
        plain = [r for r in runs if r["argv"][1] == jobs.out]
        shown = told(jobs)
        tap.equal((jobs.count, len(plain)), (23, sum(map(len, shown.values()))), f"{version}: 23 jobs, {len(plain)} programs, each recorded")
        wrong = []
        for run in plain:
            got = [part(run, version, field) for field in FIELDS]
            wanted = [[w if g is not None else None for g, w in zip(got, words)] for words in shown.get(run["pid"], [])]
            if got not in wanted or run["job"]["manager"] != "slurm" or run["job"]["from"] != "cgroup":
                wrong.append((run["job"], wanted))
        tap.equal(wrong, [], f"{version}: job, step, task and array are what each was told")
        odd = {r["argv"][3]: r for r in runs if r["argv"][1] == jobs.odd}
        for name, array_from in (("clean", "parent"), ("lie", None)):
            run = odd.get(name)
            tap.equal(run and [run["job"][f] or "-" for f in ("id", "array_id", "array_task")] + [run["job"]["step"], run["job"]["from"], run["job"]["array_from"]],
                      run and run["argv"][4:7] + ["batch", "cgroup", array_from], f"{version}: {name}: what the kernel knows")
        if version == "v1":
            killed = [(r["exit"].get("name"), r["exit"].get("oom")) for r in plain if r["argv"][-1] == "400"]
            tap.equal(killed, [("SIGKILL", True)], f"{version}: out of memory, and in its job")
            tap.equal(sorted({r["cgroup"].split("/")[1] for r in plain}), ["slurm_n1", "slurm_n2"], f"{version}: on both nodes")
        ours = ("/slurm_", "/system.slice/")
        strangers = [r["job"] for r in n.runs() if r["job"] and not r["cgroup"].startswith(ours)]
        tap.equal(strangers, [], f"{version}: no run of the system has a job")
        n.validate()
tap.done()
