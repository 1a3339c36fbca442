# SPDX-License-Identifier: BSD-2-Clause
"""The rows of preload_life.t: how a process lives and ends, and what is expected to be lost of it.

A loss that the record names in "incomplete" is a plain word, one that it doesn't name has a "!"; what it names though
it is there stands in parentheses.
"""
import os
import re
import shutil
import signal
import subprocess
import sys

import life
import node
from life import Program, deleted, killed_after, script, spawn

NOBODY, ALICE = 65534, 12345
OWN = ("malloc", "regcomp", "open", "environ", "memcpy", "loader")  # OWN_... of preload_life.c
SYS_OPENAT, SYS_SOCKET = (257, 41) if os.uname().machine == "x86_64" else (56, 198)


class Image:
    """A program of a row: its run is looked for by path, arguments (unless they are given as arguments=...) and pid."""

    def __init__(self, program, *argv, pid=None, name="", then=False, exit=None, arguments=(), **more):
        self.key = list(argv)[:2]
        self.program, self.argv, self.pid, self.name, self.then, self.exit = program, list(argv or arguments), pid, name, then, exit
        self.more = {field.replace("__", "."): value for field, value in more.items()}

    def is_of(self, run, lived):
        return (run["exe"]["path"] == self.program.path and (not self.key or (run["argv"] or [""])[:2] == self.key)
                and (not self.pid or run["pid"] == lived.pids.get(self.pid)))


class Row:
    """end: the first process's without us. preload, bpf: what is lost. complains: the loader does, that there is no module.
    lingers: each process lives long enough for the daemon to look at it; what it couldn't look at is lost else."""

    def __init__(self, name, end, launch, *images, preload="", bpf="", complains=False, lingers=False):
        argv = [] if callable(launch) else launch
        self.name, self.end, self.complains, self.lingers = name, end, complains, lingers
        self.images = images or (Image(Program(argv[0]), *argv, pid="root"),)
        self.launch = launch if callable(launch) else lambda: spawn(*argv)
        self.losses = {"preload": preload, "bpf": bpf}

    def expected(self, what, hooks):
        """A loss may be a rung's, or the machine's: {"mapping=tracepoint": "objects"}."""
        losses = self.losses[what]
        if isinstance(losses, dict):
            return next((text for rung, text in losses.items() if hooks.get(rung.split("=")[0]) == rung.split("=")[1]), "")
        return losses


# --- how rows are lived

def installed(top):
    """The module as `make install` puts it, below top: its folder."""
    deploy = f"{node.TOP}/userspace/preload/deploy/install.sh"
    builds = [os.path.join(node.TOP, node.BUILD, name, "librunmark.so") for name in ("lib", "lib32")]
    subprocess.run(["sh", deploy, top, "/usr", "test", *filter(os.path.exists, builds)], check=True)
    return f"{top}/usr/lib/runmark"


class Site:
    """A mount namespace where the module is loaded into all programs, as an administrator would have it. module: its
    folder, state: its daemon's; None: a site without it."""

    def __init__(self, top, module, state):
        self.etc, self.module, self.state = f"{top}/etc", module, state
        os.makedirs(self.etc, exist_ok=True)

    def environment(self, lib="$LIB/"):
        """What a user sets who has it loaded; musl's loader knows no $LIB."""
        return {"LD_PRELOAD": f"{self.module}/{lib}librunmark.so", "RUNMARK_SOCKET": f"{self.state}/runmark.sock"} if self.module else {}

    def enter(self):
        """Nothing of it is seen outside: /etc is hidden by an overlay of a private namespace."""
        life.call("unshare", life.CLONE_NEWNS)
        for words in (["--make-rprivate", "/"], ["-t", "tmpfs", "tmpfs", "/run"]):
            subprocess.run(["mount", *words], check=True)
        os.mkdir("/run/runmark")
        if self.module:
            subprocess.run(["mount", "--bind", self.state, "/run/runmark"], check=True)
            open(f"{self.etc}/ld.so.preload", "w").write(self.module + "/$LIB/librunmark.so\n")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.etc}:/etc", "/etc"], check=True)

    def spawn(self, *argv, **how):
        def launch():
            for name in ("LD_PRELOAD", "RUNMARK_SOCKET"):
                life.environment.pop(name, None)
            self.enter()
            return spawn(*argv, **how)
        return launch


def chroot_of(top, *programs):
    """A folder with the programs and the libraries that they need."""
    root = f"{top}/root"
    for path in (*programs, *needed(programs[0])):
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    return root


def needed(path):
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def rows_of_ends(p, plugin):
    """Each of them has loaded a library by itself before."""
    main = p["life"].path

    def row(name, end, *way, **how):
        return Row(name, end, [main, "dlopen", plugin.path, "tell", "linger", "250", *way], lingers=True, **how)
    yield row("return from main", "exit 3", "exit", "3")
    yield row("_exit", "exit 4", "_exit", "4", preload="dlopen")
    yield row("quick_exit", "exit 5", "quick_exit", "5", preload="dlopen")
    yield row("abort", "SIGABRT", "abort", preload="dlopen")
    yield row("SIGSEGV", "SIGSEGV", "crash", preload="dlopen")
    yield row("SIGPIPE", "SIGPIPE", "broken-pipe", preload="dlopen")
    yield row("SIGTERM", "SIGTERM", "signal", "15", "nocore", preload="dlopen")
    yield row("SIGKILL", "SIGKILL", "signal", "9", "nocore", preload="dlopen (exit.oom)")
    yield row("SIGRTMIN+3", "SIGRTMIN+3", "signal", "37", "nocore", preload="dlopen")
    yield Row("SIGKILL by another", "SIGKILL", killed_after(0.1, signal.SIGKILL, main, "dlopen", plugin.path, "tell", "sleep"),
              Image(p["life"], main, "dlopen", pid="root"), preload="dlopen (exit.oom)", lingers=True)
    group = life.memory_group()
    if group:
        yield Row("out of memory", "SIGKILL", lambda: spawn(main, "out-of-memory", cgroup=group),
                  Image(p["life"], main, "out-of-memory", pid="root", exit={"signal": 9, "name": "SIGKILL", "core": False, "oom": True}), preload="oom")
        os.rmdir(group)
    yield row("threads run at exit", "exit 6", "beside-threads", "6")
    yield row("exit_group by a thread", "exit 7", "exit_group", "7", preload="dlopen")
    # which loads libgcc_s by itself, if it isn't there
    yield Row("the first thread ended before", "exit 8", [main, "dlopen", plugin.path, "dlopen", "libgcc_s.so.1", "tell", "linger", "250",
              "pthread_exit", "8"], lingers=True)


def rows_of_copies(p, top):
    life_, plain = p["life"], p["plain"]
    main = life_.path
    yield Row("fork only", "exit 5", [main, "copies", "7"], Image(life_, main, "copies", pid="root", usage__forks=7), preload={"copies=unseen": "cpu"})
    yield Row("a copy outlives its program", "exit 4", [main, "copy-outlives"], Image(life_, main, "copy-outlives", pid="root"),
              Image(life_, name="copy", origin="fork", exit={"code": 3}), preload="copy: run")
    yield Row("a daemon forks twice", "exit 0", [main, "double-fork"], Image(life_, pid="root", usage__forks=1),
              Image(life_, pid="daemon", name="daemon", origin="fork"), preload="daemon: run")
    yield Row("and execs", "exit 0", [main, "double-fork", plain.path, "x"], Image(life_, pid="root", usage__forks=1),
              Image(life_, pid="daemon", name="daemon", origin="fork", then=True), Image(plain, plain.path, "x", pid="daemon", name="exec"),
              preload="daemon: run")
    yield Row("vfork", "exit 0", [main, "vfork", plain.path, "x"], Image(life_, pid="root", usage__forks=1),
              Image(plain, plain.path, "x", name="child", exit={"code": 0}))
    yield Row("exec chain", "exit 8", [main, "exec", main, "tell", "exec", main, "exit", "8"], Image(life_, main, "exec", then=True, pid="root"),
              Image(life_, main, "tell", name="2nd", then=True, pid="root"), Image(life_, main, "exit", "8", name="3rd", pid="root"),
              preload="peak; 2nd: peak", bpf="peak; 2nd: peak")
    yield Row("exec by another thread", "exit 9", [main, "thread-exec", main, "exit", "9"], Image(life_, main, "thread-exec", then=True, pid="root"),
              Image(life_, main, "exit", "9", name="2nd", pid="root"), preload="peak", bpf="peak")
    yield Row("traced by another process", "exit 0", [main, "traced", plain.path, "x"], Image(life_, pid="root", usage__forks=2),
              Image(plain, plain.path, "x", pid="target", name="target"))
    sh, once = Program("/bin/sh"), script(f"{top}/script", f"#!/bin/sh\n{main} exit 1\nexit 11\n")
    yield Row("script", "exit 11", [once, "x"], Image(sh, "/bin/sh", once, "x", pid="root", script={"path": once}),
              Image(life_, main, "exit", "1", name="child", exit={"code": 1}))


def rows_of_kinds(p, top, site):
    main = p["life"].path
    yield Row("static", "exit 3", [p["static"].path, "exit", "3"], preload="run")
    if "musl" in p:
        musl = [p["musl"].path, "tell", "exit", "3"]
        yield Row("musl", "exit 3", lambda: spawn(*musl, env=site.environment("")), Image(p["musl"], *musl, pid="root"))
        yield Row("musl, static", "exit 3", [p["musl-static"].path, "exit", "3"], preload="run")
    if "life32" in p:
        yield Row("32-bit", "exit 3", [p["life32"].path, "tell", "exit", "3"], bpf={"mapping=tracepoint": "objects"})
    if "go" in p:
        yield Row("Go, static", "exit 16", [p["go"].path], preload="run")
    victim = Program(shutil.copy(main, f"{top}/deleted"))
    yield Row("deleted while it runs", "exit 0", deleted(victim.path, "sleep", pause=0.3), Image(victim, victim.path, "sleep", pid="root"))
    memory = Program(p["plain"].path)
    memory.path = "/memfd:life"
    memory.device = memory.inode = None
    yield Row("from memory", "exit 0", [main, "memfd", p["plain"].path], Image(p["life"], main, "memfd", then=True, pid="root"),
              Image(memory, name="2nd", pid="root"), preload="peak", bpf="peak")
    loader = re.search(r"interpreter: (.*)\]", subprocess.run(["readelf", "-lW", main], capture_output=True, text=True).stdout)[1]
    yield Row("by the loader's name", "exit 3", [loader, main, "tell", "exit", "3"],
              Image(p["life"], pid="root", arguments=[loader, main, "tell"]), preload="device inode argv")
    big = [main, "exit", "3", "x" * 100_000, "y" * 100_000]
    yield Row("arguments of 200 kB", "exit 3", big, Image(p["life"], *big, pid="root"), preload="argv", bpf="argv")
    env = {f"VARIABLE_{i}": "x" * 99_991 for i in range(11)}
    yield Row("environment of 1 MB", "exit 3", lambda: spawn(main, "exit", "3", env=env), Image(p["life"], main, "exit", "3", pid="root"), preload="(env)", bpf="(env)")
    for name in OWN:
        yield Row(f"own {name}", "exit 3", [p[name].path, "tell", "exit", "3"])


def rows_of_places(p, top, site):
    life_ = p["life"]
    main = life_.path
    for bits, name in ((0o4755, "set-user-id"), (0o2755, "set-group-id")):
        program = Program(shutil.copy(main, f"{top}/{name}"))
        os.chown(program.path, NOBODY, NOBODY)
        os.chmod(program.path, bits)
        image = Image(program, program.path, "exit", "3", pid="root", uid=ALICE, euid=NOBODY if bits & 0o4000 else ALICE)
        yield Row(f"{name}", "exit 3", lambda path=program.path: spawn(path, "exit", "3", uid=ALICE, gid=ALICE), image, preload="run")
        yield Row(f"{name}, ld.so.preload", "exit 3", site.spawn(program.path, "exit", "3", uid=ALICE, gid=ALICE), image)
    root = chroot_of(top, main)
    yield Row("chroot without the module", "exit 3", lambda: spawn(main, "exit", "3", root=root),
              Image(Program(root + main).at(main), main, "exit", "3", pid="root", cwd="/"), complains=True, preload="run", bpf={"mapping=tracepoint": "object-ids"})
    yield Row("chroot, ld.so.preload", "exit 3", site.spawn(main, "exit", "3", root=root),
              Image(Program(root + main).at(main), main, "exit", "3", pid="root", cwd="/"), preload="run", bpf={"mapping=tracepoint": "object-ids"})
    cleared = [main, "clearenv", "exec", main, "exit", "3"]
    images = Image(life_, main, "clearenv", then=True, pid="root"), Image(life_, main, "exit", "3", pid="root", name="2nd", env={})
    yield Row("cleared environment", "exit 3", cleared, *images, preload="next; 2nd: run", bpf="peak")
    yield Row("cleared, ld.so.preload", "exit 3", site.spawn(*cleared), *images, preload="peak", bpf="peak")
    yield Row("pid namespace", "exit 3", lambda: spawn(main, "exit", "3", namespaces=life.CLONE_NEWPID), Image(life_, main, "exit", "3", pid="root"))
    if node.has_user_namespaces(ALICE):
        yield Row("user namespace", "exit 3", lambda: spawn(main, "exit", "3", namespaces=life.CLONE_NEWUSER, uid=ALICE, gid=ALICE),
                  Image(life_, main, "exit", "3", pid="root", uid=ALICE))


def rows_of_refusals(p, plugin):
    main = p["life"].path

    def next_row(name, end, *words, preload="peak"):
        """What the program before forbids, the next one is born with."""
        last = ["exit", "3"] if name == "born with RLIMIT_FSIZE=0" else ["tell", "exit", "3"]  # which writes to a file
        return Row(name, end, [main, *words, "exec", main, "dlopen", plugin.path, *last],
                   Image(p["life"], main, *words, then=True, pid="root"), Image(p["life"], main, "dlopen", plugin.path, pid="root", name="2nd"), preload=preload, bpf="peak")
    yield Row("seccomp kills openat", "exit 3", [main, "tell", "forbid", str(SYS_OPENAT), "exit", "3"])
    yield next_row("born under seccomp", "exit 3", "forbid", str(SYS_SOCKET), preload="next dlopen; 2nd: run")
    yield next_row("born with RLIMIT_FSIZE=0", "exit 3", "limits", "0", "1024")
    yield next_row("born with RLIMIT_NOFILE=4", "exit 3", "limits", "-1", "4")
    yield Row("closes all descriptors", "exit 3", [main, "tell", "close", "exit", "3"])
    yield Row("born without descriptors", "exit 3", [main, "close", "exec", main, "exit", "3"], Image(p["life"], main, "close", then=True, pid="root"),
              Image(p["life"], main, "exit", "3", pid="root", name="2nd"), preload="peak", bpf="peak")
    yield Row("RLIMIT_NOFILE=0", "exit 3", [main, "tell", "limits", "-1", "0", "exit", "3"])


PYTHON = "import multiprocessing, os, subprocess, sys\nprint(os.getpid() > 0)\n{}\nsys.exit(3)"


def rows_of_many(p, plugin):
    main, python = p["life"].path, Program(sys.executable)

    def row(name, text, *images):
        argv = [sys.executable, "-c", PYTHON.format(text)]
        return Row(name, "exit 3", argv, Image(python, *argv, pid="root"), *images)

    def start(way):
        return (f"if __name__ == '__main__':\n    p = multiprocessing.get_context('{way}').Process(target=os.getpid)\n"
                "    p.start()\n    p.join()\n    print(p.exitcode)")
    yield row("Python: ctypes", f"import ctypes; ctypes.CDLL('{plugin.path}')")
    yield row("Python: subprocess", f"print(subprocess.run(['{main}', 'exit', '1']).returncode)",
              Image(p["life"], main, "exit", "1", name="child", exit={"code": 1}))
    yield row("Python: multiprocessing fork", start("fork"))
    yield row("Python: multiprocessing spawn", start("spawn"),
              Image(python, name="tracker"), Image(python, name="child"))


def rows_of_mpi(p):
    launcher = shutil.which("mpirun.openmpi")
    if not launcher:
        return
    root = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    ranks = [("exit", "0"), ("linger", "1", "exit", "0")]  # told apart by their arguments: which one is first, nobody says
    argv = [launcher, "--oversubscribe", *(word for rank in ranks for word in (":", "-np", "1", p["life"].path, *rank))]
    argv.remove(":")
    yield Row("MPI", "exit 0", lambda: spawn(*argv, env=root), Image(Program(launcher), pid="root"),
              *(Image(p["life"], p["life"].path, *rank, name=f"rank {i}", exit={"code": 0}, mpi__rank=i) for i, rank in enumerate(ranks)))


def all_rows(p, plugin, top, site):
    yield from rows_of_ends(p, plugin)
    yield from rows_of_copies(p, top)
    yield from rows_of_kinds(p, top, site)
    yield from rows_of_places(p, top, site)
    yield from rows_of_refusals(p, plugin)
    yield from rows_of_many(p, plugin)
    yield from rows_of_mpi(p)
