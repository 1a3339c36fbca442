#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Without BPF: programs under LD_PRELOAD tell of themselves, and the kernel of their ends."""
import collections
import json
import os
import re
import shutil
import signal
import subprocess
import time

import life
import node
import tap

COUNT = 101
# what this source can't know, as the manual says
NO_FORKS = "usage.forks: not known, nor what copies used"  # without the connector
KNOWN_GAPS = ("exe.fstype: not told by the module", NO_FORKS)
LATER = "objects: those it opened later are not known"  # of one that did not get to its end, or was too short
GONE = {"job: its control group is its own word", "job: its control group is not known"}  # it had ended before anybody could look
if os.geteuid():
    tap.skip("ends", "needs root, to be told of them by the kernel")
    tap.done()
HERE = os.path.dirname(os.path.abspath(__file__))


def of(n, name):
    return sorted((r for r in n.runs() if r["exe"]["path"] == f"{n.top}/{name}"), key=lambda r: r["start"])


def gaps(runs):
    return sorted({i for r in runs for i in r["incomplete"]} - set(KNOWN_GAPS))


def tells_forks(n):
    return any(hook["fact"] == "fork" and hook["rung"] == "connector" for hook in n.status()["hooks"])


def build(n, name, source):
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", "-x", "c", "-"], input=source, text=True, check=True)


def build_id(path):
    notes = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True).stdout
    found = re.search(r"Build ID: (\w+)", notes)
    return found and found[1]


def loaded(path):
    """What ldd says that it loads, by real path, with build-ids as readelf has them."""
    text = subprocess.run(["ldd", path], capture_output=True, text=True, env=dict(os.environ, LD_PRELOAD=node.LIBRARY)).stdout
    paths = {os.path.realpath(p) for p in re.findall(r"(/\S+) \(0x", text)}
    return {p: build_id(p) for p in paths}


def many(n):
    """101 processes as waitpid and the caller saw them."""
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{HERE}/{name}.c"], check=True)
    output = subprocess.run([f"{n.top}/spawn", str(COUNT), "7", f"{n.top}/ending"], check=True, stdout=subprocess.PIPE,
                            text=True, cwd="/usr", env=n.environment(OMP_NUM_THREADS="3", SECRET_OF_MINE="hidden")).stdout
    n.flush()
    want = collections.Counter()
    for line in output.splitlines():
        pid, status, index, what = line.split(" ", 3)
        want[int(pid), os.waitstatus_to_exitcode(int(status)), f"index-{index}", what] += 1
    runs = of(n, "ending")
    got = collections.Counter((r["pid"], -r["exit"]["signal"] if "signal" in r["exit"] else r["exit"]["code"],
                               *r["argv"][1:]) for r in runs)
    tap.equal(sum(want.values()), COUNT, f"{COUNT} processes ran")
    tap.ok(got == want, "pid, exit and argv are what waitpid and the caller saw", (got - want, want - got))
    tap.equal(len({r["run_id"] for r in runs}), COUNT, "every run id is its own")
    tap.equal({(r["source"], r["origin"], r["cwd"], r["uid"], r["exe"]["build_id"]) for r in runs},
              {("preload", "exec", "/usr", 0, build_id(f"{n.top}/ending"))}, "source, origin, folder, user and build-id")
    sets = n.sets()
    tap.equal({tuple(sorted((o["path"], o["build_id"]) for o in sets[r["object_set"]]["objects"])) for r in runs},
              {tuple(sorted(loaded(f"{n.top}/ending").items()))}, "objects and build-ids are what ldd and readelf say")
    env = [sets[r["env_set"]]["env"] for r in runs]
    tap.ok(all(e["OMP_NUM_THREADS"] == "3" and e["LD_PRELOAD"] == node.LIBRARY for e in env) and
           not any("SECRET_OF_MINE" in e for e in env), "the allowed part of the environment", env[:1])
    tap.ok(set(gaps(runs)) <= {LATER, "exit.oom: not known"} | GONE, "nothing else is incomplete", gaps(runs))
    spawner = of(n, "spawn")
    others = [(r["pid"], r["ppid"], r["parent_run_id"], r["incomplete"]) for r in runs if r["parent_run_id"] not in {s["run_id"] for s in spawner}]
    tap.ok(len(spawner) == 1 and not others, "their parent is who spawned them", (spawner, others))
    if tells_forks(n):
        told = [(r["usage"]["forks"], [text for text in r["incomplete"] if text.startswith("usage")]) for r in spawner]
        tap.equal(told, [(COUNT, [])], "it forked as often, and what its copies used is known")
    tap.equal({k: v for k, v in node.lost(n.status()["lost"]).items() if k != "exec_untold"}, {}, "nothing is counted as lost")


ENDER = r"""
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	usleep(300000);
	if (!dlopen(argv[2], RTLD_NOW))
		return 99;
	if (!strcmp(argv[1], "return")) return 3;
	if (!strcmp(argv[1], "exit")) exit(5);
	if (!strcmp(argv[1], "_exit")) _exit(7);
	if (!strcmp(argv[1], "quick_exit")) quick_exit(11);
	if (!strcmp(argv[1], "abort")) abort();
	if (!strcmp(argv[1], "crash")) *(volatile int *)8 = 1;
	raise(atoi(argv[1]));
	return 98;
}
"""
ENDS = (("return", {"code": 3}, True), ("exit", {"code": 5}, True), ("_exit", {"code": 7}, False),
        ("quick_exit", {"code": 11}, False), ("abort", "SIGABRT", False), ("crash", "SIGSEGV", False),
        (str(int(signal.SIGKILL)), "SIGKILL", False), (str(int(signal.SIGTERM)), "SIGTERM", False),
        (str(int(signal.SIGPIPE)), "SIGPIPE", False))


def ends(n):
    """Every way to end is told, and what was opened later by who gets to its end."""
    build(n, "ender", ENDER)
    build(n, "plugin.c", "int main(void) { return 0; }")
    plugin = f"{n.top}/plugin.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,--build-id", "-o", plugin, "-x", "c", "-"], input="int x = 7;", text=True, check=True)
    running = [subprocess.Popen(["prlimit", "--core=0", f"{n.top}/ender", how, plugin], env=n.environment()) for how, _, _ in ENDS]
    for process in running:
        process.wait()
    n.flush()
    runs, sets = {r["argv"][1]: r for r in of(n, "ender")}, n.sets()
    for how, exit_, is_told in ENDS:
        run = runs.get(how)
        if not tap.ok(run, f"{how}: recorded"):
            continue
        tap.equal(run["exit"] if isinstance(exit_, dict) else run["exit"].get("name"), exit_, f"{how}: how it ended")
        opened = {o["path"]: o["build_id"] for o in sets[run["object_set"]]["objects"]}.get(plugin)
        tap.equal((opened, LATER in run["incomplete"]), (build_id(plugin), False) if is_told else (None, True),
                  f"{how}: " + ("what it opened later is there" if is_told else "what it opened later is said to be missing"))
        tap.ok(0.29 < run["elapsed_s"] < 5 and run["usage"]["max_rss"] > 1 << 19, f"{how}: time and peak memory", run)


def chain(n):
    """An exec chain is one process and three runs; python's children have their parent."""
    script = f"exec {n.top}/ender2 exec {n.top}/ender2 exit"
    build(n, "ender2", r"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	usleep(50000);
	if (!strcmp(argv[1], "exec"))
		execv(argv[2], argv + 2);
	return 13;
}
""")
    first = subprocess.Popen(["sh", "-c", script], env=n.environment())
    first.wait()
    code = f"import subprocess; subprocess.run(['{n.top}/ender2', 'from python'])"
    python = subprocess.Popen(["/usr/bin/python3", "-c", code], env=n.environment())
    python.wait()
    n.flush()
    runs = sorted((r for r in n.runs() if r["pid"] == first.pid), key=lambda r: r["start"])
    tap.equal([(os.path.basename(r["exe"]["path"]), r["exit"]) for r in runs],
              [(os.path.basename(os.path.realpath("/bin/sh")), None), ("ender2", None), ("ender2", {"code": 13})],
              "an exec chain: three runs of one process, the last with its exit")
    tap.ok(len(runs) == 3 and runs[0]["end"] <= runs[1]["start"] and runs[1]["end"] <= runs[2]["start"], "one after the other")
    parent = [r for r in n.runs() if r["pid"] == python.pid]
    child = [r for r in of(n, "ender2") if r["argv"][1] == "from python"]
    tap.ok(len(parent) == len(child) == 1 and child[0]["parent_run_id"] == parent[0]["run_id"], "python's child has its parent",
           (parent, child))


def hierarchy():
    """Where a job's control groups can be made, and how Slurm calls them there; or None."""
    one, two = "slurm/uid_0/job_{}/step_3/task_0", "slurmstepd.scope/job_{}/step_3/user/task_0"
    for top, names in (("/sys/fs/cgroup/memory", one), ("/sys/fs/cgroup/pids", one), ("/sys/fs/cgroup", two)):
        if os.path.exists(f"{top}/cgroup.procs") and os.access(top, os.W_OK):
            return top, names
    return None


def job(n):
    found = hierarchy()
    if not found:
        tap.skip("a job by its control group", "no control groups here")
        return
    number = str(1000000 + os.getpid())
    top, names = found
    folder, scope = f"{top}/{names.format(number)}", f"{top}/{names.split('/')[0]}"
    os.makedirs(folder)
    try:
        build(n, "worker", "#include <unistd.h>\nint main(void) { usleep(50000); return 0; }")
        for _ in range(3):
            subprocess.run([f"{n.top}/worker"], env=n.environment(),
                           preexec_fn=lambda: open(f"{folder}/cgroup.procs", "w").write(str(os.getpid())))
    finally:
        while folder != scope:
            os.rmdir(folder)
            folder = os.path.dirname(folder)
        if not any(e.is_dir() for e in os.scandir(folder)):
            os.rmdir(folder)
    n.flush()
    tap.equal([(r["job"] and (r["job"]["id"], r["job"]["step"], r["job"]["from"])) for r in of(n, "worker")],
              [(number, "3", "cgroup")] * 3, "the job is told by the control group")


def restart(n):
    """Killed and started again: nothing twice, what lives on has its end, what was not told of is found."""
    build(n, "lasting", "#include <stdlib.h>\n#include <unistd.h>\nint main(int c, char **v) { usleep(atoi(v[2]) * 1000); return 17; }")

    def start(name, ms):
        return subprocess.Popen([f"{n.top}/lasting", name, str(ms)], env=n.environment())
    before = [start("ends meanwhile", 700), start("ends later", 3000)]
    time.sleep(0.4)
    n.kill()
    unheard = [start("never seen", 100), start("found", 2900)]
    before[0].wait()
    unheard[0].wait()
    n.start()
    alive = n.status()["messages"]["processes"]
    tap.ok(alive >= 2, "those that run are watched again", n.status()["messages"])
    after = start("after", 100)
    for process in (*before, *unheard, after):
        process.wait()
    n.flush()
    runs = of(n, "lasting")
    got = collections.Counter((r["argv"][1], r["origin"], json.dumps(r["exit"])) for r in runs)
    code = json.dumps({"code": 17})
    want = collections.Counter({("ends meanwhile", "exec", "null"): 1, ("ends later", "exec", code): 1,
                                ("found", "scan", code): 1, ("after", "exec", code): 1})
    tap.ok(got == want, "each is there once, with its end if somebody saw it", got)
    forks = {r["argv"][1]: r["usage"]["forks"] for r in runs if r["usage"]}
    tap.equal(forks, {"ends later": None, "found": None, "after": 0 if tells_forks(n) else None}, "of who ran meanwhile no number of forks is known")
    unseen = [r["incomplete"] for r in runs if r["argv"][1] == "ends meanwhile"]
    tap.ok(unseen and any(i.startswith("end") for i in unseen[0]), "an end that nobody saw is said to be so", unseen)
    tap.equal(len({r["run_id"] for r in n.runs()}), len(n.runs()), "no run id twice")


def again(n):
    """Who runs for a second is looked at again: what it had opened by then is known when it is killed."""
    plugin = f"{n.top}/plugin2.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,--build-id", "-o", plugin, "-x", "c", "-"], input="int y = 7;", text=True, check=True)
    build(n, "opener", r"""
#include <dlfcn.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	return !dlopen(argv[1], RTLD_NOW) || pause();
}
""")
    names = ["opener"]
    for folder in ("lower", "empty", "over"):
        os.mkdir(f"{n.top}/{folder}")
    shutil.copy(f"{n.top}/opener", f"{n.top}/lower/opener")
    # where older kernels show mappings of another device than the file's
    if not subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={n.top}/lower:{n.top}/empty", f"{n.top}/over"]).returncode:
        names.append("over/opener")
    processes = [subprocess.Popen([f"{n.top}/{name}", plugin], env=n.environment()) for name in names]
    time.sleep(2)
    for process in processes:
        process.kill()
        process.wait()
    if len(names) > 1:
        subprocess.run(["umount", f"{n.top}/over"], check=True)
    n.flush()
    sets = n.sets()
    for name in names:
        runs = of(n, name)
        opened = [(o["path"], o["build_id"]) for r in runs for o in sets[r["object_set"]]["objects"]]
        tap.ok((plugin, build_id(plugin)) in opened and len(set(opened)) == len(opened), f"{name}: what it had opened is there, each once", opened)
        tap.ok(runs and not any(path == f"{n.top}/{name}" for path, _ in opened), f"{name}: itself is none of it", opened)
        tap.ok(runs and LATER in runs[0]["incomplete"], f"{name}: what it may have opened since is said to be missing")


def doctor(n):
    done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf, "--format", "json"], capture_output=True, text=True)
    found = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        one = json.loads(line)
        found[one["check"]].append((one["level"], one["finding"]))
    tap.ok(found["socket"] and all(level == "ok" for level, _ in found["socket"]), "doctor: socket and its queue", found["socket"])
    tap.ok([f for f in found["ends"] if f[1].startswith("pidfd ")] == [("ok", "pidfd works")], "doctor: how ends are known", found["ends"])
    tap.equal(found["end memory"], [("ok", "can be opened")], "doctor: what programs leave at their end")
    tap.ok(found["library"] and found["ld.so.preload"], "doctor: the library", found)
    tap.ok(not any(c in found for c in ("bpf", "pins", "kernel types")), "doctor: nothing of BPF is asked for", list(found))


with node.Node(source="preload", rules=("full",), scan="no") as n:
    for part in (many, ends, chain, again, job, doctor):
        with tap.about(part.__name__):
            part(n)
    n.check_sequence()
    n.stop()
    told = [r for r in n.records("node") if r["event"] == "stop"][0]
    tap.equal((told["source"], told["hooks"]["exec"], told["hooks"]["mapping"]), ("preload",) * 3, "node records say what the source is")
    n.validate()
with node.Node(source="preload", rules=("group",), scan="no", group_seconds="2") as n, tap.about("groups"):
    build(n, "member", "int main(void) { return 5; }")
    subprocess.run(["sh", "-c", f"for i in {' '.join(map(str, range(23)))}; do {n.top}/member; done"], env=n.environment())
    n.flush()
    groups = [g for g in n.records("group") if g["exe"]["path"] == f"{n.top}/member"]
    tap.equal((sum(g["count"] for g in groups) + len(of(n, "member")), {g["source"] for g in groups}), (23, {"preload"}),
              "every run is in a group of this source, or alone")
    tap.ok(groups and all(g["exits"] == [{"exit": {"code": 5}, "count": g["count"]}] and g["usage"]["forks"] == ({"sum": 0, "min": 0, "max": 0} if tells_forks(n) else None) for g in groups),
           "with its exit, and its number of forks", groups)
    n.validate()
with node.Node(source="preload", rules=("full",)) as n, tap.about("restart"):
    restart(n)
    n.check_sequence()
    n.validate()
tap.done()
