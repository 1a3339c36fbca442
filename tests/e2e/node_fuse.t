#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""File systems of users: one that root may not look into, and ones that stop answering."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time

import fuse
import node
import tap

node.require()
if fuse.why_not():
    tap.skip("FUSE", fuse.why_not())
    tap.done()
NOBODY = 65534
READS = """
void _start(void)
{
	char c;
	__asm__ volatile("syscall" : : "a"(0), "D"(0), "S"(&c), "d"(1) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : : "a"(60), "D"(6));
}
"""


def as_nobody(*argv):
    """It goes on until its standard input ends."""
    return subprocess.Popen(argv, user=NOBODY, group=NOBODY, extra_groups=[], stdin=subprocess.PIPE)


def end(*children):
    for child in children:
        child.stdin.close()
        child.wait()


def notes(path):
    """Build-id and watermark as readelf has them."""
    text = subprocess.run(["readelf", "-nW", path], stdout=subprocess.PIPE, text=True).stdout
    build_id = next(line.split(":")[1].strip() for line in text.splitlines() if "Build ID" in line)
    if "RunmarkNote" not in text:
        return build_id, None
    tail = text.split("RunmarkNote", 1)[1].split("description data:", 1)[1].split("\n", 1)[0].replace(" ", "")
    return build_id, "-".join((tail[:8], tail[8:12], tail[12:16], tail[16:20], tail[20:]))


def link(n, name, source, *flags):
    open(f"{n.top}/{name}.c", "w").write(source)
    wrapper = os.path.join(node.TOP, node.BUILD, "libexec", "runmark") + "/"
    subprocess.run(["gcc", f"-B{wrapper}", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c", *flags], check=True,
                   env=dict(os.environ, RUNMARK_CONF=n.conf))
    return f"{n.top}/{name}"


class Tail(threading.Thread):
    """When each run's record arrived, by its pid."""

    def __init__(self, n):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{n.state}/control.sock")
        self.socket.sendall(b"tail\n")
        self.arrived, self.runs = {}, {}
        self.start()

    def run(self):
        for line in self.socket.makefile("rb"):
            record = json.loads(line)
            if record.get("schema") == "runmark.run/1" and record["argv"] and record["argv"][0].startswith("/tmp/runmark-test"):
                self.runs[record["pid"]] = record
                self.arrived[record["pid"]] = time.monotonic()

    def wait(self, pids, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.arrived.keys() >= set(pids):
            time.sleep(0.01)
        return self.arrived.keys() >= set(pids)


def delays(n, tail, name, count):
    """Programs that nobody has looked at yet, each with an object of its own: how long their records take."""
    ended = {}
    for i in range(count):
        for what in ("own.so", "user"):
            shutil.copy(f"{n.top}/{what}", f"{n.top}/{name}-{i}-{what}")
        child = subprocess.Popen([f"{n.top}/{name}-{i}-user", f"{n.top}/{name}-{i}-own.so"])
        child.wait()
        ended[child.pid] = time.monotonic()
        time.sleep(0.05)
    tap.ok(tail.wait(ended, 10), f"{name}: every record arrived", f"{len(tail.arrived.keys() & ended.keys())} of {len(ended)}")
    tap.equal([i for pid in ended for i in tail.runs.get(pid, {}).get("incomplete", [])], [], f"{name}: none of them is incomplete")
    return [tail.arrived[pid] - at for pid, at in ended.items() if pid in tail.arrived]


n = node.Node(workers="2")
n.configure()
own = link(n, "own.so", "int own(void) { return 0; }\n", "-shared", "-fPIC")
user = link(n, "user", "#include <dlfcn.h>\nint main(int c, char **v) { return !dlopen(v[c - 1], RTLD_NOW); }\n")
late = link(n, "late", "#include <dlfcn.h>\n#include <unistd.h>\nint main(int c, char **v) { int r = !dlopen(v[c - 1], RTLD_NOW); read(0, &c, 1); return r; }\n")
bare = link(n, "bare", READS, "-nostdlib", "-static", "-Wl,-z,separate-code")
files = {os.path.basename(p): open(p, "rb").read() for p in (own, user, late, bare)}
wanted = {os.path.basename(p): notes(p) for p in (own, user, late, bare)}
mounts = []
try:
    # --- root may not look
    with fuse.Mount(f"{n.top}/denied", files, uid=NOBODY) as denied:
        before = {name: as_nobody(f"{denied.folder}/{name}", f"{denied.folder}/own.so") for name in ("late", "bare")}
        time.sleep(0.3)
        n.start()
        now = {name: as_nobody(f"{denied.folder}/{name}", f"{denied.folder}/own.so") for name in ("user", "late", "bare")}
        try:
            os.stat(f"{denied.folder}/user")
            tap.ok(False, "root may not look")
        except PermissionError:
            tap.ok(True, "root may not look")
        time.sleep(1.5)  # what the kernel side was not told of is looked at by then
        end(*before.values(), *now.values())
        n.flush()
        runs = {r["pid"]: r for r in n.runs() if (r["exe"]["path"] or "").startswith(denied.folder)}
        sets = n.sets()
        for when, children in (("already runs", before), ("starts", now)):
            for name, child in children.items():
                r = runs.get(child.pid, {"exe": {}, "incomplete": None, "object_set": None})
                tap.equal((r["exe"].get("build_id"), r["exe"].get("watermark")), wanted[name], f"{name} {when} where root may not look: build-id and watermark")
                if name == "late":
                    held = [o for o in sets.get(r["object_set"], {"objects": []})["objects"] if o["path"].startswith(denied.folder)]
                    tap.equal([(o["build_id"], o["watermark"]) for o in held], [wanted["own.so"]], f"{name} {when}: and those of its object")
    # --- some places stop answering
    tail = Tail(n)
    usual = delays(n, tail, "usual", 11)
    mounts = [fuse.Mount(f"{n.top}/hangs-{i}", files, uid=NOBODY, others=True, hang_uid=0) for i in range(19)]  # more than there are threads
    for m in mounts:
        m.hang()
    begin = time.monotonic()
    stuck = [as_nobody(f"{m.folder}/user", f"{m.folder}/own.so") for m in mounts]
    end(*stuck)
    meanwhile = delays(n, tail, "meanwhile", 23)
    tap.ok(statistics.median(meanwhile) < statistics.median(usual) + 0.1 and max(meanwhile) < max(usual) + 0.3,
           f"records of others take {statistics.median(meanwhile):.3f} s, at most {max(meanwhile):.3f}; before {statistics.median(usual):.3f}, {max(usual):.3f}")
    tap.ok(tail.wait([c.pid for c in stuck], 10) and time.monotonic() - begin < 8, "their own arrive when they have been waited for", time.monotonic() - begin)
    for child in stuck:
        r = tail.runs.get(child.pid, {"exe": {}, "incomplete": []})
        tap.ok(r["exe"].get("watermark") == wanted["user"][1] and any(i.startswith("objects: build-id of one not known") for i in r["incomplete"]),
               "and say what is not known", r["incomplete"])
    time.sleep(max(0, begin + 6 - time.monotonic()))  # by now nobody waits for these places any more
    child = as_nobody(f"{mounts[0].folder}/user", f"{mounts[0].folder}/own.so")
    end(child)
    ended = time.monotonic()
    tap.ok(tail.wait([child.pid], 3), "then their records do not wait either", time.monotonic() - ended)
    tap.ok("objects: build-id of one not known: file system does not answer" in tail.runs.get(child.pid, {}).get("incomplete", ()), "and say why",
           tail.runs.get(child.pid))
    lost = n.status()["lost"]
    tap.ok(lost["lookup_late"] >= len(mounts) and lost["lookup_stuck"] >= 1, "counted", lost)
    # --- nothing ends a thread that hangs in a file system: all the same a killed daemon makes room for the next
    old = n.process
    old.send_signal(signal.SIGKILL)
    n.start()
    tap.ok(n.process.pid != old.pid, "after kill -9 with threads that hang, another daemon starts")
    for m in mounts:
        m.go_on()
    old.wait(10)
    time.sleep(0.5)
    child = as_nobody(f"{mounts[1].folder}/user", f"{mounts[1].folder}/own.so")
    end(child)
    n.flush()
    r = next((r for r in n.runs() if r["pid"] == child.pid), {})
    tap.equal(r.get("incomplete"), [], "a place that answers again is trusted again")
    n.validate()
finally:
    for m in mounts:
        m.close()
    n.stop()
    n.unload()
    if "RUNMARK_TEST_KEEP" not in os.environ:
        shutil.rmtree(n.top, ignore_errors=True)
tap.done()
