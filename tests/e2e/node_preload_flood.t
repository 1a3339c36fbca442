#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile messages: the daemon lives, within bounds, counts them by cause, and another user's programs lose nothing."""
import array
import collections
import os
import random
import socket
import sqlite3
import struct
import subprocess
import time

import node
import tap

GOOD, BAD = 61001, 61003
COUNT = 211
PIECE = 16384
LINK, RUN = 1, 2
if os.geteuid():
    tap.skip("floods", "needs root, to be two users")
    tap.done()
HERE = os.path.dirname(os.path.abspath(__file__))


def datagram(payload, kind=RUN, magic=0x314b4d52, number=7, total=None, offset=0):
    return struct.pack("=IIQII", magic, kind, number, len(payload) if total is None else total, offset) + payload


def message(items=b"", phase=1, magic=0x014e5552, size=None, number=0):
    head = struct.pack("=IIIIQQ", magic, phase, 32 + len(items) if size is None else size, 1, number or random.getrandbits(64), 5)
    return head + items


def item(kind, data, length=None):
    return struct.pack("=HHI", kind, 0, len(data) if length is None else length) + data + b"\0" * (-len(data) % 8)


REFUSED = {  # what makes no sense, and is said to be so by one of the counts
    "nothing": b"", "less than a head": b"RMK1", "another magic": datagram(message(), magic=1), "no such kind": datagram(message(), kind=3),
    "longer than said": datagram(message(), total=5), "shorter than said": datagram(message(), total=500),
    "a place that is none": datagram(message(), total=100000, offset=17), "behind its end": datagram(message(), total=20, offset=PIECE),
    "over its size": datagram(b"x" * PIECE, total=161 * 1024), "a message of no magic": datagram(message(magic=3)),
    "no phase": datagram(message(phase=9)), "an end by itself": datagram(message(phase=2)),
    "another size": datagram(message(size=31)), "a size beyond": datagram(message(size=1 << 31)),
    "an item beyond": datagram(message(item(3, b"/bin/x", length=1 << 20))), "an item of all": datagram(message(item(7, b"a\0", length=0xffffffff))),
    "a piece without its first": datagram(b"y" * 10, number=99, total=PIECE + 10, offset=PIECE),
}


def refused(n):
    """Each of them is counted, and nothing else comes of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(f"{n.state}/runmark.sock")
        for name, data in REFUSED.items():
            before = counted(n)
            s.send(data)
            deadline = time.monotonic() + 10
            while counted(n) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            tap.equal(counted(n) - before, 1, f"{name}: counted once")
        said = [line for line in n.log().splitlines() if "message_refused" in line]
        tap.ok(len(said) == 1 and f"process {os.getpid()} of user {os.geteuid()} " in said[0], "the log names the first's sender, once", said)
        if hasattr(socket, "SCM_RIGHTS"):
            before = counted(n)
            try:
                s.sendmsg([datagram(message())], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
                came = True
            except PermissionError:
                came = False
            time.sleep(0.2)
            tap.ok(not came or counted(n) == before + 1, "a descriptor: refused to its sender, or counted", (came, counted(n) - before))


def counted(n):
    lost = n.status()["lost"]
    return lost["run_refused"] + lost["message_refused"]


def forged(n):
    """Another one's pid: only root may say so."""
    code = f"""
import os, socket, struct
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect({n.state + "/runmark.sock"!r})
try:
    s.sendmsg([{datagram(message())!r}], [(socket.SOL_SOCKET, 2, struct.pack("iII", {os.getpid()}, {BAD}, {BAD}))])
    print("sent")
except PermissionError:
    print("refused")
"""
    done = subprocess.run(["setpriv", f"--reuid={BAD}", f"--regid={BAD}", "--clear-groups", "/usr/bin/python3", "-c", code],
                          capture_output=True, text=True, cwd="/")
    tap.equal(done.stdout, "refused\n", "another process's credentials are refused by the kernel")


FLOOD = r"""
import os, random, socket, struct, sys, time
exec(sys.stdin.read())
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
s.setblocking(False)
sent, until = 0, time.monotonic() + float(sys.argv[2])
kinds = list(REFUSED.values())
while time.monotonic() < until:
    which = random.randrange(4)
    data = (random.choice(kinds) if which == 0 else datagram(b"z" * PIECE, number=random.getrandbits(60), total=150000) if which == 1
            else datagram(message(item(7, b"fake\0" * 20) + item(3, b"/tmp/fake"))) if which == 2 else datagram(os.urandom(random.randrange(1, 3000))))
    try:
        s.send(data)
        sent += 1
    except OSError:
        pass
print(sent)
"""


def rss(n):
    return next(int(line.split()[1]) for line in open(f"/proc/{n.process.pid}/status") if line.startswith("VmRSS"))


def flood(n):
    """One user floods, with whole, half and senseless messages, while another one's programs run."""
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{HERE}/{name}.c"], check=True)
    source = "".join(open(__file__).read().partition("def datagram")[1:]).partition("\n\ndef refused")[0]
    source = f"PIECE, RUN = {PIECE}, {RUN}\n" + source
    before = rss(n)
    floods = [subprocess.Popen(["setpriv", f"--reuid={BAD}", f"--regid={BAD}", "--clear-groups", "/usr/bin/python3", "-c", FLOOD,
                                f"{n.state}/runmark.sock", "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
              for _ in range(2)]
    for process in floods:
        process.stdin.write(source)
        process.stdin.close()
    time.sleep(0.5)
    env = n.environment()
    output = subprocess.run(["setpriv", f"--reuid={GOOD}", f"--regid={GOOD}", "--clear-groups", f"{n.top}/spawn", str(COUNT), "17",
                             f"{n.top}/ending"], check=True, stdout=subprocess.PIPE, text=True, env=env, cwd="/").stdout
    most = max(rss(n) for _ in range(20) if not time.sleep(0.1))
    sent = sum(int(process.stdout.read()) for process in floods)
    for process in floods:
        process.wait()
    time.sleep(2)
    n.flush()
    status = n.status()
    print(f"# {sent} hostile datagrams; VmRSS {before} KiB before, {most} KiB at most; {status['messages']}, {node.lost(status['lost'])}")
    runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending" and r["uid"] == GOOD]
    want = collections.Counter((int(line.split()[0]), line.split(" ", 3)[3]) for line in output.splitlines())
    got = collections.Counter((r["pid"], r["argv"][2]) for r in runs)
    tap.ok(sum(want.values()) == COUNT and got == want, "the other user's programs are recorded, each once", (want - got, got - want))
    tap.equal({r["uid"] for r in n.runs() if (r["argv"] or [""])[0] == "fake"} - {BAD}, set(), "what was made up is its author's")
    tap.ok(sent > 1009 and status["lost"]["run_refused"] > 101, "the flood was one, and is counted", (sent, status["lost"]))
    tap.ok(most - before < 160 * 1024, "memory is bounded", (before, most))
    tap.equal(n.process.poll(), None, "the daemon lives")


MUTATED = r"""
import os, random, socket, struct, sys
exec(sys.stdin.read())
random.seed(5)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
ODD = [0, 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, (1 << 53) - 1, (1 << 53) + 2, 1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
LONG = [b"/" + bytes([c]) * 4095 for c in (1, 34, 97, 255)]
PROCESS = [("Q", 1 << 40), ("Q", 0), ("I", 1), ("I", 1), ("I", 1), ("I", 1), ("I", 0), ("I", 0)] + [("Q", 7)] * 7
FILE = [("Q", 2049), ("Q", 77), ("Q", 9001), ("Q", 17 << 56), ("I", 0), ("I", 0)]
TEXTS = {3: b"/usr/bin/mutated", 4: b"mutated", 5: b"/home/a", 6: b"0::/user.slice", 7: b"mutated\0-n\0", 8: b"LANG=C\0"}
ENV = [b"SLURM_JOB_ID=", b"SLURM_PROCID=", b"SLURM_NTASKS=", b"SLURM_STEP_ID=", b"PMI_RANK=", b"OMPI_COMM_WORLD_RANK=",
       b"OMPI_COMM_WORLD_SIZE=", b"PBS_JOBID=", b"container=", b"APPTAINER_CONTAINER=", b"OMP_" + b"N" * 300 + b"="]

def packed(fields, name, odd):
    return struct.pack("=" + "".join(f for f, _ in fields), *(odd.get((name, i), v) & (1 << 8 * struct.calcsize(f)) - 1
                                                              for i, (f, v) in enumerate(fields)))

def made(odd, phase=1):
    data = item(1, packed(PROCESS, "process", odd)) + item(2, packed(FILE, "file", odd))
    data += b"".join(item(kind, odd.get(kind, text)) for kind, text in TEXTS.items())
    data += item(9, odd.get(9, struct.pack("=BB6x16s64s", 1, 20, b"m" * 16, b"b" * 64)))
    data += item(10, struct.pack("=BB6x16s64s", 1, 20, b"m" * 16, b"b" * 64) + odd.get(10, b"/usr/lib/liba.so"))
    whole = message(data + odd.get("more", b""), phase)
    return whole[:12] + struct.pack("=I", odd.get("pid", os.getpid())) + whole[16:]

number = 0
def send(whole):
    global number
    number += 1
    for at in range(0, len(whole), PIECE):
        s.send(datagram(whole[at:at + PIECE], number=number, total=len(whole), offset=at))

odd = [{("process", i): v} for i in range(len(PROCESS)) for v in ODD] + [{("file", i): v} for i in range(len(FILE)) for v in ODD]
odd += [{("process", i): v for i in range(8, 15)} for v in ODD]
odd += [{kind: text} for kind in TEXTS for text in LONG + [b"", b"\xff\n\x01\"", b"/", b"x" * 300]]
odd += [{5: LONG[3], 4: b"s/" * 2047, 7: b"/bin/sh\0" + b"s/" * 2047 + b"\0"}, {7: b"\0" * 16384}, {8: b"\0" * 300}, {7: b"\x01" * 16384}]
odd += [{8: name + value + b"\0" + name + value} for name in ENV for value in (b"99999999999999999999", b"-1", b"7", b"x" * 300, b"\xff/")]
odd += [{6: b"0::/system.slice/slurmstepd.scope/job_" + value + b"/step_" + value + b"/user/task_" + value}
        for value in (b"7", b"99999999999999999999", b"x" * 200)]
odd += [{10: text} for text in LONG] + [{"more": item(14, struct.pack("=Q", v))} for v in ODD] + [{"pid": v} for v in ODD[:5]]
for change in odd:
    send(made(change))
for _ in range(1009):
    whole = bytearray(made({}))
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(32, len(whole))
        whole[at:at + 8] = random.choice(ODD).to_bytes(8, "little") if random.getrandbits(1) else random.randbytes(min(8, len(whole) - at))
    send(bytes(whole[:8]) + struct.pack("=I", len(whole)) + bytes(whole[12:]))
for value in ODD[2:5] * 23:  # by who is gone when the message is looked at
    if not (child := os.fork()):
        send(made({("process", 2): value, ("process", 4): value}))
        os._exit(0)
    os.waitpid(child, 0)
print(number)
"""


def mutated(n):
    """What no program says of itself: whatever of it becomes a record, the loader takes."""
    n.flush()
    before = len(n.runs())
    source = "".join(open(__file__).read().partition("def datagram")[1:]).partition("\n\nREFUSED")[0]
    done = subprocess.run(["setpriv", f"--reuid={BAD}", f"--regid={BAD}", "--clear-groups", "/usr/bin/python3", "-c", MUTATED,
                           f"{n.state}/runmark.sock"], input=f"PIECE, RUN = {PIECE}, {RUN}\n" + source, stdout=subprocess.PIPE, text=True, cwd="/")
    time.sleep(2)
    n.flush()
    made = len(n.runs()) - before
    print(f"# {done.stdout.strip()} messages, {made} records")
    tap.ok(done.returncode == 0 and made > 701, "most of them became records", (done.returncode, made))
    loaded = subprocess.run([node.program("runmark-ingest"), "--db", f"sqlite:{n.top}/a.db", n.spool], capture_output=True, text=True)
    database = sqlite3.connect(f"{n.top}/a.db")
    found = database.execute("SELECT field, reason, count(*), min(substr(text, 1, 300)) FROM quarantine GROUP BY field, reason").fetchall()
    tap.equal((loaded.returncode, found), (0, []), "the loader takes every record")
    n.validate()


with node.Node(source="preload", rules=("full",), scan="no") as n:
    for part in (refused, forged, flood, mutated):
        with tap.about(part.__name__):
            part(n)
    n.check_sequence()
tap.done()
