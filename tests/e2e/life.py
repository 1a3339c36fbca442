# SPDX-License-Identifier: BSD-2-Clause
"""For node_life.t: lives processes, and says what wait4(2), /proc and readelf tell of them."""
import calendar
import ctypes
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import node

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


# --- lives

kept = []  # Popen waits for those that nobody refers to


def spawn(*argv, uid=None, gid=None, root=None, namespaces=0, cgroup=None, stdin=subprocess.DEVNULL):
    """Starts it, as it is or elsewhere. The pid, in our namespace."""
    def change():
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
    changes = cgroup or root or uid is not None or gid is not None or namespaces & CLONE_NEWUSER
    kept.append(subprocess.Popen(argv, preexec_fn=change if changes else None, stdin=stdin))
    return kept[-1].pid


class Life:
    """What came of launch(), which starts processes and returns the first one's pid: .pids by name, .ends by pid."""

    def __init__(self, launch):
        reader, writer = os.pipe()
        self.begin = time.time()
        with tempfile.TemporaryFile() as output:
            pid = os.fork()
            if not pid:
                os.dup2(output.fileno(), 1)
                self._run(launch, writer)
            os.close(writer)
            told = json.loads(open(reader, "rb").read() or b"{}")
            os.waitpid(pid, 0)
            output.seek(0)
            self.said = output.read().decode(errors="replace").splitlines()
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
