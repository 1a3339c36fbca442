#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every way to begin, change and end: a case a line, against wait4(2), /proc, stat and readelf.

A case is lived by a process of its own (life.py) that all orphans go to, so each end is known. All runs of a case must
be there, no more, with each program's path, device, inode, build-id and watermark as its file has them, each end as it
was waited for, ppid as it was told, and nothing incomplete but what the case says.
"""
import os
import re
import shutil
import signal
import subprocess
import time

import life
import node
import tap
from life import Life, Program, deleted, killed_after, script, spawn

node.require()
NOBODY, ALICE = 65534, 12345
HOOKS = {}
DAEMON_BLIND_32 = "objects: of a 32-bit program, which this hook does not see"
WITH_BEFORE = "usage: with what the process used before this program"


class Wanted:
    """A run of a case. parent: the run's place in the case; then: that it ends by exec; more: fields of its record."""

    def __init__(self, program, pid="root", ppid="runner", origin="exec", parent=None, then=False, incomplete=(), exit=None,
                 check=None, **more):
        self.program, self.pid, self.ppid, self.origin, self.parent = program, pid, ppid, origin, parent
        self.then, self.incomplete, self.exit, self.check = then, set(incomplete), exit, check
        self.more = {name.replace("__", "."): value for name, value in more.items()}

    def differences(self, run, runs, lived):
        # the last rung for exits sees no memory: of static programs that are gone it knows nothing, and says so
        unknown = {i for i in run["incomplete"] if i.startswith("exe.build_id: file ")} if HOOKS["exit"] == "live" else set()
        if self.program:
            yield from self.program.differences(run["exe"], with_notes=not unknown)
        if self.then:
            follower = next((r for r in runs if r["run_id"] == run.get("next_run_id")), None)
            if run["exit"] is not None or not follower or follower["pid"] != run["pid"]:
                yield f"its next run is {follower}"
        else:
            end = lived.ends.get(run["pid"])
            want = self.exit or (life.exit_of(end[0]) if end else "known from elsewhere")
            if run["exit"] != want:
                yield f"exit is {run['exit']}, should be {want}"
        for field, value in (("pid", lived.pids.get(self.pid)), ("ppid", lived.pids.get(self.ppid)), ("origin", self.origin)):
            if run[field] != value and value is not None:
                yield f"{field} is {run[field]}, should be {value}"
        parent = runs[self.parent]["run_id"] if self.parent is not None else None
        if run["parent_run_id"] != parent and (parent or self.ppid == "runner" and not run["parent_run_id"]):
            yield f"parent_run_id is {run['parent_run_id']}, should be {parent or 'the test'}"
        for field, value in self.more.items():
            if unknown and field in ("exe.build_id", "exe.watermark"):
                continue
            if life.field_of(run, field) != value:
                yield f"{field} is {life.field_of(run, field)!r}, should be {value!r}"
        # a peak below that of an image before it can be known from memory alone, which is gone after an exec
        odd = {text for text in run["incomplete"] if not text.startswith("usage.max_rss")
               or not (self.then or HOOKS["exit"] == "live" or WITH_BEFORE in run["incomplete"])}
        odd -= unknown
        if odd != self.incomplete:
            yield f"incomplete is {sorted(odd)}, should be {sorted(self.incomplete)}"
        if self.check:
            yield from self.check(run, lived)


def cpu_of(run):
    return run["usage"]["user_s"] + run["usage"]["system_s"]


def check_cpu(run, lived):
    """All runs of the process, with their copies, used what it did, but for little before its first exec."""
    want, got = lived.ends[run["pid"]][1], sum(cpu_of(r) for r in lived.found if r["pid"] in lived.waited_for(run["pid"]))
    if not -0.01 - want / 10 < want - got < 0.03 + want / 3:
        yield f"CPU is {got}, wait4 says {want}"


def check_burnt(run, lived):
    if cpu_of(run) < 0.029:  # by a clock that may be a little ahead
        yield f"CPU is {cpu_of(run)}, it burnt 0.03"


def check_oom(run, lived):
    want = {"signal": 9, "name": "SIGKILL", "core": False, "oom": True}
    if run["exit"] != want or lived.ends[run["pid"]][0] != 9:
        yield f"exit is {run['exit']}, waited for {lived.ends[run['pid']]}"


def check_ids(run, lived):
    for name in ("uid", "euid", "gid"):
        if str(run[name]) != lived.says("id", name):
            yield f"{name} is {run[name]}, it says {lived.says('id', name)}"


def check_says_exe(run, lived):
    said = lived.says("exe", "-").replace(" (deleted)", "")
    if said != run["exe"]["path"]:
        yield f"exe.path is {run['exe']['path']}, /proc says {said}"


class Cases:
    """What is lived, each with the runs it should leave."""

    def __init__(self):
        self.list = []

    def live(self, name, launch, *wanted, check=None):
        self.list.append((name, Life(launch if callable(launch) else lambda: spawn(*launch)), wanted, check))

    def judge(self, name, lived, wanted, check, all_runs):
        runs = lived.runs(all_runs)
        bad = [lived.error] if lived.error else []
        if check:
            bad += check(runs, lived)
        elif len(runs) != len(wanted):
            bad.append(f"{len(runs)} runs, should be {len(wanted)}")
        else:
            for i, (want, run) in enumerate(zip(wanted, runs)):
                bad += [f"run {i}: {text}" for text in want.differences(run, runs, lived)]
        detail = bad + [f"{r['pid']} {r['ppid']} {r['origin']} {r['exe']['path']} {r['argv']} {r['exit']} {r['incomplete']}"
                        for r in runs] + [str(lived.pids), str(lived.ends), *lived.said, *lived.complained]
        tap.ok(not bad, name, "\n".join(detail))

    def judge_all(self, all_runs):
        for case in self.list:
            self.judge(*case, all_runs)


# --- lives that need more than one line

def killed_at_once(path):
    def launch():
        for _ in range(23):
            pid = os.fork()
            if not pid:
                os.execv(path, [path, "exit", "0"])
            os.kill(pid, signal.SIGKILL)
            pids.append(pid)
        return pids[0]
    pids = []
    return launch


def check_killed_at_once(runs, lived):
    """Those that were killed inside exec have no program; those before it are copies that nobody's run is."""
    for pid, (status, _) in lived.ends.items():
        last = [r for r in runs if r["pid"] == pid and not r.get("next_run_id")]
        if len(last) > 1 or (last and last[0]["exit"] != life.exit_of(status)):
            yield f"{pid}: {[r['exit'] for r in last]}, waited for {life.exit_of(status)}"
        if last and last[0]["exe"]["path"] is None and "exe: ended before its exec was told" not in last[0]["incomplete"]:
            yield f"{pid}: no program, and nothing says why"
    if len({r["run_id"] for r in runs}) != len(runs) or len(lived.ends) != 23:
        yield f"{len(runs)} runs, {len(lived.ends)} ends"


def same_pid(path):
    """Two processes of the same pid, one after the other; the kernel counts on from where we tell it."""
    def launch():
        first = spawn(path, "exit", "21")
        os.waitpid(first, 0)
        time.sleep(0.05)  # a pid comes round after some clock ticks, which tell runs apart
        for _ in range(500):
            open("/proc/sys/kernel/ns_last_pid", "w").write(str(first - 1))
            pid = os.fork()
            if not pid:
                if os.getpid() == first:
                    os.execv(path, [path, "exit", "22"])
                os._exit(0)
            if pid == first:
                return pid
            os.waitpid(pid, 0)
        raise RuntimeError("another process always had it")
    return launch


def in_private_mount(directory, path):
    def launch():
        life.call("unshare", life.CLONE_NEWNS)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "--bind", os.path.dirname(path), directory], check=True)
        return spawn(f"{directory}/{os.path.basename(path)}", "exit", "24")
    return launch


def binfmt(top, interpreter):
    """Files that begin with our magic are interpreted by it: the folder to unregister in, or None."""
    folder = f"{top}/binfmt"
    os.makedirs(folder, exist_ok=True)
    if subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", folder], capture_output=True).returncode:
        return None
    name = f"runmark-test-{os.getpid()}"
    open(f"{folder}/register", "w").write(f":{name}:M::RMTEST{os.getpid()}::{interpreter}:")
    return f"{folder}/{name}"


# --- the table

def live_ends(cases, p):
    main = p["life"]
    cases.live("exit", [main.path, "exit", "3"], Wanted(main, argv=[main.path, "exit", "3"], cwd=os.getcwd(), uid=0, euid=0, gid=0))
    cases.live("_exit", [main.path, "_exit", "4"], Wanted(main))
    cases.live("exit_group by a thread", [main.path, "exit_group", "5"], Wanted(main, exit={"code": 5}))
    cases.live("the leader exits before its threads", [main.path, "leader-first", "6"], Wanted(main, exit={"code": 6}))
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGALRM, signal.SIGRTMIN + 3):
        cases.live(f"signal {int(number)}", [main.path, "signal", str(int(number)), "nocore"], Wanted(main, exit__signal=int(number)))
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT):
        cases.live(f"signal {int(number)} without core", [main.path, "signal", str(int(number)), "nocore"],
                   Wanted(main, exit__signal=int(number), exit__core=False))
    cases.live("signal 11 with core", [main.path, "signal", "11", "core"], Wanted(main, exit__signal=11))
    cases.live("killed by another", killed_after(0.05, signal.SIGKILL, main.path, "sleep"), Wanted(main, exit__signal=9))
    cases.live("killed right after they were spawned", killed_at_once(main.path), check=check_killed_at_once)
    group = life.memory_group()
    if group:
        cases.live("out of memory", lambda: spawn(main.path, "out-of-memory", cgroup=group),
                   Wanted(main, exit={"signal": 9, "name": "SIGKILL", "core": False, "oom": True}, check=check_oom))
        os.rmdir(group)
    else:
        tap.skip("out of memory", "no memory control group here")


def live_copies(cases, p):
    main, plain = p["life"], p["plain"]
    cases.live("copies fold into their run", [main.path, "copies", "7"], Wanted(main, exit={"code": 5}, usage__forks=7, check=check_cpu))
    cases.live("a copy outlives its run", [main.path, "copy-outlives"],
               Wanted(main, exit={"code": 4}, usage__forks=0),
               Wanted(main, "copy", "root", origin="fork", parent=0, exit={"code": 3}))
    cases.live("copies of copies outlive their runs", [main.path, "copies-outlive"],
               Wanted(main, exit={"code": 10}),
               Wanted(main, "child", "root", origin="fork", parent=0, exit={"code": 11}),
               Wanted(main, "grandchild", "child", origin="fork", parent=1, exit={"code": 12}),
               Wanted(main, "last", "grandchild", origin="fork", parent=2, exit={"code": 13}))
    cases.live("a daemon forks twice", [main.path, "double-fork"], Wanted(main, exit={"code": 0}, usage__forks=1),
               Wanted(main, "daemon", "child", origin="fork", parent=0, exit={"code": 6}))
    cases.live("and execs", [main.path, "double-fork", plain.path, "x"], Wanted(main, exit={"code": 0}, usage__forks=1),
               Wanted(main, "daemon", "child", origin="fork", parent=0, then=True),
               Wanted(plain, "daemon", None, exit={"code": 0}))
    cases.live("vfork", [main.path, "vfork", plain.path, "x"], Wanted(main, usage__forks=1),
               Wanted(plain, "", "root", parent=0, exit={"code": 0}))
    cases.live("a copy that can't exec", [main.path, "cannot-exec"], Wanted(main, usage__forks=1))


def live_execs(cases, p):
    main, plain = p["life"], p["plain"]
    cases.live("a chain of execs in one process", [main.path, "exec", main.path, "exec", main.path, "exit", "8"],
               Wanted(main, then=True, check=check_burnt), Wanted(main, then=True), Wanted(main, exit={"code": 8}, check=check_cpu))
    cases.live("exec by another thread", [main.path, "exec", main.path, "thread-exec", main.path, "exit", "9"],
               Wanted(main, then=True, check=check_burnt), Wanted(main, then=True), Wanted(main, exit={"code": 9}, check=check_cpu))
    cases.live("exec without arguments", [main.path, "no-arguments", plain.path], Wanted(main, then=True),
               Wanted(plain, check=lambda run, lived: ["argv"] if run["argv"] not in ([], [""]) else []))
    cases.live("traced by another process", [main.path, "traced", plain.path, "x"], Wanted(main, usage__forks=2),
               Wanted(plain, "target", "root", parent=0, exit={"code": 0}))
    cases.live("it changes its name and arguments", [main.path, "rename", "secret"], Wanted(main, argv=[main.path, "rename", "secret"]))
    cases.live("it clears its environment and closes all descriptors", [main.path, "clearenv", "close", "_exit", "9"], Wanted(main, exit={"code": 9}))
    cases.live("the same pid again", same_pid(main.path), Wanted(main, exit={"code": 21}), Wanted(main, exit={"code": 22}))


def live_scripts(cases, p, top):
    main, sh, env = p["life"], Program("/bin/sh"), Program("/usr/bin/env")
    once = script(f"{top}/script", f"#!/bin/sh\nexit 11\n")
    nested = script(f"{top}/nested", f"#!{once} option\n")
    by_env = script(f"{top}/by-env", "#!/usr/bin/env sh\nexit 12\n")
    cases.live("a script", [once], Wanted(sh, exit={"code": 11}, script={"path": once}, exe__requested=once, argv=["/bin/sh", once]))
    cases.live("a script whose interpreter is one", [nested, "x"],
               Wanted(sh, exit={"code": 11}, script={"path": nested}, argv=["/bin/sh", once, "option", nested, "x"]))
    cases.live("a script by env", [by_env, "x"], Wanted(env, then=True, script={"path": by_env}),
               Wanted(sh, exit={"code": 12}, script={"path": by_env}, argv=["sh", by_env, "x"]))
    cases.live("a script that runs programs", ["/bin/sh", "-c", f"{main.path} exit 1; {main.path} exit 2; exit 3"],
               Wanted(sh, usage__forks=2, script=None), Wanted(main, "", "root", parent=0, exit={"code": 1}),
               Wanted(main, "", "root", parent=0, exit={"code": 2}))
    entry = binfmt(top, main.path)
    if not entry:
        tap.skip("binfmt_misc", "this kernel has none")
        return
    odd = script(f"{top}/odd", f"RMTEST{os.getpid()}")
    cases.live("binfmt_misc", [odd, "x"], Wanted(main, exit={"code": 2}, script={"path": odd}, exe__requested=odd, argv=[main.path, odd, "x"]))
    open(entry, "w").write("-1")
    subprocess.run(["umount", os.path.dirname(entry)])


def live_loaders(cases, p, top):
    for name, program in (("glibc", p["life"]), ("musl", p.get("musl"))):
        if not program:
            tap.skip(f"the loader of {name}", "no compiler for it")
            continue
        headers = subprocess.run(["readelf", "-lW", program.path], capture_output=True, text=True).stdout
        path = re.search(r"interpreter: (.*)\]", headers)[1]
        loader = Program(path)

        def first_object(want):
            def check(run, lived):
                objects = [o["path"] for o in OBJECTS[run["object_set"]]]
                if objects[:1] != [want] or objects.count(want) > 1:
                    yield f"objects are {objects}"
            return check
        cases.live(f"the loader of {name} called by name", [path, program.path, "exit", "14"],
                   Wanted(program, exit={"code": 14}, exe__requested=path, check=first_object(loader.path),
                          argv=[path, program.path, "exit", "14"]))
        cases.live(f"the loader of {name} with options", [path, "--library-path", "/nonexistent:/lib", "--", program.path, "ids"]
                   if name == "musl" else [path, "--library-path", "/nonexistent", program.path, "ids"],
                   Wanted(program, exit={"code": 0}, check=first_object(loader.path)))
        cases.live(f"the loader of {name} only lists", [path, "--list", program.path], Wanted(loader, exit={"code": 0}))
        cases.live(f"the loader of {name}: no such program", [path, "/nonexistent"], Wanted(loader))
        victim = Program(shutil.copy(program.path, f"{top}/behind-{name}"))
        cases.live(f"the loader of {name}: the program is deleted while it runs", deleted(path, victim.path, "sleep", pause=max(1, PAUSE)), Wanted(victim))


def live_kinds(cases, p, top):
    blind = [DAEMON_BLIND_32] if HOOKS["mapping"] == "tracepoint" else []
    for name, program in p.items():
        arguments = ["exit", "15"] if name not in ("plain", "go", "rust", "bare32") else []
        code = {"bare32": 5, "go": 16, "rust": 17, "plain": 0}.get(name, 15)
        odd = blind if "32" in name else []
        cases.live(f"a program: {name}", [program.path, *arguments], Wanted(program, exit={"code": code}, incomplete=odd))
        if name in ("plain", "bare32", "go", "rust"):
            continue
        victim = Program(shutil.copy(program.path, f"{top}/{name}-deleted"))
        cases.live(f"deleted while it runs: {name}", deleted(victim.path, "sleep", pause=PAUSE), Wanted(victim, incomplete=odd))
    cases.live("from memory", [p["life"].path, "memfd", p["plain"].path], Wanted(p["life"], then=True),
               Wanted(None, exit={"code": 0}, exe__path="/memfd:life", exe__build_id=p["plain"].build_id, exe__watermark=p["plain"].watermark))
    cases.live("from memory: a static one", [p["life"].path, "memfd", p["static"].path, "ids"], Wanted(p["life"], then=True),
               Wanted(None, exe__build_id=p["static"].build_id, exe__watermark=p["static"].watermark, check=check_says_exe))


def live_ids(cases, p, top):
    main = p["life"]
    cases.live("another user", lambda: spawn(main.path, "ids", uid=ALICE, gid=ALICE), Wanted(main, uid=ALICE, euid=ALICE, gid=ALICE, check=check_ids))
    for name, mode in (("set-user-id", 0o4755), ("set-group-id", 0o2755)):
        path = shutil.copy(main.path, f"{top}/{name}")
        os.chown(path, NOBODY, NOBODY)
        os.chmod(path, mode)
        cases.live(name, lambda: spawn(path, "ids", uid=ALICE, gid=ALICE),
                   Wanted(Program(path), uid=ALICE, euid=NOBODY if mode & 0o4000 else ALICE, gid=ALICE, check=check_ids))
    path = shutil.copy(main.path, f"{top}/capable")
    life.file_capability(path)
    cases.live("file capabilities", lambda: spawn(path, "ids", uid=ALICE, gid=ALICE), Wanted(Program(path), uid=ALICE, euid=ALICE, check=check_ids))


def live_namespaces(cases, p, top):
    main, static = p["life"], p["static"]
    root = f"{top}/root"
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{top}/bind")
    inside = Program(shutil.copy(static.path, f"{root}/bin/inside"))
    inside.path = "/bin/inside"
    cases.live("chroot", lambda: spawn("/bin/inside", "exit", "23", root=root), Wanted(inside, exit={"code": 23}, cwd="/"))
    bound = Program(main.path)
    bound.path = f"{top}/bind/life"
    cases.live("a private mount namespace", in_private_mount(f"{top}/bind", main.path), Wanted(bound, exit={"code": 24}))
    cases.live("a pid namespace", lambda: spawn(main.path, "ids", namespaces=life.CLONE_NEWPID), Wanted(main),
               check=lambda runs, lived: [] if lived.says("id", "pid") == "1" and [r["pid"] for r in runs] == [lived.pids["root"]]
               and runs[0]["ppid"] == lived.pids["runner"] else ["pids of the namespace"])
    if node.has_user_namespaces(ALICE):
        cases.live("a user namespace", lambda: spawn(main.path, "ids", namespaces=life.CLONE_NEWUSER, uid=ALICE, gid=ALICE),
                   Wanted(main, uid=ALICE, euid=ALICE, gid=ALICE))
    else:
        tap.skip("a user namespace", node.NO_USER_NAMESPACES)


def older(n, p):
    """Processes that run before tracking does, to be ended while it does."""
    loader = re.search(r"interpreter: (.*)\]", subprocess.run(["readelf", "-lW", p["life"].path], capture_output=True, text=True).stdout)[1]
    return {name: (subprocess.Popen([*argv, "sleep", "19"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL), program) for name, argv, program in (
        ("dynamic", [p["life"].path], p["life"]), ("static", [p["static"].path], p["static"]),
        ("behind its loader", [loader, p["life"].path], p["life"]))}


def judge_older(runs, children):
    for name, (child, program) in children.items():
        found = [r for r in runs if r["pid"] == child.pid]
        bad = [] if len(found) == 1 else [f"{len(found)} runs"]
        for run in found:
            bad += program.differences(run["exe"])
            got = {k: run[k] for k in ("origin", "exit", "ppid", "argv")}
            if got != {"origin": "scan", "exit": life.exit_of(child.returncode << 8), "ppid": os.getpid(), "argv": child.args}:
                bad.append(str(got))
            if not run["parent_run_id"] or {i.split(":")[0] for i in run["incomplete"]} != {"start", "usage"}:
                bad.append(f"{run['parent_run_id']} {run['incomplete']}")
        tap.ok(not bad, f"older than the daemon: {name}", "\n".join(bad))


def judge_links(links, made):
    for name, program in made.items():
        link = next((r for r in links if program.watermark and r["watermark"] == program.watermark), None)
        if program.watermark:
            got = link and (link["output"]["path"], link["output"]["build_id"], link["user"])
            tap.equal(got, (program.path, program.build_id, "root"), f"{name}: its link record")


n = node.Node()
n.configure()
made = life.programs(n.top, n.conf)
children = older(n, made)
begin = time.monotonic()
subprocess.run([made["plain"].path], check=True)
PAUSE = max(0.1, 30 * (time.monotonic() - begin))  # until a program that was started is known, on an emulated machine too
with n:
    HOOKS.update((hook["fact"], hook["rung"]) for hook in n.status()["hooks"])
    os.chdir(n.top)
    cases = Cases()
    live_ends(cases, made)
    live_copies(cases, made)
    live_execs(cases, made)
    live_scripts(cases, made, n.top)
    live_loaders(cases, made, n.top)
    live_kinds(cases, made, n.top)
    live_ids(cases, made, n.top)
    live_namespaces(cases, made, n.top)
    for child, _ in children.values():
        child.communicate()
    n.flush()
    runs = n.runs()
    OBJECTS = {key: s.get("objects", []) for key, s in n.sets().items()}
    cases.judge_all(runs)
    judge_older(runs, children)
    judge_links(n.records("link"), made)
    n.check_sequence()
    n.validate()
tap.done()
