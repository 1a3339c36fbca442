#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real Slurm gives its tasks the preload module: by the TaskProlog, or by what srun and sbatch take along of their environment; which
each way reaches, as the manual says."""
import os
import shutil
import subprocess
import tempfile

import deploy
import node
import tap

SLURM = os.path.join(deploy.TOP, "tests", "slurm")
# show NAME: a line with whether the library is loaded, and LD_PRELOAD
SHOW = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	const char *preload = getenv("LD_PRELOAD");
	char line[8192];
	int is_loaded = 0;

	while (maps && fgets(line, sizeof(line), maps))
		is_loaded |= strstr(line, "/librunmark") != NULL;
	printf("%s %s %s\n", argv[argc - 1], is_loaded ? "loaded" : "not", preload ? preload : "-");
	return 0;
}
"""
JOB = """#!/bin/sh
{top}/show script
srun -n1 {top}/show step
RUNMARK_TRACKING=no srun -n1 {top}/show out
mpirun.openmpi --allow-run-as-root --oversubscribe -np 2 {top}/show openmpi
mpirun.mpich -np 2 {top}/show mpich
"""
# environment, words of srun, what LD_PRELOAD is in the task with a TaskProlog, and without: ours, and the user's, one
CASES = [
    ({}, "", "ours", "-"),
    ({"LD_PRELOAD": "one"}, "", "one:ours", "one"),
    ({"LD_PRELOAD": "one one"}, "", "one one:ours", "one one"),
    ({}, "--export=NONE", "ours", "-"),
    ({"LD_PRELOAD": "one"}, "--export=NONE", "ours", "-"),
    ({}, "--export=A=1", "ours", "-"),
    ({"RUNMARK_TRACKING": "no"}, "", "-", "-"),
    ({"RUNMARK_TRACKING": "yes"}, "", "ours", "-"),
    ({"XALT_EXECUTABLE_TRACKING": "no"}, "", "-", "-"),
    ({"RUNMARK_TRACKING": "no", "LD_PRELOAD": "one"}, "", "one", "one"),
    ({}, "--export=ALL,RUNMARK_TRACKING=no", "-", "-"),
    ({"RUNMARK_TRACKING": "no"}, "--export=NONE", "ours", "-"),  # said, and not passed on
    ({"LD_PRELOAD": "ours"}, "", "ours", "ours"),
    ({"LD_PRELOAD": "one:ours"}, "", "one:ours", "one:ours"),
    ({"LD_PRELOAD": "ours"}, "--export=NONE", "ours", "-"),
    ({"LD_PRELOAD": "ours"}, "--export=A=1", "ours", "-"),
    ({}, "--export=ALL,LD_PRELOAD=ours", "ours", "ours"),
]


class Site:
    def __init__(self, top, task_prolog):
        self.top, self.task_prolog = top, task_prolog
        self.words = {"ours": top + "/usr/lib/runmark/$LIB/librunmark.so", "one": top + "/one.so"}
        self.env = dict({name: value for name, value in os.environ.items() if not name.startswith(("RUNMARK_", "XALT_", "LD_"))},
                        SLURM_CONF=top + "/slurm/etc/slurm.conf", RUNMARK_SOCKET=top + "/run/sock")

    def full(self, text):
        for word, path in self.words.items():
            text = text.replace(word, path)
        return text

    def run(self, *argv, **env):
        return subprocess.run(argv, env=dict(self.env, **env), timeout=60, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def steps(self):
        for env, words, prolog, none in CASES:
            want = self.full(prolog if self.task_prolog else none)
            result = self.run("srun", "-n1", *self.full(words).split(), self.top + "/show", "task",
                              **{name: self.full(value) for name, value in env.items()})
            loaded = "loaded" if "librunmark" in want else "not"
            complaint = [line for line in result.stderr.splitlines() if "ld.so" in line]
            tap.ok(result.stdout == f"task {loaded} {want}\n" and not complaint,
                   f"srun {words} with {env}: {(prolog if self.task_prolog else none)}", f"{result} {want}")

    def job(self, heard, name, has_it, *words, **env):
        """A batch script: it is a task itself. What it starts inherits."""
        script, out = self.top + "/job.sh", self.top + "/out"
        with open(script, "w") as file:
            file.write("\n".join(line for line in JOB.format(top=self.top).splitlines() if not line.startswith("mpirun") or
                                 shutil.which(line.split()[0])) + "\n")
        os.chmod(script, 0o755)
        heard.take(0)
        self.run("sbatch", "-W", "-o", out, *words, script, **env)
        lines = sorted(line.split()[:2] for line in open(out) if not line.startswith("srun: "))
        names = [("script", 1), ("step", 1), ("out", 1), ("openmpi", 2), ("mpich", 2)]
        want = sorted([name, has_it] for name, count in names for _ in range(count) if name not in ("openmpi", "mpich") or
                      shutil.which("mpirun." + name))
        tap.equal(lines, want, f"{name}: script, steps and MPI programs: {has_it}")
        if not words:
            told = heard.told()
            shown = [line.split()[-1] for line in told if line.startswith(self.top + "/show")]
            tap.equal(sorted(shown), sorted(name for name, _ in want if name != "out") if has_it == "loaded" else [],
                      f"{name}: who tells of itself, the step that opted out not")
            tap.equal(any("slurm_script" in line for line in told), has_it == "loaded", f"{name}: and so the script's shell, or not")

    def absent(self):
        """A node without the library: no task prints an error."""
        os.rename(self.top + "/usr/lib/runmark", self.top + "/usr/lib/away")
        result = self.run("srun", "-n1", self.top + "/show", "task")
        os.rename(self.top + "/usr/lib/away", self.top + "/usr/lib/runmark")
        tap.ok(result.stdout == "task not -\n" and "ld.so" not in result.stderr, "a node without the library: nothing is set", result)


    def containers(self):
        """A container takes the variable along; whether the library is in there is another matter."""
        bwrap = ["srun", "-n1", "bwrap", "--dev-bind", "/", "/"]
        show = [self.top + "/show", "task"]
        if not shutil.which("bwrap") or subprocess.run(bwrap[2:] + ["true"], stderr=subprocess.DEVNULL).returncode:
            tap.skip("containers", "bwrap is not installed, or can't run here")
            return
        hidden = ["--tmpfs", self.top + "/usr/lib/runmark"]
        for name, words, wanted, complaints in (("with the library's folder", [], "loaded " + self.words["ours"], 0),
                                                ("without it: each program prints a line", hidden, "not " + self.words["ours"], 1),
                                                ("without it and the variable", hidden + ["--unsetenv", "LD_PRELOAD"], "not -", 0)):
            result = self.run(*bwrap, *words, *show)
            tap.ok(result.stdout == f"task {wanted}\n" and result.stderr.count("cannot be preloaded (cannot open shared object file)") == complaints,
                   f"a container {name}", result)


def records(top, version):
    """All of it: runmarkd without BPF, a batch script and its step, whose records have the job that Slurm gave it."""
    with node.Node(source="preload", rules=["full"]) as n:
        site = Site(top, f"TaskProlog={top}/usr/libexec/runmark/slurm-task-prolog")
        site.env["RUNMARK_SOCKET"] = n.state + "/runmark.sock"
        script = top + "/job.sh"
        with open(script, "w") as file:
            # long enough for the daemon to look at their control group, which the kernel tells of who lives
            file.write("#!/bin/sh\nsleep 0.37\nsrun -n2 sleep 0.41\n")
        os.chmod(script, 0o755)
        started = subprocess.run([f"{SLURM}/start", top + "/slurm", version], capture_output=True, text=True,
                                 env=dict(os.environ, EXTRA=site.task_prolog))
        try:
            if not tap.ok(started.returncode == 0, "Slurm starts", started.stderr):
                return
            job = site.run("sbatch", "--parsable", "-W", "-n2", "-o", "/dev/null", script).stdout.strip().split(";")[0]
        finally:
            subprocess.run([f"{SLURM}/stop", top + "/slurm"])
        n.flush()
        runs = [r for r in n.runs() if r["argv"] and os.path.basename(r["argv"][0]) == "sleep" and r["argv"][1] in ("0.37", "0.41")]
        told = [(r["argv"][1], r["source"], r["job"] and (r["job"]["id"], r["job"]["step"]), r["exit"]) for r in runs]
        tap.equal(sorted(told, key=str), [("0.37", "preload", (job, "batch"), {"code": 0})] + [("0.41", "preload", (job, "0"), {"code": 0})] * 2,
                  "records of the batch script's program and of both tasks, with their job and end")
        n.validate()


def main():
    if not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun", "sbatch")):
        tap.skip("Slurm", "slurmd, slurmctld or munged is not installed")
        tap.done()
    deploy.need_root("Slurm")
    version = next((v for v, path in (("v1", "/sys/fs/cgroup/freezer"), ("v2", "/sys/fs/cgroup/unified")) if os.path.isdir(path)), None)
    if not version:
        tap.skip("Slurm", "this machine mounts neither the freezer of cgroup v1 nor a hybrid v2")
        tap.done()
    top = tempfile.mkdtemp(prefix="runmark-slurm.")
    os.chmod(top, 0o755)
    try:
        deploy.install_at(top + "/usr")
        subprocess.run(["gcc", "-o", top + "/show", "-xc", "-"], input=SHOW, text=True, check=True)
        subprocess.run(["gcc", "-shared", "-nostdlib", "-o", top + "/one.so", "-xc", "/dev/null"], check=True)
        for task_prolog in (f"TaskProlog={top}/usr/libexec/runmark/slurm-task-prolog", ""):
            site = Site(top, task_prolog)
            with tap.about("TaskProlog" if task_prolog else "no TaskProlog"), deploy.Receiver(top + "/run/sock") as heard:
                started = subprocess.run([f"{SLURM}/start", top + "/slurm", version], capture_output=True, text=True,
                                         env=dict(os.environ, EXTRA=task_prolog))
                try:
                    if not tap.ok(started.returncode == 0, "Slurm starts", started.stderr):
                        continue
                    site.steps()
                    site.job(heard, "sbatch", "loaded" if task_prolog else "not")
                    site.job(heard, "sbatch --export=NONE", "loaded" if task_prolog else "not", "--export=NONE")
                    site.job(heard, "sbatch with it in its environment", "loaded", LD_PRELOAD=site.words["ours"])
                    if task_prolog:
                        site.absent()
                        site.containers()
                finally:
                    subprocess.run([f"{SLURM}/stop", top + "/slurm"])
            shutil.rmtree(top + "/slurm", ignore_errors=True)
        with tap.about("runmarkd without BPF"):
            records(top, version)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    tap.done()


main()
