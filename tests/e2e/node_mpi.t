#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real MPI programs under mpirun and srun: each task has its rank and size, what it runs itself has none."""
import os
import shutil
import subprocess

import node
import tap

node.require()
RANKS = 4
SOURCE = r"""
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* Says which rank it is; the first runs a program, whose environment is its own. */
int main(int argc, char **argv)
{
	int rank, size;
	FILE *out;

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
	out = fopen(argv[1], "a");
	fprintf(out, "%d %d %d\n", getpid(), rank, size);
	fclose(out);
	if (rank == 0 && system("/usr/bin/env >/dev/null") != 0)
		return 1;
	MPI_Finalize();
	return 0;
}
"""
ENV = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", HYDRA_LAUNCHER="fork")
LAUNCHERS = {
    "openmpi": ["mpirun.openmpi", "--oversubscribe", "-np", str(RANKS), "--mca", "btl", "self,vader"],
    "mpich": ["mpirun.mpich", "-np", str(RANKS)],
}


def launch(n, base):
    """The ways that work here: name, program, the ranks as the program says them by pid."""
    for name, words in LAUNCHERS.items():
        compiler = f"mpicc.{name}"
        if not shutil.which(compiler) or not shutil.which(words[0]):
            tap.skip(name, f"{compiler} or {words[0]} is not installed")
            continue
        program = f"{n.top}/hello-{name}"
        subprocess.run([compiler, "-o", program, f"{n.top}/hello.c"], check=True)
        yield name, program, [*words, program]
        # a wrapper that becomes the program
        yield f"{name} behind env", program, [*words, "env", "A=B", program]
    if not all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun")):
        tap.skip("srun", "Slurm is not installed")
        return
    if not shutil.which("mpicc.mpich"):
        tap.skip("srun", "mpicc.mpich is not installed")
        return
    here = os.path.join(node.TOP, "tests", "slurm")
    started = subprocess.run([f"{here}/start", base, "v1"], capture_output=True, text=True)
    try:
        if started.returncode:
            tap.skip("srun", "Slurm with cgroup v1 does not start here: " + started.stderr[-200:].replace("\n", " "))
            return
        yield "srun", f"{n.top}/hello-mpich", ["srun", "--mpi=pmi2", "--oversubscribe", "--overcommit", "-n", str(RANKS), f"{n.top}/hello-mpich"]
        script = f"{n.top}/job.sh"
        open(script, "w").write(f"#!/bin/sh\n{' '.join(LAUNCHERS['mpich'])} {n.top}/hello-mpich $1\n")
        os.chmod(script, 0o755)
        yield "mpirun in a batch job", f"{n.top}/hello-mpich", ["sbatch", "-W", "-o", "/dev/null", script]
    finally:
        subprocess.run([f"{here}/stop", base])


with node.Node(rules=["full"]) as n:
    base = f"{n.top}/slurm"
    ENV["SLURM_CONF"] = f"{base}/etc/slurm.conf"
    open(f"{n.top}/hello.c", "w").write(SOURCE)
    cases = []
    for number, (name, program, command) in enumerate(launch(n, base)):
        out = f"{n.top}/out{number}"
        done = subprocess.run([*command, out], env=ENV, capture_output=True, text=True, timeout=120)
        if tap.ok(done.returncode == 0, f"{name}: {RANKS} ranks end well", done.stdout + done.stderr):
            cases.append((name, program, {int(p): (int(r), int(s)) for p, r, s in map(str.split, open(out))}))
    n.flush()
    runs = n.runs()
    for name, program, said in cases:
        ranks = [r for r in runs if r["pid"] in said and r["exe"]["path"] == program]
        tap.equal({r["pid"]: r["mpi"] and (r["mpi"]["rank"], r["mpi"]["size"]) for r in ranks}, said,
                  f"{name}: each is recorded with the rank and size that MPI told it")
        tap.equal(sorted(r for r, _ in said.values()), list(range(RANKS)), f"{name}: they are one run of {RANKS} ranks")
        ids = {r["run_id"] for r in ranks}
        children = [r for r in runs if r["parent_run_id"] in ids]
        tap.ok(children and not any(r["mpi"] for r in children), f"{name}: what a rank runs has none", children)
    db = f"sqlite:{n.top}/db"
    loaded = subprocess.run([node.program("runmark-ingest"), "--db", db, *n.files()], capture_output=True, text=True)
    tap.equal(loaded.returncode, 0, "what was recorded is loaded")
    for program in sorted({program for _, program, _ in cases}):
        found = subprocess.run([node.program("runmark"), "find", "--db", db, "--exe", program, "--columns", "runs,exit", "--format", "table"],
                               capture_output=True, text=True)
        launches = sum(p == program for _, p, _ in cases)
        tap.equal([line.split() for line in found.stdout.splitlines()[1:]], [[str(RANKS), "ranks", "0", f"x{RANKS}"]] * launches,
                  f"{os.path.basename(program)}: {launches} launches are {launches} lines of {RANKS} ranks")
    said = {pid for _, _, pids in cases for pid in pids}
    others = [(r["exe"]["path"], r["argv"], r["mpi"]) for r in runs if r["mpi"] and r["pid"] not in said
              and any(n.top in word for word in [r["exe"]["path"] or "", *(r["argv"] or ())])]  # other tests may run as well
    tap.equal(others, [], "nobody else has a rank: neither launchers nor batch scripts")
    n.validate()
tap.done()
