#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which source is in use, what is said of it, and both at once: a process that both see is one record."""
import collections
import json
import os
import shutil
import subprocess
import time

import node
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
COUNT = 53
MANY = 211


def load(n, count, seed, **more):
    for name in ("spawn", "ending"):
        subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{HERE}/{name}.c"], check=True)
    return subprocess.run([f"{n.top}/spawn", str(count), str(seed), f"{n.top}/ending"], check=True, text=True,
                          stdout=subprocess.PIPE, **more).stdout


def both():
    with node.Node(rules=("full",)) as n:
        output = load(n, COUNT, 11, env=n.environment())
        output += load(n, COUNT, 13)
        # who opts out does so in both
        subprocess.run([f"{n.top}/ending", "opted-out", "exit 0"], env=n.environment(RUNMARK_TRACKING="no"))
        n.flush()
        status = n.status()
        tap.equal((status["source"], status["ends"]), ("bpf", []), "the kernel side is in use")
        runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending"]
        want = collections.Counter((int(line.split()[0]), line.split(" ", 3)[3]) for line in output.splitlines())
        got = collections.Counter((r["pid"], r["argv"][2]) for r in runs)
        tap.ok(sum(want.values()) == 2 * COUNT and got == want, "each process is one record", (want - got, got - want))
        tap.ok(all(r["exit"] and r["exe"]["build_id"] and not r["incomplete"] for r in runs), "and whole", [r["incomplete"] for r in runs if r["incomplete"]][:3])
        tap.equal({r["source"] for r in runs}, {"bpf"}, "each is the kernel side's record")
        tap.ok(status["messages"]["joined"] >= COUNT, "what programs told was joined", status["messages"])
        tap.ok(not any("opted-out" in (r["argv"] or ()) for r in runs), "nothing of who opted out", runs[-1:])
        tap.equal(node.lost(status["lost"]), {}, "nothing is lost")
        n.check_sequence()
        n.validate()


def auto():
    """Where BPF can't be used, and why, is said everywhere."""
    n = node.Node(source="auto", rules=("full",), scan="no")
    n.pin = f"{n.top}/pin"  # not on a BPF file system
    with n:
        status = n.status()
        tap.equal(status["source"], "preload", "auto falls back")
        tap.ok("mount -t bpf" in n.log() and "source = preload" in n.log(), "the log says why", n.log())
        tap.ok(any("BPF cannot be used" in e and "mount -t bpf" in e for e in status["errors"]), "status says why", status["errors"])
        done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf], capture_output=True, text=True).stdout
        tap.ok("warn  errors: BPF cannot be used" in done and "socket: " in done, "doctor says why, and looks at what is needed", done)
        n.stop()
        told = n.records("node")[0]
        tap.ok(told["source"] == "preload" and "mount -t bpf" in told["source_reason"], "node records say why", told)
        n.validate()


def unable():
    """On a kernel that can't load the kernel side."""
    with node.Node(source="auto", scan="no") as n:
        status = n.status()
        tap.equal(status["source"], "preload", "auto falls back")
        tap.ok(any("BPF cannot be used" in e for e in status["errors"]), "status says so", status["errors"])
        done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf], capture_output=True, text=True).stdout
        tap.ok("fail  kernel types: " in done, "doctor says why", done)


def refused():
    """What must work fails; what was asked for twice, too."""
    n = node.Node(source="bpf")
    n.pin = f"{n.top}/pin"
    for source, arguments, words in (("bpf", (), "mount -t bpf"), ("auto", ("--hook", "exec=tracepoint"), "mount -t bpf"),
                                     ("preload", ("--hook", "exec=tracepoint"), "--hook")):
        n.source = source
        n.configure()
        done = subprocess.run([n.daemon, "--config", n.conf, "--foreground", *arguments], capture_output=True, text=True, timeout=60)
        tap.ok(done.returncode == 3 and words in done.stderr, f"source = {source} {' '.join(arguments)}: refused", done.stderr)
    subprocess.run(["rm", "-rf", n.top])


def pins():
    """A kernel side that goes on with nobody to drain it."""
    n = node.Node(rules=("full",), scan="no")
    try:
        n.start()
        n.kill()
        n.source = "preload"
        n.start()
        tap.ok("still attached" in n.log() and "--unload" in n.log(), "the log says what to do", n.log())
        tap.ok(any("still attached" in e for e in n.status()["errors"]), "so does status", n.status()["errors"])
        n.stop()
        n.unload()
        n.start()
        tap.equal(n.status()["errors"], [], "and then it is done")
        n.source = "bpf"
        n.stop()
        n.start()
        tap.equal(n.status()["source"], "bpf", "back to the kernel side")
    finally:
        n.__exit__()


def switch():
    """From one source to the other and back, with a process that lives through all: it is one run."""
    n = node.Node(rules=("full",))
    try:
        n.start()
        living = subprocess.Popen(["sleep", "600"], env=n.environment())
        for source in ("preload", "bpf"):
            time.sleep(0.3)
            n.stop()
            n.unload()
            n.source = source
            n.start()
        living.terminate()
        living.wait()
        n.flush()
        runs = [r for r in n.runs() if r["pid"] == living.pid]
        tap.equal([(r["source"], r["exit"] and r["exit"].get("name")) for r in runs], [("bpf", "SIGTERM")], "one record, with its end")
        n.validate()
    finally:
        n.__exit__()


def user():
    """A daemon of a user's own, who is not root."""
    n = node.Node(source="preload", rules=("full",), scan="no")
    os.chown(n.top, 65534, 65534)
    n.configure()
    os.chown(n.drop, 65534, 65534)
    with As(n, NOBODY):
        output = load(n, 31, 5, env=n.environment(), preexec_fn=lambda: os.setuid(65534))
        n.flush()
        runs = [r for r in n.runs() if r["exe"]["path"] == f"{n.top}/ending"]
        want = collections.Counter((int(line.split()[0]), line.split(" ", 3)[3]) for line in output.splitlines())
        got = collections.Counter((r["pid"], r["argv"][2]) for r in runs)
        tap.ok(got == want, "every program is recorded once", (want - got, got - want))
        tap.equal({(r["uid"], r["user"]) for r in runs}, {(65534, "nobody")}, "as that user's")
        known = [r["exit"] for r in runs if r["exit"]]
        print(f"# {len(known)} of {len(runs)} exits are known, by {n.status()['hooks'][3]['rung']}")
        tap.equal(os.stat(n.spool).st_mode & 0o7777, 0o700, "the spool is private")
        words = [line for line in n.log().splitlines() if "does not see" not in line]
        tap.equal(words, [], "nothing is warned of")
        told = subprocess.run([*NOBODY, node.program("runmark"), "doctor"], env=dict(os.environ, RUNMARK_CONF=n.conf),
                              capture_output=True, text=True, check=False).stdout
        tap.ok(f" {n.spool} (mode 0700)" in told and f" {n.drop} (mode 1733)" in told, "nor are the user's own folders, by doctor", told)
        n.validate()


def coverage():
    """Programs that tell nothing are a gap: counted by who can, else for as long as nobody could."""
    # the connector is of the first network namespace
    for can, prefix in ((True, ()), (False, ("unshare", "--net", *NOBODY))):
        n = node.Node(source="preload", rules=("full",), scan="no")
        n.configure()
        for path in (n.top, n.drop) if prefix else ():
            os.chown(path, 65534, 65534)
        with As(n, prefix):
            subprocess.run(["gcc", "-static", "-O1", "-o", f"{n.top}/ending", f"{HERE}/ending.c"], check=True)
            for _ in range(COUNT):
                subprocess.run([f"{n.top}/ending", "unseen", "exit 0"], check=True)
            n.stop()
            started, stopped = n.records("node")
            if can and not stopped["hooks"]["untold"]:
                tap.skip("untold execs", "no process connector here")
                continue
            database = f"sqlite:{n.top}/a.db"
            subprocess.run([node.program("runmark-ingest"), "--db", database, n.spool], check=True, stdout=subprocess.DEVNULL)
            done = subprocess.run([node.program("runmark"), "report", "coverage", "--db", database, "--by", "gap", "--format", "json"],
                                  capture_output=True, text=True)
            gaps = [json.loads(line) for line in done.stdout.splitlines()]
            told = [(g["cause"], g["hides"]) for g in gaps]
            if can:
                tap.ok(told == [("exec_untold", "perhaps runs")] and gaps[0]["count"] >= COUNT, "execs of the last moment count", gaps)
            else:
                tap.ok(told == [("not_seen", "perhaps runs")] and gaps[0]["duration_s"] > 0, "without the connector: one gap", gaps)
            n.validate()


def few_descriptors():
    """More programs than the daemon may have descriptors of: they are looked at in turn, and a flush has all that ended before it."""
    n = node.Node(source="preload")
    with As(n, ("prlimit", "--nofile=64")):
        subprocess.run(["bash", "-c", f"for i in {{1..{MANY}}}; do sleep 1 & done; wait"], env=n.environment(), check=True)
        n.flush()
        ends = [r["exit"] for r in n.runs() if r["exe"]["path"] == os.path.realpath(shutil.which("sleep"))]
        tap.equal(ends, [{"code": 0}] * MANY, "each program's end")


class As:
    """A node in another way."""

    def __init__(self, n, prefix):
        self.n, self.prefix = n, prefix

    def __enter__(self):
        return self.n.start(prefix=self.prefix)

    def __exit__(self, *args):
        self.n.__exit__(*args)


if os.geteuid():
    tap.skip("sources", "needs root")
    tap.done()
lacking = node.can_track()
anywhere = auto, refused, user, coverage, few_descriptors
for part in (both, pins, switch, *anywhere) if not lacking else (unable, *anywhere):
    with tap.about(part.__name__):
        part()
if lacking:
    tap.skip("both sources at once", lacking)
tap.done()
