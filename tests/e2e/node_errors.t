#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What can be wrong with a node: one clear sentence and the way out, no crash, nothing left behind."""
import os
import subprocess
import time

import node
import tap

node.require()


def refused(n, name, *words, prefix=(), arguments=("--foreground",), code=3):
    result = subprocess.run([*prefix, node.program("runmarkd"), "--config", n.conf, *arguments], capture_output=True,
                            text=True, timeout=60)
    said = result.stderr.strip()
    lines = [line for line in said.splitlines() if "does not see" not in line]
    tap.ok(result.returncode == code and all(w in said for w in words) and len(lines) == 1,
           f"{name}: refused in one sentence", f"status {result.returncode}: {said}")


n = node.Node(ring_mib="1")
n.configure()
with open(n.conf) as conf:
    good = conf.read()


def with_config(text):
    open(n.conf, "w").write(text)


for name, text, *words in (
        ("unknown key", good + "colour = blue\n", "runmark.conf:", "colour"),
        ("ring no power of two", good.replace("ring_mib = 1", "ring_mib = 17"), "ring_mib", "17", "power of two"),
        ("unknown section", good + "[trace]\nx = 1\n", "runmark.conf:", "trace"),
        ("word for a number", good.replace("[track]\n", "[track]\nkeep_days = soon\n"), "keep_days", "soon")):
    with_config(text)
    refused(n, name, *words)
with_config(good)
refused(n, "two things at once", "exclude each other", arguments=("--check-config", "--unload"), code=2)
os.makedirs(f"{n.state}/lock")
refused(n, "a lock that is a folder", f"cannot lock {n.state}/lock: Is a directory")
os.rmdir(f"{n.state}/lock")
with open("/dev/full", "w") as full:
    done = subprocess.run([n.daemon, "--config", n.conf, "--check-config"], stdout=full, stderr=subprocess.PIPE, text=True)
tap.ok(done.returncode == 3 and "No space left" in done.stderr, "a configuration that can't be printed", done.stderr)
refused(n, "no such hook", "--hook", arguments=("--hook", "exec=magic"), code=2)
with_config(good.replace(n.pin, f"{n.top}/pin"))
refused(n, "pins not on bpffs", "mount -t bpf")
with_config(good.replace(f"spool = {n.spool}", "spool = /proc/nowhere"))
refused(n, "spool that can't be made", "/proc/nowhere")
with_config(good)
os.chmod(n.top, 0o755)
refused(n, "not root", "root", prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
tap.ok(not os.path.exists(n.pin), "a refused start leaves no pins", n.pin)
n.start()
refused(n, "a second daemon", "another runmarkd", str(n.process.pid))
other = node.Node(ring_mib="1")
other.pin = n.pin
other.configure()
refused(other, "a second daemon on the same pins", "another runmarkd", n.pin)
refused(other, "unload of another's pins", "is running", arguments=("--unload",))
subprocess.run(["rm", "-rf", other.top])
refused(n, "unload while it runs", "is running", arguments=("--unload",))
n.stop()
# another ring: what is pinned hands over, and what waits in it is told
subprocess.run(["/bin/true", f"handed-over-{os.getpid()}"])
with_config(good.replace("ring_mib = 1", "ring_mib = 2"))
n.keys["ring_mib"] = "2"
n.start()
n.stop()
tap.equal(len([r for r in n.runs() if r["argv"] and r["argv"][-1] == f"handed-over-{os.getpid()}"]), 1,
          "what waited in a ring that is replaced is recorded")
result = n.unload()
tap.equal((result.returncode, os.path.exists(n.pin)), (0, False), "unload removes the pins")
output = subprocess.run([node.program("runmarkd"), "--config", n.conf], capture_output=True, timeout=60)
pid = n.status()["pid"]
tap.equal((output.returncode, os.readlink(f"/proc/{pid}/fd/1"), os.readlink(f"/proc/{pid}/fd/2")),
          (0, "/dev/null", f"{n.state}/log"), "in the background it lets go of its caller's pipes")
os.kill(pid, 15)
while os.path.exists(f"/proc/{pid}"):
    time.sleep(0.05)
n.unload()
result = n.unload()
tap.ok(result.returncode == 0 and "nothing is pinned" in result.stderr, "and says so when there are none")

# a spool on a disk that is full for a while: nothing is lost, nothing crashes
subprocess.run(["rm", "-rf", n.state])  # or what ended while nothing was loaded is missed, rightly
os.makedirs(n.spool, exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0750", "tmpfs", n.spool], check=True)
try:
    n.start()
    filler = open(f"{n.spool}/filler", "wb", buffering=0)
    try:
        while True:
            filler.write(b"x" * 4096)
    except OSError:
        pass
    count = 397
    for i in range(count):
        subprocess.run(["/bin/true", f"full-{os.getpid()}-{i}"])
    time.sleep(1.5)
    status = n.status()
    tap.ok(any("cannot be written" in e for e in status["errors"]), "full disk: status says so", status["errors"])
    filler.close()
    os.truncate(f"{n.spool}/filler", 0)
    n.flush()
    runs = [r for r in n.runs() if r["argv"] and r["argv"][-1].startswith(f"full-{os.getpid()}-")]
    tap.equal((len(runs), len({r["run_id"] for r in runs})), (count, count), "full disk: when there is room again, every run is there, once")
    tap.equal(n.status()["errors"], [], "and the error is gone")
    n.check_sequence()
    # a process from before tracking may end before the scan comes to it: that is all that may be unknown
    tap.equal(node.lost(n.status()["lost"]), {}, "nothing is counted as lost")
finally:
    n.stop()
    subprocess.run(["umount", n.spool])
    n.unload()
    subprocess.run(["rm", "-rf", n.top])
tap.done()
