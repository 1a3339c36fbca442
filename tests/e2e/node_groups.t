#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A load as of ./configure under rule group: few records, in which every process is, exactly as waitpid saw it; also
with kill -9 of the daemon in between."""
import collections
import os
import random
import shutil
import subprocess
import time

import node
import tap

node.require()
random.seed(13)
n = node.Node(group_short_seconds="2")
n.rules = [f"group path={n.top}/*", "ignore"]
# what exec itself uses is not the program's: let it use something
BURN = """
#include <time.h>
__attribute__((constructor)) static void burn(void)
{
	struct timespec t;
	long begin;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	begin = t.tv_nsec;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (t.tv_nsec - begin < 3000000);
}
"""
want = collections.Counter()  # (program, script, exit): runs
cpu = 0.0


def run(what, *argv, env=None):
    """A process, with its descendants; what: the runs that it makes."""
    global cpu
    pid = os.posix_spawn(argv[0], argv, env or {"PATH": "/bin"})
    _, status, usage = os.wait4(pid, 0)
    cpu += usage.ru_utime + usage.ru_stime
    for item in what:
        want[item] += 1
    return status


def load(count):
    short, sh, script = f"{n.top}/short", f"{n.top}/sh", f"{n.top}/conf-test"
    for i in range(count):
        kind = random.randrange(10)
        if kind < 5:
            code = random.choice((0, 0, 0, 1, 77))
            status = run([("short", None, code)], short, str(i), f"exit {code}")
            assert os.waitstatus_to_exitcode(status) == code
        elif kind < 7:
            number = random.choice((9, 11, 15))
            run([("short", None, -number)], short, str(i), f"signal {number}")
        elif kind < 9:  # copies that are folded, one that another program follows
            run([("sh", None, None), ("short", None, 4)], sh, "-c", f"(exit 3); (:); exec {short} {i} 'exit 4'")
        else:
            run([("sh", script, 5), ("short", None, 0), ("short", None, 9)], script, short)


def seen():
    """(Counter like want, CPU seconds, group records, run records) of what is in the spool."""
    found, seconds, groups, runs = collections.Counter(), 0.0, [], []
    for r in n.records():
        if not r["schema"].startswith(("runmark.run", "runmark.group")) or not (r["exe"]["path"] or "").startswith(n.top):
            continue
        is_group = r["schema"] == "runmark.group/1"
        (groups if is_group else runs).append(r)
        usage = {k: v["sum"] for k, v in r["usage"].items() if v} if is_group else r["usage"]
        seconds += usage["user_s"] + usage["system_s"]
        for one in r["exits"] if is_group else [{"exit": r["exit"], "count": 1}]:
            code = one["exit"] and one["exit"].get("code", -one["exit"].get("signal", 0))
            found[os.path.basename(r["exe"]["path"]), r["script"] and r["script"]["path"], code] += one["count"]
    return found, seconds, groups, runs


def compare(name):
    found, seconds, groups, runs = seen()
    tap.ok(found == want, f"{name}: every process and its exit is there, once", {"missing": want - found, "more": found - want})
    print(f"# {sum(want.values())} runs in {len(groups)} groups and {len(runs)} alone; CPU {seconds:.3f} s of {cpu:.3f} s")
    tap.ok(len(groups) + len(runs) < sum(want.values()) / 10, f"{name}: in few records", len(groups) + len(runs))
    # what a process uses before its exec is its parent's
    tap.ok(cpu * 0.75 < seconds <= cpu * 1.01, f"{name}: the CPU time is that of wait4()", (seconds, cpu))
    for r in runs[:5]:
        print("# alone:", r["argv"], r["origin"], r["elapsed_s"], r["usage"], r["incomplete"])
    return groups, runs


with n:
    here = os.path.dirname(os.path.abspath(__file__))
    with open(f"{n.top}/burn.c", "w") as source:
        source.write(BURN)
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/short", f"{n.top}/burn.c", f"{here}/ending.c"], check=True)
    shutil.copy("/bin/sh", f"{n.top}/sh")
    with open(f"{n.top}/conf-test", "w") as script:
        script.write(f"#!{n.top}/sh\n$1 a 'exit 0'\n$1 b 'exit 9'\nexit 5\n")
    os.chmod(f"{n.top}/conf-test", 0o755)
    load(601)
    time.sleep(0.3)
    status = n.status()
    tap.ok(status["groups"] >= 3 and not status["records"]["group"], "groups are open meanwhile", status)
    n.flush()
    groups, runs = compare("a load")
    tap.equal(len(groups), 3, "a program, a shell, a script: three groups")
    whole = [g for g in groups if g["exe"]["build_id"] and g["object_set"] and g["env_set"] and g["cgroup"]]
    tap.equal((len(whole), [(g["exits"][0]["exit"], i) for g in groups for i in g["incomplete"]]),
              (3, [(None, "usage.max_rss: known of 0 runs only")]), "each with all that its members share")
    tap.equal(n.status()["grouped"], sum(want.values()) - len(runs), "and counted")

    # of one of a key, of a task, of what takes long, there is a record of its own
    want.clear()
    for rank in range(3):
        run([], f"{n.top}/short", f"rank-{rank}", "exit 0", env={"PMI_RANK": str(rank)})
    run([], f"{n.top}/sh", "-c", f"{n.top}/short child-1 'exit 0'; {n.top}/short child-2 'exit 0'; exit 1", env={"PMI_RANK": "3"})
    shutil.copy("/bin/sleep", f"{n.top}/sleep")
    for _ in range(2):
        run([], f"{n.top}/sleep", "2.1")
    shutil.copy(f"{n.top}/short", f"{n.top}/only")
    run([], f"{n.top}/only", "alone", "exit 0")
    before = len(n.records("run"))
    n.flush()
    alone = sorted(" ".join(r["argv"][1:])[:7] for r in n.records("run")[before:])
    tap.equal(alone, ["-c " + n.top[:4], "2.1", "2.1", "alone e", "rank-0 ", "rank-1 ", "rank-2 "],
              "a task, a long run and one of its key are recorded alone")
    tap.equal([g["count"] for g in n.records("group")[3:]], [2], "what a task starts is grouped")

    # a script is what stands where, not what it was called by
    for folder in ("A", "B"):
        os.mkdir(f"{n.top}/{folder}")
        shutil.copy(f"{n.top}/conf-test", f"{n.top}/{folder}/s.sh")
    before = len(n.records("group"))
    for folder in ("A", "B"):
        for name in ("./s.sh", "././s.sh", f"{n.top}/{folder}/s.sh"):
            subprocess.run([name, "/bin/true"], cwd=f"{n.top}/{folder}")
    n.flush()
    found = sorted((g["script"]["path"], g["count"]) for g in n.records("group")[before:] if g["script"])
    tap.equal(found, [(f"{n.top}/A/s.sh", 3), (f"{n.top}/B/s.sh", 3)], "scripts of one name in two folders are two, a script of two names is one")

    # killed again and again
    n.stop()
    for path in n.files():
        os.unlink(path)
    want.clear()
    cpu = 0.0
    n.start()
    for _ in range(101 if "RUNMARK_TEST_LONG" in os.environ else 11):
        load(29)
        n.kill()
        load(random.randrange(17))
        n.start()
        if not random.randrange(3):
            n.flush()
    n.flush()
    compare("with kill -9")
    tap.equal([k for k, v in collections.Counter(r["group_id"] for r in n.records("group")).items() if v > 1], [], "no group is there twice")
    n.validate()
tap.done()
