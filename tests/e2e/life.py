# SPDX-License-Identifier: BSD-2-Clause
"""For node_life.t and preload_life.t: lives processes, and says what wait4(2), /proc and readelf tell of them."""
import calendar
import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import time

import node
import tap

libc = ctypes.CDLL(None, use_errno=True)
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
HERE = os.path.dirname(os.path.abspath(__file__))


def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


# --- programs

class Program:
    """A file to run, and what readelf and stat say of it."""

    def __init__(self, path):
        self.path = os.path.realpath(path)
        st = os.stat(self.path)
        self.device, self.inode = f"{os.major(st.st_dev)}:{os.minor(st.st_dev)}", str(st.st_ino)
        notes = subprocess.run(["readelf", "-nW", self.path], capture_output=True, text=True).stdout
        found = re.search(r"Build ID: (\w+)", notes)
        self.build_id = found and found[1]
        found = re.search(r"RunmarkNote.*?description data:((?: \w\w){16})", notes, re.S)
        mark = found and found[1].replace(" ", "")
        self.watermark = mark and "-".join((mark[:8], mark[8:12], mark[12:16], mark[16:20], mark[20:]))

    def at(self, path):
        """It, where its processes know it by another path."""
        self.path = path
        return self

    def differences(self, exe, with_notes=True):
        for field in ("path", "device", "inode", *(("build_id", "watermark") if with_notes else ())):
            if field == "device" and exe.get("fstype") in ("overlay", "btrfs"):
                continue  # stat(2) shows another one there
            if exe.get(field) != getattr(self, field):
                yield f"exe.{field} is {exe.get(field)}, should be {getattr(self, field)}"


def wrapper():
    return os.path.join(node.TOP, node.BUILD, "libexec", "runmark") + "/"


def build(top, name, *command, source=f"{HERE}/life.c", conf=None, libraries=()):
    """Compiled and linked, through the wrapper where conf names its configuration."""
    path = f"{top}/{name}"
    through = [f"-B{wrapper()}"] if conf else []
    subprocess.run([*command, *through, "-o", path, source, *libraries], check=True, capture_output=True,
                   env=dict(os.environ, RUNMARK_CONF=conf or "/dev/null"))
    return path


def script(path, text):
    open(path, "w").write(text)
    os.chmod(path, 0o755)
    return path


def file_capability(path):
    """cap_net_raw, effective and permitted."""
    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))


BARE32 = 'void _start(void) { __asm__ volatile("mov $1, %eax; mov $5, %ebx; int $0x80"); }\n'
GO = "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(16) }\n"
RUST = "fn main() { std::process::exit(17) }\n"


def programs(top, conf, only=None):
    """Each kind of program by its name, or only these; those that can't be made here are skipped."""
    bare = script(f"{top}/bare32.c", BARE32)
    plain = script(f"{top}/plain.c", "int main(void) { return 0; }\n")
    table = (
        ("life", ["gcc", "-O1", "-pthread"], {}),
        ("plain", ["gcc", "-O1"], {"source": plain}),
        ("no-pie", ["gcc", "-O1", "-pthread", "-no-pie"], {}),
        ("static", ["gcc", "-O1", "-pthread", "-static"], {}),
        ("static-pie", ["gcc", "-O1", "-pthread", "-static-pie"], {}),
        ("musl", ["musl-gcc", "-O1"], {}),
        ("musl-static", ["musl-gcc", "-O1", "-static"], {}),
        # without gcc's own 32-bit parts, whose package excludes cross compilers
        ("life32", ["gcc", "-m32", "-O1", "-pthread", "-idirafter", "/usr/include/x86_64-linux-gnu", "-nostdlib",
                    "/usr/lib32/Scrt1.o"], {"libraries": ["-lc"]}),
        ("bare32", ["gcc", "-m32", "-nostdlib", "-static"], {"source": bare}),
        ("go", ["go", "build"], {"source": script(f"{top}/go.go", GO), "conf": None}),
        ("rust", ["rustc"], {"source": script(f"{top}/rust.rs", RUST), "conf": None}),
    )
    made = {}
    os.environ.setdefault("GOCACHE", f"{top}/go-cache")
    for name, command, how in table:
        if only and name not in only:
            continue
        try:
            made[name] = Program(build(top, name, *command, **{"conf": conf, **how}))
        except (OSError, subprocess.CalledProcessError) as error:
            told = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
            tap.skip(f"a program: {name}", f"{command[0]} can't make it here: {told[-1] if told else error}")
    return made


# --- lives

kept = []  # Popen waits for those that nobody refers to
environment = {}  # of all that is spawned, besides ours


def spawn(*argv, uid=None, gid=None, root=None, namespaces=0, cgroup=None, stdin=subprocess.DEVNULL, env=None, before=None):
    """Starts it, as it is or elsewhere. env: more variables; before: called before all else. The pid, in our namespace."""
    def change():
        if before:
            before()
        if cgroup:
            open(f"{cgroup}/cgroup.procs", "w").write(str(os.getpid()))
        if root:
            os.chroot(root)
            os.chdir("/")
        if gid is not None:
            os.setgroups([])
            os.setgid(gid)
        if uid is not None:
            os.setuid(uid)
        if namespaces & CLONE_NEWUSER:
            call("unshare", CLONE_NEWUSER)
    if namespaces & ~CLONE_NEWUSER:  # of pids: for children only
        call("unshare", namespaces & ~CLONE_NEWUSER)
    changes = before or cgroup or root or uid is not None or gid is not None or namespaces & CLONE_NEWUSER
    kept.append(subprocess.Popen(argv, preexec_fn=change if changes else None, stdin=stdin,
                                 env={**os.environ, **environment, **(env or {})}))
    return kept[-1].pid


def sleep_until_asleep(pid, seconds):
    """So many seconds after the process waits for something, as all do here once they have begun: how long that takes, nobody knows."""
    end = time.time() + 20
    asleep = 0
    while asleep < 3 and time.time() < end:
        asleep = asleep + 1 if open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "S" else 0
        time.sleep(0.01)
    time.sleep(seconds)


def killed_after(seconds, number, *argv, **how):
    def launch():
        reader, _ = os.pipe()
        pid = spawn(*argv, stdin=reader, **how)
        sleep_until_asleep(pid, seconds)
        os.kill(pid, number)
        return pid
    return launch


def deleted(*argv, pause):
    """Deleted so many seconds after its start; behind a loader a worker must have looked at it by then."""
    def launch():
        reader, writer = os.pipe()
        pid = spawn(*argv, stdin=reader)
        sleep_until_asleep(pid, pause)
        os.unlink(argv[-2] if argv[-1] == "sleep" else argv[0])
        os.close(writer)
        os.close(reader)
        return pid
    return launch


def memory_group():
    """A control group of 16 MiB; None where there is no such thing."""
    name = f"runmark-test-{os.getpid()}"
    for folder, limits in (("/sys/fs/cgroup/memory", ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")),
                           ("/sys/fs/cgroup", ("memory.max", "memory.swap.max"))):
        try:
            if folder == "/sys/fs/cgroup" and "memory" in open(f"{folder}/cgroup.controllers").read():
                open(f"{folder}/cgroup.subtree_control", "w").write("+memory")
            os.mkdir(f"{folder}/{name}")
            for limit in limits:
                if os.path.exists(f"{folder}/{name}/{limit}"):
                    open(f"{folder}/{name}/{limit}", "w").write("0" if "swap.max" in limit else str(16 << 20))
            if os.path.exists(f"{folder}/{name}/{limits[0]}"):
                return f"{folder}/{name}"
            os.rmdir(f"{folder}/{name}")
        except OSError:
            pass
    return None


class Life:
    """What came of launch(), which starts processes and returns the first one's pid: .pids by name, .ends (status, CPU
    seconds) by pid, .said and .complained, the lines of its output and of its errors."""

    def __init__(self, launch):
        reader, writer = os.pipe()
        self.begin = time.time()
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            pid = os.fork()
            if not pid:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                self._run(launch, writer)
            os.close(writer)
            told = json.loads(open(reader, "rb").read() or b"{}")
            os.waitpid(pid, 0)
            self.said, self.complained = (os.pread(file.fileno(), 1 << 20, 0).decode(errors="replace").splitlines()
                                          for file in (output, errors))
        self.end = time.time()
        self.error = told.get("error", "" if told else "the runner died")
        self.ends = {int(p): end for p, end in told.get("ends", {}).items()}
        self.pids = {"runner": pid, "root": told.get("root")}
        for what, name, value in (line.split(" ", 2) for line in self.said if line.count(" ") >= 2):
            if what == "pid":
                self.pids[name] = int(value)

    @staticmethod
    def _run(launch, writer):
        """In a process of its own, to which all orphans go."""
        told = {"ends": {}}
        try:
            call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            told["root"] = launch()
            while True:
                pid, status, usage = os.wait4(-1, 0)
                told["ends"][pid] = status, usage.ru_utime + usage.ru_stime
        except ChildProcessError:
            pass
        except Exception as error:  # told, not lost
            told["error"] = repr(error)
        os.write(writer, json.dumps(told).encode())
        os._exit(0)

    def says(self, what, name):
        """The rest of a line "WHAT NAME ..."."""
        return next((line.split(" ", 2)[2] for line in self.said if line.startswith(f"{what} {name} ")), None)

    def runs(self, all_runs):
        """Of its processes and of their children, by start."""
        pids = {p for name, p in self.pids.items() if p and name != "runner"} | set(self.ends)
        mine = [r for r in all_runs if self.begin - 0.01 <= unix(r["start"]) <= self.end + 0.01]
        while True:
            # a pid that has come round is another's unless its parent is one of ours
            found = [r for r in mine if (r["pid"] in pids or r["ppid"] in pids)
                     and r["ppid"] in pids | {None, self.pids["runner"]}]
            more = {r["pid"] for r in found} - pids
            if not more:
                self.found = sorted(found, key=lambda r: r["start"])
                return self.found
            pids |= more

    def waited_for(self, pid):
        """The processes whose CPU time wait4(2) tells as pid's: it, and those below it that didn't go to the runner. After runs()."""
        pids = {pid}
        while more := {r["pid"] for r in self.found if r["ppid"] in pids} - pids - set(self.ends):
            pids |= more
        return pids


def starts_quickly():
    """Whether a program starts as on a real machine. On an emulated one that takes so much CPU and time that what is not
    seen of it is as much as all else."""
    return sorted(cpu for _ in range(5) for _, cpu in Life(lambda: spawn("/bin/true")).ends.values())[2] < 0.003


def kernel():
    """(major, minor)"""
    return tuple(int(n) for n in os.uname().release.split(".")[:2])


def unix(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:-1])


def exit_of(status):
    """A wait status as a record says it."""
    if os.WIFEXITED(status):
        return {"code": os.WEXITSTATUS(status)}
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name if number < 32 else f"SIGRTMIN{number - 34:+}"
    return {"signal": number, "name": name, "core": os.WCOREDUMP(status), "oom": False}


def field_of(record, dotted):
    for part in dotted.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record
