#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The spool's folder is moved away, deleted, mounted over, opened to everybody: the daemon goes by its name, says what is
wrong, and nothing is lost."""
import os
import shutil
import subprocess
import time

import node
import tap

node.require()
tag = f"moved-{os.getpid()}"
ran = 0


def spawn(count):
    global ran
    for _ in range(count):
        subprocess.run(["/bin/true", tag, str(ran)])
        ran += 1


def wait_for(what):
    deadline = time.monotonic() + 15
    while not what() and time.monotonic() < deadline:
        time.sleep(0.1)
    return what()


def open_here(n):
    return [name for name in os.listdir(n.spool) if name.endswith(".tmp")] if os.path.exists(n.spool) else []


with node.Node() as n:
    away = f"{n.top}/away"
    tap.equal(os.stat(n.spool).st_mode & 0o7777, 0o750, "a spool that it makes has mode 0750")

    def moved():
        os.rename(n.spool, away)
        os.mkdir(n.spool, 0o750)

    def deleted():
        shutil.rmtree(n.spool)
        os.mkdir(n.spool, 0o750)

    def mounted():
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0750", "tmpfs", n.spool], check=True)

    def emptied():
        for name in os.listdir(n.spool):
            os.unlink(f"{n.spool}/{name}")

    for change in (moved, deleted, emptied, mounted):
        spawn(13)
        wait_for(lambda: open_here(n))
        change()
        tap.ok(wait_for(lambda: open_here(n)), f"{change.__name__}: the open file comes along")
        spawn(13)
    tap.equal(os.listdir(away), [], "and is left nowhere else")
    subprocess.run(["umount", "-l", n.spool], check=True)
    wait_for(lambda: open_here(n))
    shutil.rmtree(n.spool)
    spawn(13)
    tap.ok(wait_for(lambda: any("make the folder again" in e for e in n.status()["errors"])), "not there: status says so",
           n.status()["errors"])
    os.mkdir(n.spool, 0o750)
    tap.ok(wait_for(lambda: not n.status()["errors"]), "there again: it goes on by itself", n.status()["errors"])
    os.chmod(n.spool, 0o777)
    tap.ok(wait_for(lambda: any("chmod o-w" in e for e in n.status()["errors"])), "open to everybody: status says so",
           n.status()["errors"])
    os.chmod(n.spool, 0o750)
    tap.ok(wait_for(lambda: not n.status()["errors"]), "closed again: it goes on by itself", n.status()["errors"])
    spawn(13)
    n.flush()
    runs = sorted(int(r["argv"][2]) for r in n.runs() if r["argv"] and r["argv"][1:2] == [tag])
    tap.equal(runs, list(range(ran)), "every run is there, once")
    n.check_sequence()
    n.validate()
    n.stop()
    os.chmod(n.spool, 0o777)
    done = subprocess.run([n.daemon, "--config", n.conf, "--foreground"], capture_output=True, text=True, timeout=60)
    tap.ok(done.returncode == 3 and "everybody may write" in done.stderr, "a start with an open spool is refused", done.stderr)
    os.chmod(n.spool, 0o750)
    os.chown(n.spool, 65534, -1)
    n.start()
    tap.ok("owned by user 65534" in n.log(), "another user's spool is told of", n.log())
tap.done()
