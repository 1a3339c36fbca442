#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Spools that have their quota, whose disk is full, or stopped: nothing is lost uncounted, and it ends by itself."""
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time

import node
import tap

node.require()


class Load(threading.Thread):
    """Programs one after the other until told to stop; all of them have ended then."""

    def __init__(self, path):
        super().__init__()
        self.path, self.count, self.on = path, 0, True
        self.start()

    def run(self):
        while self.on:
            subprocess.run([self.path, str(self.count)])
            self.count += 1

    def stop(self):
        self.on = False
        self.join()
        return self.count


def check(n, path, count, name, dropped=0):
    """Every one of them is there, once, but those dropped."""
    runs = [r for r in n.runs() if r["exe"]["path"] == path]
    tap.equal((len(runs) + dropped, len({r["run_id"] for r in runs})), (count, len(runs)), f"{name}: spawned = recorded + dropped ({dropped})")
    return runs


def lost(n):
    # a process from before tracking may end before the scan comes to it
    return node.lost(n.status()["lost"])


def program(n, name):
    # a long name: its records are long
    folder = f"{n.top}/{'long-' * 40}"
    os.makedirs(folder, exist_ok=True)
    shutil.copy("/bin/true", f"{folder}/{name}")
    return f"{folder}/{name}"


# --- the quota, reached under load; the loader takes files away, and it goes on
n = node.Node(spool_quota_mib="4")
n.rules = [f"ignore path!={n.top}/*"]
os.makedirs(n.spool)
filler = f"{n.spool}/filler.jsonl"
with open(filler, "wb") as file:
    file.write(b"x" * (3900 << 10))
with n:
    path = program(n, "quota")
    load = Load(path)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not n.status()["lost"]["spool_quota"]:
        time.sleep(0.1)
    time.sleep(1)
    status = n.status()
    size = sum(os.stat(f"{n.spool}/{f}").st_blocks * 512 for f in os.listdir(n.spool))
    tap.ok(any("quota of 4 MiB" in e for e in status["errors"]), "status says so", status["errors"])
    tap.ok(size < (4 << 20) + 65536, "the spool is no larger than its quota", size)
    os.unlink(filler)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and n.status()["errors"]:
        time.sleep(0.1)
    before = n.status()["lost"]["spool_quota"]
    time.sleep(0.5)
    tap.equal((n.status()["lost"]["spool_quota"], n.status()["errors"]), (before, []), "when files are taken away, it goes on by itself")
    count = load.stop()
    n.flush()
    dropped = n.status()["lost"]["spool_quota"]
    runs = check(n, path, count, "quota", dropped)
    records = [int(r["seq"]) for r in n.records() if "seq" in r]
    tap.equal(max(records) - len(records), dropped, "the numbers of records say the same")
    tap.equal(lost(n), {"spool_quota": dropped}, "nothing else is lost")

# --- a disk that is full for ten seconds, and one that is stopped
n = node.Node()
n.rules = [f"ignore path!={n.top}/*"]
n.configure()
image = f"{n.top}/disk"
os.makedirs(n.spool)
try:
    with open(image, "wb") as file:
        file.truncate(192 << 20)  # room for what a fast machine runs meanwhile
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, n.spool]).returncode:
        tap.skip("full and stopped disks", "a file can't be mounted here")
        tap.done()
    n.start()
    path = program(n, "full")
    filler = open(f"{n.spool}/filler", "wb", buffering=0)
    try:
        while True:
            filler.write(b"x" * 65536)
    except OSError:
        pass
    load = Load(path)
    time.sleep(10)
    tap.ok(any("cannot be written" in e for e in n.status()["errors"]), "full: status says so", n.status()["errors"])
    filler.close()
    os.unlink(f"{n.spool}/filler")
    time.sleep(2)
    tap.equal(n.status()["errors"], [], "full: when there is room again, it goes on by itself")
    count = load.stop()
    n.flush()
    check(n, path, count, "full for ten seconds")
    path = program(n, "stopped")
    subprocess.run(["fsfreeze", "-f", n.spool], check=True)
    try:
        load = Load(path)
        time.sleep(3)
        begin = time.monotonic()
        n.status()
        tap.ok(time.monotonic() - begin < 1, "stopped: the daemon answers", time.monotonic() - begin)
        count = load.stop()
    finally:
        subprocess.run(["fsfreeze", "-u", n.spool], check=True)
    n.flush()
    check(n, path, count, "stopped for three seconds")
    tap.equal(lost(n), {}, "nothing is lost")
    # --- nothing ends a thread that hangs in a disk: all the same the daemon lets go of its lock
    subprocess.run(["fsfreeze", "-f", n.spool], check=True)
    try:
        path = program(n, "last")
        for _ in range(7):
            subprocess.run([path])
        time.sleep(1.5)
        n.process.send_signal(signal.SIGKILL)
        deadline, free = time.monotonic() + 10, False
        with open(f"{n.state}/lock") as lock:
            while not free and time.monotonic() < deadline:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    free = True
                except BlockingIOError:
                    time.sleep(0.05)
        tap.ok(free, "killed while the disk is stopped: the lock is free")
    finally:
        subprocess.run(["fsfreeze", "-u", n.spool], check=True)
    n.process.wait(10)
    n.start()
    n.flush()
    check(n, path, 7, "and the next daemon writes what was missing")
    n.check_sequence()
    n.validate()
finally:
    n.stop()
    n.unload()
    subprocess.run(["umount", n.spool])
    shutil.rmtree(n.top, ignore_errors=True)
tap.done()
