# SPDX-License-Identifier: BSD-2-Clause
"""A private runmarkd for tests that track this node: own spool, state, sockets and pins."""
import atexit
import collections
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import tap

BUILD = os.environ.get("BUILD", "build")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build_for_all():
    """The build folder; where users can't enter it (a checkout below /root), a copy of its programs that they can."""
    build = os.path.abspath(os.path.join(TOP, BUILD))
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() or not subprocess.run([*user, "test", "-x", f"{build}/bin/runmark"]).returncode:
        return build
    copy = tempfile.mkdtemp(prefix="runmark-test-build.")
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(copy, True))
    os.chmod(copy, 0o755)
    for name in ("bin", "lib", "lib32"):
        if os.path.isdir(f"{build}/{name}"):
            shutil.copytree(f"{build}/{name}", f"{copy}/{name}", ignore=shutil.ignore_patterns("*.a"))
    return copy


PROGRAMS = build_for_all()


def program(name):
    return os.path.join(PROGRAMS, "bin", name)


LIBRARY = os.path.join(PROGRAMS, "lib", "librunmark.so")


def can_track():
    """None, or why this machine can't run the kernel side."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        return "this kernel has no BTF"
    if b"\0BPF_MAP_TYPE_TASK_STORAGE\0" not in open("/sys/kernel/btf/vmlinux", "rb").read():
        return "BPF has no task storage before Linux 5.11"
    for kind, folder in (("bpf", "/sys/fs/bpf"), ("tracefs", "/sys/kernel/tracing")):
        mounted = any(line.split()[1] == folder for line in open("/proc/mounts"))
        if not mounted and subprocess.run(["mount", "-t", kind, kind, folder]).returncode:
            return f"{folder} can't be mounted"
    return None


NO_USER_NAMESPACES = "user namespaces can't be made here; in a chroot they never can"


def has_user_namespaces(uid):
    """Whether that user may make one."""
    words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "unshare", "-U", "true"]
    return not subprocess.run(words, stderr=subprocess.DEVNULL).returncode


def lost(causes):
    """What is lost, but for what other programs of this machine do: killed inside their exec, or linked elsewhere."""
    return {cause: count for cause, count in causes.items() if count and cause not in ("exec_unseen", "link_missing")}


class Node:
    """with Node() as node: ... node.runs() after node.flush(). rules: lines of [rules], instead of the defaults. source: as in
    the configuration; with "preload" nothing is asked of the kernel side, not even root."""

    def __init__(self, rules=None, source="bpf", **keys):
        self.source = source
        self.top = tempfile.mkdtemp(prefix="runmark-test.")
        os.chmod(self.top, 0o755)
        self.spool = f"{self.top}/spool"
        self.state = f"{self.top}/run"
        self.drop = f"{self.top}/drop"
        self.pin = f"/sys/fs/bpf/runmark-test-{os.getpid()}-{os.path.basename(self.top).replace('.', '-')}"
        self.conf = f"{self.top}/runmark.conf"
        self.log_path = f"{self.top}/log"
        self.process = None
        self.keys, self.rules = keys, rules
        self.daemon = program("runmarkd")
        self.privacy = {}

    def configure(self):
        track = {"compress": "no", "rotate_seconds": "3600"}
        daemon = {"spool": self.spool, "drop": self.drop, "socket": f"{self.state}/runmark.sock",
                  "control": f"{self.state}/control.sock", "pin": self.pin, "state": self.state, "source": self.source}
        rules = {}
        for key, value in self.keys.items():
            (rules if key.startswith("group_") else daemon if key in ("ring_mib", "journal_mib", "workers", "host", "cluster", "spool") else track)[key] = value
        with open(self.conf, "w") as conf:
            if rules or self.rules is not None:
                conf.write("[rules]\n" + "".join(f"{k} = {v}\n" for k, v in rules.items()) +
                           "".join(f"rule = {rule}\n" for rule in self.rules or ()))
            for section, keys in (("daemon", daemon), ("track", track)):
                conf.write(f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()))
            if self.privacy:
                conf.write("[privacy]\n" + "".join(f"{k} = {v}\n" for k, v in self.privacy.items()))
        os.makedirs(self.drop, exist_ok=True)
        os.chmod(self.drop, 0o1733)

    def start(self, *arguments, prefix=()):
        """RUNMARK_TEST_HOOKS="mapping=kprobe exit=live" forces these rungs, and the daemon must say that it uses them."""
        hooks = os.environ.get("RUNMARK_TEST_HOOKS", "").split() if self.source == "bpf" else []
        arguments = [*(word for hook in hooks for word in ("--hook", hook)), *arguments]
        self.configure()
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen([*prefix, self.daemon, "--config", self.conf, "--foreground", *arguments], stdout=log, stderr=log)
        deadline = time.monotonic() + 120  # an emulated guest takes long to verify programs
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("runmarkd ended: " + self.log())
            try:
                used = {f"{hook['fact']}={hook['rung']}" for hook in self.ask("status")["hooks"]}
                if not used.issuperset(hooks):
                    raise RuntimeError(f"runmarkd uses {sorted(used)}, not {hooks}")
                return self
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("runmarkd does not answer: " + self.log())

    def log(self):
        return open(self.log_path, errors="replace").read()

    def ask(self, request):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(60)
            control.connect(f"{self.state}/control.sock")
            control.sendall(request.encode() + b"\n")
            answer = b""
            while piece := control.recv(65536):
                answer += piece
        return json.loads(answer)

    def flush(self):
        return self.ask("flush")

    def status(self):
        return self.ask("status")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        return self.process.returncode if self.process else None

    def environment(self, **more):
        """For a program that is to tell of itself."""
        return dict(os.environ, LD_PRELOAD=LIBRARY, RUNMARK_SOCKET=f"{self.state}/runmark.sock", RUNMARK_DROP=self.drop, **more)

    def unload(self):
        return subprocess.run([program("runmarkd"), "--config", self.conf, "--unload"], capture_output=True, text=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        self.unload()
        if "RUNMARK_TEST_KEEP" not in os.environ:
            shutil.rmtree(self.top, ignore_errors=True)

    def files(self):
        return sorted(glob.glob(f"{self.spool}/*.jsonl*"))

    def records(self, kind=None):
        """Every record of the closed files, in order."""
        found = []
        for path in sorted(self.files(), key=lambda p: os.stat(p).st_mtime_ns):
            text = subprocess.run(["zstd", "-dc", path], stdout=subprocess.PIPE, check=True).stdout \
                if path.endswith(".zst") else open(path, "rb").read()
            found += [json.loads(line) for line in text.splitlines()]
        return [r for r in found if kind is None or r["schema"] == f"runmark.{kind}/1"]

    def runs(self):
        return self.records("run")

    def sets(self):
        return {r["hash"]: r for r in self.records("set")}

    def validate(self):
        result = subprocess.run([os.path.join(TOP, "tests", "validate"), *self.files()], capture_output=True, text=True)
        return tap.ok(result.returncode == 0, "every record is valid by its schema", (result.stdout + result.stderr)[:4000])

    def check_load(self, outputs, count):
        """Each process that spawn.c printed in these outputs, of its program "ending", is recorded once and whole. What
        was spawned, counted by pid and what it was told to do."""
        runs = [r for r in self.runs() if r["exe"]["path"] == f"{self.top}/ending"]
        ids = collections.Counter(r["run_id"] for r in runs)
        want = collections.Counter((int(l.split()[0]), l.split(" ", 3)[3]) for text in outputs for l in text.splitlines())
        got = collections.Counter((r["pid"], r["argv"][2]) for r in runs if r["argv"])
        print(f"# {sum(want.values())} processes, {len(runs)} records")
        tap.equal(sum(want.values()), count, "the load ran")
        tap.ok(not want - got, "no process is missing", list((want - got).items())[:5])
        tap.ok(not got - want, "none is recorded twice", list((got - want).items())[:5])
        twice = [(r["run_id"], r["pid"], r["start"], r["argv"]) for r in runs if ids[r["run_id"]] > 1]
        tap.equal(twice, [], "no run id twice")
        objects = {h: s.get("objects", []) for h, s in self.sets().items()}
        whole = [r for r in runs if r["exit"] and r["argv"] and r["exe"]["build_id"] and len(objects[r["object_set"]]) == 2]
        tap.equal(len(whole), len(runs), "every one has argv, exit, build-id and both its objects")
        bad = [r["incomplete"] for r in runs if r["incomplete"]]
        tap.equal(bad[:5], [], "none is incomplete")
        return want

    def check_sequence(self):
        """No record is missing by its number, in any instance."""
        seen = {}
        for record in self.records():
            if "part" in record:
                instance = record["instance"]
            if "seq" in record:
                seen.setdefault(instance, []).append(int(record["seq"]))
        bad = {i: s for i, s in seen.items() if s != list(range(1, len(s) + 1))}
        return tap.ok(not bad, "no record is missing by its sequence number", {i: s[:20] for i, s in bad.items()})


def require():
    """Ends the test as skipped where the kernel side can't run."""
    reason = can_track()
    if reason:
        tap.skip("tracking", reason)
        tap.done()
