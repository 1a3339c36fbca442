#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Usage is of the image alone: not what its process was before."""
import os
import resource
import subprocess

import node
import tap

node.require()
MIB = 1 << 20
PARENT = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* Fills 400 MiB and burns CPU, then becomes argv[1], or has a vforked or forked child become it. */
int main(int argc, char **argv)
{
	size_t size = 400u << 20;
	char *memory = malloc(size);
	clock_t until;
	pid_t pid;

	memset(memory, 1, size);
	for (until = clock() + CLOCKS_PER_SEC / 2; clock() < until;)
		;
	if (!strcmp(argv[1], "exec"))
		execv(argv[2], argv + 2);
	pid = strcmp(argv[1], "vfork") ? fork() : vfork();
	if (!pid) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return 0;
}
"""
CHILD = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* Fills argv[1] MiB, burns argv[2] milliseconds of CPU; says how much of it was gone before main. */
int main(int argc, char **argv)
{
	size_t size = (size_t)atoi(argv[1]) << 20;
	char *memory = malloc(size + 1);
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("%ld.%09ld\n", (long)t.tv_sec, t.tv_nsec);
	memset(memory, 1, size + 1);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < atoi(argv[2]));
	return memory[size / 2] - 1;
}
"""

with node.Node() as n:
    for name, source in (("parent", PARENT), ("child", CHILD)):
        open(f"{n.top}/{name}.c", "w").write(source)
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c"], check=True)
    for how in ("exec", "vfork", "fork"):
        subprocess.run([f"{n.top}/parent", how, f"{n.top}/child", "0", "20" if how != "exec" else "0"], check=True,
                       stdout=subprocess.DEVNULL)
    child = subprocess.Popen([f"{n.top}/child", "37", "300"], stdout=subprocess.PIPE)
    before_main = float(child.stdout.read())
    _, status, usage = os.wait4(child.pid, 0)
    n.flush()
    runs = n.runs()
    parents = [r for r in runs if r["exe"]["path"] == f"{n.top}/parent"]
    children = [r for r in runs if (r["exe"]["path"] or "").endswith("/child")]
    tap.equal((len(parents), len(children)), (3, 4), "all ran")
    for run in parents:
        how = run["argv"][1]
        cpu = run["usage"]["user_s"] + run["usage"]["system_s"]
        if how == "exec":
            tap.ok(run["exit"] is None and run["next_run_id"] in [c["run_id"] for c in children],
                   "exec: the parent's run ends where the next one begins")
        tap.ok(cpu > 0.4, f"{how}: the parent's CPU is its own", run["usage"])
        if run["usage"]["max_rss"] is not None:
            tap.ok(run["usage"]["max_rss"] > 400 * MIB, f"{how}: the parent's peak memory is its own", run["usage"])
    for run in children[:3]:
        cpu = run["usage"]["user_s"] + run["usage"]["system_s"]
        tap.ok(run["usage"]["max_rss"] < 8 * MIB, "a child of 400 MiB: peak memory is its own", run["usage"])
        tap.ok(cpu < 0.1, "a child of 400 MiB: CPU is its own", run["usage"])
    run = children[3]
    cpu, want = run["usage"]["user_s"] + run["usage"]["system_s"], usage.ru_utime + usage.ru_stime
    # fork and exec itself are in wait4's; little, but for emulated machines
    tap.ok(-0.02 < want - cpu < before_main + 0.02, "CPU is what wait4 tells, but for that before exec", (cpu, want, before_main))
    tap.ok(abs(run["usage"]["max_rss"] - usage.ru_maxrss * 1024) <= MIB, "peak memory is what wait4 tells",
           (run["usage"]["max_rss"], usage.ru_maxrss * 1024))
    tap.ok(abs(run["usage"]["minor_faults"] - usage.ru_minflt) < 200, "faults are what wait4 tells, but for those before exec",
           (run["usage"]["minor_faults"], usage.ru_minflt))
    n.validate()
tap.done()
