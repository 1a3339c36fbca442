#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The same 997 runs as BPF and as the preload module see them, field by field.

Two nodes watch the same processes at the same time, one by BPF, one by what the module tells. Each field of a record
has its rule here: equal, equal within so much, or different for a reason that runmark-records(5) gives. Anything else
fails, and so does a difference that is no longer one.
"""
import collections
import itertools
import os
import random

import life
import node
import tap
from life import Life, spawn, unix

RUNS = 997
ALICE = 12345
NEAR_S = 0.05 if life.starts_quickly() else 2
OBJECTS = (2, 3, 5, 7, 11, 23, 41)  # of the programs that are run, the C library and the loader among them

node.require()


# --- what is run

class Mix:
    """RUNS program images of all sorts, one process after the other."""

    def __init__(self, top, conf):
        self.top = top
        self.random = random.Random(RUNS)
        self.main = life.build(top, "life", "gcc", "-O1", "-pthread", conf=conf)
        self.plain = life.build(top, "plain", "gcc", "-O1", source=life.script(f"{top}/plain.c", "int main(void) { return 0; }\n"), conf=conf)
        self.linked = [self.link(count, conf) for count in OBJECTS]
        self.script = life.script(f"{top}/script", "#!/bin/sh\nexit 11\n")
        self.by_env = life.script(f"{top}/by env", "#!/usr/bin/env sh\nexit 12\n")
        self.folders = [top, f"{top}/with space", f"{top}/" + "deep/" * 97, os.fsencode(top) + b"/caf\xe9"]
        for folder in self.folders:
            os.makedirs(folder, exist_ok=True)

    def link(self, count, conf):
        """A program with so many objects, most of them ours and watermarked."""
        source = life.script(f"{self.top}/library.c", "int NAME;\n")
        for i in range(count - 2):
            path = f"{self.top}/lib{i}.so"
            if not os.path.exists(path):
                life.build(self.top, f"lib{i}.so", "gcc", "-shared", "-fPIC", f"-DNAME=runmark_test_{i}", f"-Wl,-soname,lib{i}.so",
                           source=source, conf=conf if i % 2 else None)
        return life.build(self.top, f"objects-{count}", "gcc", source=f"{self.top}/plain.c", conf=conf,
                          libraries=["-Wl,--no-as-needed", f"-L{self.top}", f"-Wl,-rpath,{self.top}",
                                     *(f"-l{i}" for i in range(count - 2))])

    def word(self):
        return self.random.choice((b"", b"-n", b"a b", "naïve".encode(), b"\xff\xfe", b"x" * 997, b"'\"\\\n\t", b"--password=secret"))

    def sorts(self):
        """For ever: (images, argv, how it is spawned)."""
        main, plain, python = self.main, self.plain, "/usr/bin/python3"
        for i in itertools.count():
            yield 1, [main, "exit", str(i % 256), *(self.word() for _ in range(i % 23))], {}
            yield 1, [main, "signal", str((1, 2, 6, 9, 11, 13, 15, 37)[i % 8]), "nocore"], {}
            yield 1, [main, "_exit", "3"], {"env": {"LOADEDMODULES": f"a/{i}:b", "OMP_NUM_THREADS": str(i), "UNKNOWN": "x"}}
            yield 1, [plain], {"before": lambda i=i: os.chdir(self.folders[i % 4])}
            yield 1, [self.linked[i % len(OBJECTS)]], {}
            yield 1, [self.script, "x"], {}
            yield 2, [self.by_env], {}
            yield 2 + i % 3, ["/usr/bin/env", *["env"] * (i % 3), plain], {}
            yield 1, [main, "cannot-exec"], {}
            yield 2, [main, "vfork", plain, "x"], {}
            yield 3, ["/bin/sh", "-c", f"{main} exit 1; {plain}; exit 3"], {}
            yield 1, [main, "ids"], {"uid": ALICE, "gid": ALICE}
            yield 1, [main, "dlopen", f"{self.top}/lib1.so", "exit", "5"], {}
            yield 1, [main, "dlopen", f"{self.top}/lib1.so", "signal", "9", "nocore"], {}
            if i % 3 == 0:
                yield 1, [python, "-c", "import ctypes, json"], {}

    def live(self):
        left, first = RUNS, None
        for images, argv, how in self.sorts():
            if left <= 0:
                return first
            if images > left:
                images, argv, how = 1, [self.plain], {}
            left -= images
            pid = spawn(*argv, **how)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its pid stays its own
            first = first or pid


# --- how records are compared

class Rule:
    """how(bpf, preload, pair) says whether the two values may stand beside each other. reason: why they differ at all. most:
    what 98 of 100 must keep to: a machine that has much to do may let a process wait anywhere."""

    def __init__(self, text, how, reason=None, most=None):
        self.how, self.text, self.reason, self.most = how, text, reason, most


def equal(a, b, pair):
    return a == b


def within(low, high):
    """The module's number is so much more."""
    return lambda a, b, pair: a == b or (a is not None and b is not None and low <= b - a <= high)


def known(how):
    """Unless the end was too early for the module's node to learn of any usage, which the record says."""
    return lambda a, b, pair: pair.lacks(NO_USAGE) if pair.records[1]["usage"] is None else how(a, b, pair)


def later(low, high):
    return lambda a, b, pair: a and b and low <= unix(b) - unix(a) <= high


def is_null(named):
    """Of the module, and "incomplete" says so."""
    return lambda a, b, pair: b is None and pair.lacks(named)


def forks(a, b, pair):
    return a == b if HOOKS["fork"] == "connector" else is_null(NO_FORKS)(a, b, pair)


def parent(a, b, pair):
    """The run of the same process."""
    return (a is None) == (b is None) and pair.parents.setdefault(a, b) == b


def objects(a, b, pair):
    """All, but for what was loaded later where the record says that this isn't known."""
    return a == b or (set(b) < set(a) and pair.lacks(NO_OBJECTS))


def object_set(a, b, pair):
    """Who has run for a second is looked at again: then objects come in the order of their addresses."""
    are_same = pair.fields(0)["objects"] == pair.fields(1)["objects"]
    return (a == b) == are_same or (are_same and pair.records[1]["elapsed_s"] >= 1)


def incomplete(a, b, pair):
    """The module's names more, each of these."""
    gaps = [text for text in NOT_TOLD if text != NO_FORKS or HOOKS["fork"] != "connector"]
    return set(a) - {HIDDEN} <= set(b) and all(text in a or text in gaps for text in b)


HOOKS = {}  # of the module's node: who tells of what
NO_USAGE = "usage: not known"
NO_FSTYPE = "exe.fstype: not told by the module"
NO_FORKS = "usage.forks: not known, nor what copies used"
NO_PEAK = "usage.max_rss: not known"
OWN_CGROUP = "job: its control group is its own word"
NO_OBJECTS = "objects: those it opened later are not known"
HIDDEN = "usage.max_rss: hidden behind an earlier program of the process"
NOT_TOLD = (NO_USAGE, NO_FSTYPE, NO_FORKS, NO_PEAK, OWN_CGROUP, NO_OBJECTS, "exit.oom: not known")
IDS = "a run id is made of the exec's number in its process, which user space can't know"
BEFORE = "what it used before the module was loaded isn't told, and of a next program is"
ALIKE = ("schema host cluster boot_id origin job cgroup container pid ppid uid euid gid login_uid user script argv argv_b64 cwd cwd_b64 env env_set "
         "mpi exit exe.path exe.path_b64 exe.requested exe.requested_b64 exe.build_id exe.watermark exe.watermark_state "
         "exe.inode exe.owner_uid exe.size exe.mtime")
RULES = {
    **{name: Rule("equal", equal) for name in ALIKE.split()},
    "source": Rule("differs", lambda a, b, pair: (a, b) == ("bpf", "preload"), "who saw it"),
    "seq": Rule("differs", lambda a, b, pair: True, "each node counts its own"),
    "run_id": Rule("differs", lambda a, b, pair: a != b and a[14] == b[14] == "8", IDS),
    "next_run_id": Rule("differs, is of the same process", lambda a, b, pair: pair.next_pid(0) == pair.next_pid(1), IDS),
    "parent_run_id": Rule("differs, is of the same process", parent, IDS),
    "start": Rule(f"at most {NEAR_S} s later", later(0, 10), "programs tell when their libraries are loaded", later(0, NEAR_S)),
    "end": Rule(f"within {NEAR_S} s", later(-10, 10), "it is the kernel's end of the process, or the next program's begin", later(-NEAR_S, NEAR_S)),
    "elapsed_s": Rule(f"within {NEAR_S} s", within(-10, 10), "by start and end", within(-NEAR_S, NEAR_S)),
    "exe.device": Rule("equal, but on overlays", lambda a, b, pair: a == b or pair.records[0]["exe"]["fstype"] == "overlay"),
    "exe.fstype": Rule("not known", is_null(NO_FSTYPE), "it is no system call's answer but the mount table's"),
    "namespaces": Rule("equal, or not known", lambda a, b, pair: b is None or a == b),
    "usage.forks": Rule("equal, where the connector tells of forks", known(forks)),
    "usage.user_s": Rule(f"within {NEAR_S} s", known(within(-NEAR_S, NEAR_S)), BEFORE),
    "usage.system_s": Rule(f"within {NEAR_S} s", known(within(-NEAR_S, NEAR_S)), BEFORE),
    "usage.minor_faults": Rule("less, or a few more", known(within(-5000, 100)), BEFORE),
    "usage.major_faults": Rule("equal, or less", known(within(-500, 0))),
    "usage.read_bytes": Rule("equal, or less", known(within(-50 << 20, 0))),
    "usage.write_bytes": Rule("equal, or less", known(within(-50 << 20, 0))),
    "usage.max_rss": Rule("within 1 MiB, or not known",
                            known(lambda a, b, pair: within(-1 << 20, 1 << 20)(a, b, pair) or is_null(NO_PEAK)(a, b, pair)),
                            "taskstats' peak lacks the pages that a CPU has not yet added up" if life.kernel() >= (6, 2) else None),
    "objects": Rule("equal, but for those that were opened later", objects, "who ends by a signal, or at once, doesn't tell them"),
    "object_set": Rule("as the objects, or in another order", object_set, "a hash of them"),
    "incomplete": Rule("names what isn't known", incomplete, "as said here"),
}


class Pair:
    """The two records of a run. parents: for all pairs, BPF's run id of a parent and the module's."""

    def __init__(self, bpf, preload, sets, runs, parents):
        self.records, self.sets, self.runs, self.parents = (bpf, preload), sets, runs, parents

    def lacks(self, text):
        return text in self.records[1]["incomplete"]

    def next_pid(self, of):
        run = self.runs[of].get(self.records[of].get("next_run_id"))
        return run and run["pid"]

    def fields(self, of):
        record = self.records[of]
        flat = {}
        for key, value in record.items():
            if key == "usage" and value is None:
                flat.update({f"usage.{k}": None for k in self.records[1 - of]["usage"] or {}})
            elif key in ("exe", "usage") and value:
                flat.update({f"{key}.{k}": v for k, v in value.items()})
            else:
                flat[key] = value
        flat["env"] = self.sets[of][record["env_set"]]["env"] if record["env_set"] else None
        objects = self.sets[of][record["object_set"]]["objects"] if record["object_set"] else []
        flat["objects"] = sorted((o["path"], o["build_id"], o["watermark"]) for o in objects)
        return flat


def pairs_of(bpf, preload, sets):
    """By pid, and in the order of their start; what has no other is left over."""
    runs = tuple({r["run_id"]: r for r in records} for records in (bpf, preload))
    found, alone, parents = [], [], {}
    by_pid = collections.defaultdict(lambda: ([], []))
    for of, records in enumerate((bpf, preload)):
        for r in sorted(records, key=lambda r: r["start"]):
            by_pid[r["pid"]][of].append(r)
    for lists in by_pid.values():
        if len(lists[0]) != len(lists[1]):
            alone.append(tuple([(r["source"], r["origin"], r["exe"]["path"], r["argv"], r["start"]) for r in records] for records in lists))
        else:
            found += [Pair(a, b, sets, runs, parents) for a, b in zip(*lists)]
    return found, alone


def compare(pairs):
    """What each rule made of the pairs."""
    count = collections.Counter()
    wrong, outliers = collections.defaultdict(list), collections.Counter()
    for pair in pairs:
        a, b = pair.fields(0), pair.fields(1)
        for field in sorted(a.keys() | b.keys()):
            rule = RULES.get(field)
            alike = rule and rule.how(a.get(field), b.get(field), pair)
            outliers[field] += bool(rule and rule.most and not rule.most(a.get(field), b.get(field), pair))
            count[field, a.get(field) == b.get(field)] += 1
            if not alike:
                wrong[field].append(f"{a.get(field)} / {b.get(field)}   {pair.records[0]['exe']['path']} {str(pair.records[0]['argv'])[:80]}")
    for field in sorted({field for field, _ in count}):
        rule = RULES.get(field)
        same, other = count[field, True], count[field, False]
        tap.ok(rule and not wrong[field] and outliers[field] <= len(pairs) / 50, f"{field}: {rule.text if rule else 'no rule'}" + (f", {rule.reason}" if rule and rule.reason else "")
               + f" ({same} equal, {other} not)", f"{len(wrong[field])} wrong, {outliers[field]} outliers\n" + "\n".join(wrong[field][:7]))
        if rule and rule.reason:
            tap.ok(other, f"{field}: does differ")


with node.Node() as bpf, node.Node(source="preload") as told:
    os.chdir(bpf.top)
    mix = Mix(bpf.top, bpf.conf)
    life.environment.update(LD_PRELOAD=node.LIBRARY, RUNMARK_SOCKET=f"{told.state}/runmark.sock")
    lived = Life(mix.live)
    HOOKS.update({hook["fact"]: hook["rung"] for hook in told.status()["hooks"]})
    records, sets = [], []
    for n in (bpf, told):
        n.flush()
        records.append(list(lived.runs(n.runs())))
        sets.append(n.sets())
        with tap.about(n.source):
            n.validate()
            tap.equal(len(records[-1]), RUNS, "runs")
    pairs, alone = pairs_of(*records, sets)
    early = sum(pair.lacks(NO_USAGE) for pair in pairs)
    tap.ok(early < RUNS / 20, f"usage is known of nearly all, not of {early}")
    tap.equal(alone[:5], [], "each run is told by both")
    compare(pairs)
tap.done()
