# SPDX-License-Identifier: BSD-2-Clause
"""runmark run as tests call it: what came out, and what it recorded."""
import collections
import glob
import json
import os
import shutil
import subprocess
import tempfile

from node import program

NOBODY = 65534


def ended(run):
    """How a record's run ended, in a word."""
    if run["schema"].startswith("runmark.start"):
        return "running"
    end = run["exit"]
    if not end:
        return "exec" if run.get("next_run_id") else "unknown"
    return end.get("name") or end["code"]


class Result:
    def __init__(self, done, runs, home):
        self.status, self.out, self.err, self.runs = done.returncode, done.stdout, done.stderr, runs
        self.home = home

    def programs(self):
        """How often which program ended how."""
        return collections.Counter((os.path.basename(run["exe"]["path"]), ended(run)) for run in self.runs)

    def __str__(self):
        return f"status {self.status}\nstdout {self.out!r}\nstderr {self.err}\nruns {self.programs()}"


class Private:
    """A user who calls runmark run: a home, a runtime folder. uid 0: root."""

    def __init__(self, uid=0, bpf=False, runmark=None):
        self.uid, self.bpf = uid, bpf
        self.runmark = runmark or program("runmark")
        self.top = tempfile.mkdtemp(prefix="runmark-run-test.")
        self.home, self.runtime = f"{self.top}/home", f"{self.top}/runtime"
        for folder in (self.home, self.runtime):
            os.mkdir(folder)
            os.chown(folder, uid, uid)
        os.chmod(self.top, 0o755)
        os.chmod(self.home, 0o755)
        os.chmod(self.runtime, 0o700)
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.home, "XDG_RUNTIME_DIR": self.runtime,
                    "RUNMARK_CONF": "/dev/null", "LANG": "C"}
        self.log = f"{self.home}/runs.json"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def words(self, *command, options=(), nested=False):
        change = ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"] if self.uid and not nested else []
        return [*change, self.runmark, "run", *(["--bpf"] if self.bpf else []), *options, "--", *command]

    def start(self, *command, options=(), **more):
        return subprocess.Popen(self.words(*command, options=options), env=self.env, **more)

    def run(self, *command, options=(), env=None, **more):
        """Runs it to its end, and reads its records."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        words = self.words(*command, options=["--format", "json", "--output", self.log, *options])
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run(words, env={**self.env, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", timeout=300, **more)
        return Result(done, self.records(), self.home)

    def records(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    @property
    def db(self):
        return f"sqlite:{self.home}/.local/share/runmark/runmark.db"

    def found(self, *options):
        """What is in its database, by runmark find."""
        done = subprocess.run([self.runmark, "find", "--db", self.db, "--format", "json", *options], capture_output=True,
                              text=True, check=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def left(self):
        """Private folders, and pins, that are still there."""
        return glob.glob(f"{self.runtime}/runmark-*") + [pin for pin in glob.glob("/sys/fs/bpf/runmark-run-*") if self.is_own(pin)]

    def is_own(self, pin):
        """Not that of another user's runmark run that goes on meanwhile: its pid is in the name."""
        try:
            with open(f"/proc/{pin.rsplit('-', 1)[1]}/environ", "rb") as environment:
                return f"XDG_RUNTIME_DIR={self.runtime}".encode() in environment.read().split(b"\0")
        except OSError:
            return True

    def daemons(self):
        """The pids of private daemons of this runtime folder."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                words = open(path, "rb").read().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/runmarkd") and any(word.startswith(self.runtime.encode()) for word in words):
                found.append(int(path.split("/")[2]))
        return found
