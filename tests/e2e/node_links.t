#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Links on a tracked node: each record knows its job, by socket and by drop folder; a link without a record is counted."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import node
import tap

node.require()
WRAPPERS = os.path.join(node.TOP, node.BUILD, "libexec", "runmark")
JOB = next((path for path in ("/sys/fs/cgroup/freezer/slurm", "/sys/fs/cgroup/unified/system.slice/slurmstepd.scope",
                              "/sys/fs/cgroup/system.slice/slurmstepd.scope") if os.path.isdir(os.path.dirname(path)) or
            os.path.isdir(os.path.dirname(os.path.dirname(path)))), None)


class Job:
    """A step of a job that looks like Slurm's."""

    def __enter__(self):
        uid = "uid_0/" if "freezer" in JOB else ""
        self.path = f"{JOB}/{uid}job_{os.getpid()}/step_0"
        self.made = []
        path = self.path
        while not os.path.isdir(path):
            self.made.append(path)
            path = os.path.dirname(path)
        os.makedirs(self.path)
        return self

    def enter(self):
        with open(self.path + "/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))

    def __exit__(self, *_):
        for path in self.made:
            for _ in range(50):
                try:
                    os.rmdir(path)
                    break
                except OSError:
                    time.sleep(0.02)


def links(n, count, wrapped=True, before=None, name="out"):
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "RUNMARK_CONF": n.conf}
    if wrapped:
        env["COMPILER_PATH"] = WRAPPERS
    for i in range(count):
        subprocess.run(["gcc", "a.o", "-o", f"{name}{i}"], check=True, env=env, preexec_fn=before)


def mine(n):
    return [r for r in n.records("link") if r["output"]["path"].startswith(n.top + "/")]


def missing(n):
    return n.status()["lost"]["link_missing"]


with node.Node() as n, Job() as job:
    os.chdir(n.top)
    with open("a.c", "w") as file:
        file.write("int main(void) { return 41; }\n")
    subprocess.run(["gcc", "-c", "a.c"], check=True)
    links(n, 23, before=job.enter, name="job")
    links(n, 7, name="none")
    begin = time.monotonic()
    time.sleep(1)
    n.flush()
    found = mine(n)
    jobs = [(r["output"]["path"].split("/")[-1][:3], r["job"] and r["job"]["id"]) for r in found]
    tap.equal(sorted(set(jobs), key=str), [("job", str(os.getpid())), ("non", None)], "each record has the job of its linker")
    tap.equal(len(found), 30, "30 links, 30 records")
    # other builds on this machine may count, so only what must be there is asked for
    before = missing(n)
    links(n, 11, wrapped=False)
    subprocess.run(["ld", "-r", "a.o", "-o", "r.o"], check=True)
    subprocess.run(["ld", "--version"], check=True, stdout=subprocess.DEVNULL)
    while missing(n) < before + 11 and time.monotonic() < begin + 60:
        time.sleep(0.5)
    tap.ok(before + 11 <= missing(n), "11 links without a record are counted", f"{before} {missing(n)}")
    n.stop()
    links(n, 5, before=job.enter, name="drop")
    n.start()
    deadline = time.monotonic() + 60
    while os.listdir(n.drop) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(4)
    n.flush()
    tap.equal(len([r for r in mine(n) if "/drop" in r["output"]["path"]]), 5, "5 more from the drop folder")
    n.validate()
    n.check_sequence()
tap.done()
