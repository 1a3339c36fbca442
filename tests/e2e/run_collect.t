#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""RUNMARK_SPOOL without a daemon: programs leave files, and runmark-ingest has spool files made of them, each run once."""
import collections
import glob
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import uuid

import tap
from node import LIBRARY, program
from private import NOBODY, ended

KILLS, RUNS = 23, 97
ITEM_HOST, ITEM_BOOT = 12, 13


class Folder:
    """A user's folder of RUNMARK_SPOOL, and a database."""

    def __init__(self, uid=0):
        self.uid = uid
        self.top = tempfile.mkdtemp(prefix="runmark-collect-test.")
        os.chmod(self.top, 0o755)
        os.chown(self.top, uid, uid)
        self.path = f"{self.top}/spool"
        os.mkdir(self.path, 0o700)
        os.chown(self.path, uid, uid)
        self.db = f"sqlite:{self.top}/db"
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "RUNMARK_CONF": "/dev/null", "LANG": "C"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def change(self):
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups"] if self.uid else []

    def told(self):
        return {**self.env, "LD_PRELOAD": LIBRARY, "RUNMARK_SPOOL": self.path, "RUNMARK_SOCKET": "/nonexistent"}

    def start(self, *command):
        return subprocess.Popen([*self.change(), "env", *(f"{k}={v}" for k, v in self.told().items()), *command])

    def run(self, *command):
        return self.start(*command).wait()

    def call(self, name, *words):
        return subprocess.run([*self.change(), program(name), *words], env=self.env, capture_output=True, text=True, check=False)

    def collect(self):
        return self.call("runmarkd", "--collect", self.path)

    def load(self):
        return self.call("runmark-ingest", "--db", self.db, self.path)

    def files(self):
        return sorted(glob.glob(f"{self.path}/{'[0-9a-f]' * 16}.run"))

    def found(self):
        done = self.call("runmark", "find", "--db", self.db, "--limit", "0", "--since", "90d", "--format", "json")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def programs(self):
        return collections.Counter(os.path.basename(run["exe"]["path"]) for run in self.found())


SHELL = os.path.basename(os.path.realpath("/bin/sh"))


def check_once(uid):
    with Folder(uid) as folder:
        status = folder.run("sh", "-c", "env nice sleep 0.01; ls / >/dev/null; sh -c 'kill -KILL $$'; exit 7")
        want = collections.Counter({SHELL: 2, "env": 1, "nice": 1, "sleep": 1, "ls": 1})
        tap.ok(status == 7 and len(folder.files()) == want.total(), "each program leaves a file", folder.files())
        done = folder.load()
        tap.ok(done.returncode == 0 and not folder.files(), "runmark-ingest takes them", done)
        tap.equal(folder.programs(), want, "and what ran is in the database")
        runs = {os.path.basename(run["exe"]["path"]): run for run in folder.found() if run["argv"][0] != "sh" or len(run["argv"][2]) > 20}
        tap.ok(ended(runs["env"]) == ended(runs["nice"]) == "exec" and runs["env"]["next_run_id"] == runs["nice"]["run_id"] and
               runs["nice"]["next_run_id"] == runs["sleep"]["run_id"], "images of a process follow each other", runs)
        tap.ok(all(runs[name]["parent_run_id"] == runs[SHELL]["run_id"] for name in ("env", "sleep", "ls")),
               "who started them is known", runs)
        tap.ok({run["source"] for run in runs.values()} == {"preload"} and
               any("status is not known" in word for word in runs["ls"]["incomplete"]), "and what isn't known is named", runs["ls"])
        killed = [run for run in folder.found() if run["argv"][0] == "sh" and len(run["argv"][2]) < 20]
        tap.equal([(run["exit"], run["usage"], run["end"], run["elapsed_s"]) for run in killed], [(None,) * 4], "of a killed one, no end either")
        tap.ok(runs["ls"]["exit"] is runs["ls"]["usage"] is None and runs["ls"]["end"], "status and usage of none", runs["ls"])
        tap.ok(runs["sleep"]["elapsed_s"] >= 0.004 and any("libc.so" in o["path"] for o in runs["ls"]["objects"]),
               "times and objects are there", runs["sleep"])
        done = folder.load()
        tap.ok(done.returncode == 1 and folder.programs() == want and "file known before" in done.stdout, "once", done)


def check_living(uid):
    with Folder(uid) as folder:
        process = folder.start("sleep", "60")
        while not any(open(f"/proc/{process.pid}/comm").read().startswith("sleep") for _ in (0,)) or not folder.files():
            time.sleep(0.02)
        done = folder.collect()
        tap.ok("1 of programs that still run" in done.stdout and len(folder.files()) == 1, "one that runs is left", done)
        process.kill()
        process.wait()
        done = folder.collect()
        tap.ok("collected 1 files" in done.stdout and not folder.files(), "until it has ended", done)
        if uid:
            return
        process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "env",
                                    *(f"{k}={v}" for k, v in folder.told().items()), "sleep", "60"])
        while not folder.files():
            time.sleep(0.02)
        time.sleep(0.2)
        done = folder.collect()
        tap.ok("1 of programs that still run" in done.stdout, "also in a namespace where its number is another", done)
        process.kill()
        process.wait()


def items(data):
    """Where which item of a file stands: kind -> (offset, length)."""
    size = struct.unpack_from("=I", data, 8)[0]
    at, found = 16 + 32, {}
    while at + 8 <= 16 + size:
        kind, _, length = struct.unpack_from("=HHI", data, at)
        found[kind] = (at + 8, length)
        at += 8 + (length + 7) // 8 * 8
    return found


def check_other_boot():
    with Folder() as folder:
        boot = str(uuid.uuid4())
        folder.run("sh", "-c", "ls / >/dev/null; sh -c 'kill -KILL $$'; exit 0")
        for path in folder.files():
            data = bytearray(open(path, "rb").read())
            where = items(data)
            data[where[ITEM_BOOT][0]:where[ITEM_BOOT][0] + 36] = boot.encode()
            host = where[ITEM_HOST]
            data[host[0]:host[0] + host[1]] = (b"x" * host[1])[:host[1]]
            open(path, "wb").write(data)
        done = folder.load()
        tap.equal(folder.programs(), collections.Counter({"ls": 1}), "of another boot, who told his end is taken")
        for path in folder.files():
            os.utime(path, (time.time() - 90000, time.time() - 90000))
        done = folder.load()
        tap.equal(folder.programs(), collections.Counter({"ls": 1, SHELL: 2}), "and the others a day later")
        tap.ok({run["boot_id"] for run in folder.found()} == {boot} and
               {run["host"].strip("x") for run in folder.found()} == {""}, "as of that host and boot", folder.found())
        now = time.time()
        starts = [run["start"] for run in folder.found()]
        tap.ok(all(start[:10] in (time.strftime("%Y-%m-%d", time.gmtime(now)), time.strftime("%Y-%m-%d", time.gmtime(now - 60)))
                   for start in starts), "and its times", starts)


def check_hostile():
    with Folder() as folder:
        folder.run("/bin/true")
        good = open(folder.files()[0], "rb").read()
        random.seed(997)
        bad = {"junk": b"junk", "empty": b"", "head": good[:16], "cut": good[:60], "long": good + b"\0" * 2000000,
               "magic": b"x" + good[1:], "size": good[:8] + b"\xff\xff\xff\x7f" + good[12:],
               "boot": good.replace(open("/proc/sys/kernel/random/boot_id", "rb").read().strip(), b"/" * 36)}
        for number, (_, data) in enumerate(bad.items()):
            with open(f"{folder.path}/{number:016x}.run", "wb") as file:
                file.write(data)
        os.symlink("/etc/passwd", f"{folder.path}/{'a' * 16}.run")
        os.mkfifo(f"{folder.path}/{'b' * 16}.run")
        os.mkdir(f"{folder.path}/{'c' * 16}.run")
        with open(f"{folder.path}/{'d' * 16}.run", "wb") as file:
            file.write(good)
        os.link(f"{folder.path}/{'d' * 16}.run", f"{folder.path}/{'e' * 16}.run")
        with open(f"{folder.path}/{'f' * 16}.run", "wb") as file:
            file.write(good)
        os.chown(f"{folder.path}/{'f' * 16}.run", NOBODY, NOBODY)
        with open(f"{folder.path}/not-ours.run", "w", encoding="ascii") as file:
            file.write("x")
        count = len(bad) + 6
        done = folder.load()
        listed = folder.call("runmark-ingest", "--db", folder.db, "--quarantine").stdout
        named = glob.glob(f"{folder.path}/*.run.bad")
        tap.ok(done.returncode == 0 and listed.count(".run.bad:1: ") == count == len(named) and folder.programs()["true"] == 1,
               f"{count} hostile ones: none is read, all are on record", (done, listed))
        tap.ok(os.path.exists(f"{folder.path}/not-ours.run"), "what is called otherwise is nobody's business here")
        done = folder.load()
        tap.ok("refused" not in done.stderr, "and once", done)
        for number in range(199):  # bytes that are flipped: whatever comes of it, it ends well
            data = bytearray(good)
            for _ in range(random.choice((1, 2, 7))):
                data[random.randrange(len(data) if random.random() < 0.1 else 1500)] ^= 1 << random.randrange(8)
            with open(f"{folder.path}/{number:016x}.run", "wb") as file:
                file.write(data)
        done = folder.load()
        again = folder.collect()
        left = len(folder.files())  # of what has become another boot's, and not ended
        tap.ok(done.returncode == again.returncode == 0 and left < 29 and f"{left} of programs that still run" in again.stdout,
               "199 damaged ones do no harm", (left, again, done))
        os.chmod(folder.path, 0o777)
        folder.run("/bin/true")
        with open(f"{folder.path}/{'1' * 16}.run", "wb") as file:
            file.write(good)
        done = folder.collect()
        tap.ok(done.returncode == 3 and "not yours alone" in done.stderr, "a folder that others may write to is refused", done)
        os.chmod(folder.path, 0o700)
        os.chown(folder.path, 61001, 61001)
        done = folder.collect()
        tap.ok(done.returncode == 3 and "belongs to user 61001" in done.stderr and "chmod" not in done.stderr,
               "another's, too, and the way out is his", done)
        done = folder.load()
        tap.ok("runmark-ingest: " in done.stderr and "runmarkd: " not in done.stderr, "said by who was called", done)


def number_of(path):
    with open(path, "rb") as file:
        return struct.unpack_from("=I", file.read(64), 16 + 12)[0]


def restore(kept, to, numbers):
    for path in glob.glob(f"{kept}/*.run"):
        if number_of(path) in numbers:
            shutil.copy(path, to)


def check_killed():
    with Folder() as folder:
        folder.run("sh", "-c", f"i=0; while [ $i -lt {(RUNS - 1) // 2} ]; do env /bin/true; i=$((i+1)); done")
        files = folder.files()
        tap.equal(len(files), RUNS, f"{RUNS} runs left files")
        kept = f"{folder.top}/kept"
        shutil.copytree(folder.path, kept)
        begun = time.monotonic()
        words = [program("runmarkd"), "--collect", folder.path]
        process = subprocess.Popen(words, env=folder.env, stdout=subprocess.DEVNULL)
        process.wait()
        whole = time.monotonic() - begun
        reference = Folder()
        with reference:
            shutil.rmtree(reference.path)
            shutil.move(folder.path, reference.path)
            reference.load()
            ids = {run["run_id"]: ended(run) for run in reference.found()}
        tap.equal(len(ids), RUNS, "without a kill each is a run")
        shutil.copytree(kept, folder.path)
        killed, processes = 0, {number_of(path) for path in glob.glob(f"{kept}/*.run")}
        for number in range(10 * KILLS):
            if killed == KILLS:
                break
            process = subprocess.Popen(words, env=folder.env, stdout=subprocess.DEVNULL)
            time.sleep(random.random() * whole)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            # what it took comes again, processes whole: there is as much to do the next time
            restore(kept, folder.path, random.sample(sorted(processes), len(processes) - number % 7))
        done = folder.load()
        runs = folder.found()
        tap.ok(done.returncode == 0 and not folder.files() and killed == KILLS, f"killed {killed} times, all is taken at last", done)
        counted = collections.Counter(run["run_id"] for run in runs)
        tap.ok(len(runs) == RUNS and set(counted.values()) == {1}, "each run once", len(runs))
        tap.equal(collections.Counter(ended(run) for run in runs), collections.Counter(ids.values()), "as they were")


for user in (0, NOBODY) if os.geteuid() == 0 else (os.geteuid(),):
    with tap.about("root" if user == 0 else "a plain user"):
        check_once(user)
        check_living(user)
if os.geteuid() == 0:
    check_other_boot()
    check_hostile()
else:
    tap.skip("hostile files, other boots", "needs root")
check_killed()
tap.done()
