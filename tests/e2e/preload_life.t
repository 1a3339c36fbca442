#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is lost of a process by the way it lives and ends: without anything, with the preload module, with BPF.

Each row of preload_life.py is lived three times. With the module and with BPF it must end, print and complain as it
does without. What its records have is held against wait4(2), readelf(1) and what /proc told the process itself; what
they don't have is in the row: the test fails when a row gets worse, and when it gets better.
"""
import os
import re
import tempfile

import life
import node
import preload_life
import tap
from life import Life, Program

if os.geteuid():
    tap.skip("lives", "needs root")
    tap.done()
PLUGIN = "int runmark_test_plugin;\n"
# what of "incomplete" names a loss
NAMED_BY = {"device": "exe.device", "inode": "exe.device", "dlopen": "objects", "object-ids": "objects", "cpu": "usage",
            "forks": "usage.forks", "peak": "usage.max_rss", "io": "usage.read_bytes", "oom": "exit.oom", "next": "exit"}
ALWAYS = ("(exe.fstype)",)  # of what the module tells
IF_SHORT = ("(objects)", "(job)")   # of a process that is over before the daemon can look at it

# what losses depend on besides hooks: how quick the machine is, and whether taskstats names the process of each thread
MACHINE = {"start": "quick" if life.starts_quickly() else "slow", "threads": "named" if life.kernel() >= (5, 19) else "unnamed"}


class Column:
    """All rows, lived once. what: plain, preload or bpf."""

    def __init__(self, what, programs, plugin, module, node_=None):
        self.what, self.node = what, node_
        self.hooks = {**MACHINE, **({hook["fact"]: hook["rung"] for hook in node_.status()["hooks"]} if node_ else {})}
        is_unseen = self.hooks.get("fork") == "none" and self.hooks["start"] == "quick"
        self.hooks["copies"] = "unseen" if is_unseen else "seen"
        self.top = tempfile.mkdtemp(prefix=f"{what}.", dir=os.path.dirname(plugin.path))
        os.chmod(self.top, 0o755)
        site = preload_life.Site(self.top, module if what == "preload" else None, node_ and node_.state)
        self.lives = {}
        here = os.getcwd()
        os.chdir(self.top)
        for row in preload_life.all_rows(programs, plugin, self.top, site):
            life.environment.clear()
            life.environment.update(site.environment(), LOADEDMODULES="runmark/test")
            self.lives[row.name] = row, Life(row.launch)
        os.chdir(here)

    def result(self, name):
        """How the row ended, what it printed, what it complained of, without what differs each time."""
        lived = self.lives[name][1]
        end = next((status for pid, (status, *_) in lived.ends.items() if pid == lived.pids["root"]), None)
        ends = sorted(status for status, *_ in lived.ends.values())
        said = [line.replace(self.top, "TOP") for line in lived.said if line.split(" ", 1)[0] not in ("pid", "object", "peak", "ready")]
        return text_of(end), ends, said, [line.replace(self.top, "TOP") for line in lived.complained]


def cpu_of(run):
    return run["usage"]["user_s"] + run["usage"]["system_s"] if run["usage"] else 0


def text_of(status):
    if status is None:
        return "no end"
    end = life.exit_of(status)
    return end.get("name") or f"exit {end['code']}"


class Judge:
    """What the records of a column lack."""

    def __init__(self, column, records, sets):
        self.column, self.sets = column, sets
        self.records = records
        self.programs = {}

    def program(self, path):
        if path not in self.programs:
            self.programs[path] = Program(path) if os.path.exists(path) else None
        return self.programs[path]

    def losses(self, row, lived):
        """In words, one text for the row."""
        left, words = list(lived.runs(self.records)), []
        for image in row.images:
            run = next((r for r in left if image.is_of(r, lived)), None)
            if run:
                left.remove(run)
            lost = self.of_run(row, image, run, lived) if run else ["run"]
            words += [f"{image.name}: {' '.join(lost)}".removeprefix(": ")] if lost else []
        words += [f"besides {os.path.basename(r['exe']['path'] or '?')}" for r in left]
        return "; ".join(words)

    def of_run(self, row, image, run, lived):
        lost = [*self.of_end(image, run, lived), *self.of_program(image, run), *self.of_objects(run, lived), *self.of_rest(image, run)]
        named = {text.split(":")[0] for text in run["incomplete"]}
        used = set()
        words = []
        for word in lost:
            by = NAMED_BY.get(word, word)
            facts = {fact for fact in named if by in (fact, fact.split(".")[0])}
            used |= facts
            words.append(word if facts else word + "!")
        if self.column.hooks["threads"] == "unnamed":
            named.discard("usage")  # it is, where not all threads' was told
        words += [f"({fact})" for fact in sorted(named - used)]
        if self.column.what == "preload":
            always = ALWAYS if self.column.hooks.get("fork") == "connector" else (*ALWAYS, "forks")
            words = [f"has {word}" for word in always if word not in words] + [word for word in words if word not in always]
        return [word for word in words if row.lingers or word not in IF_SHORT]

    def of_end(self, image, run, lived):
        status, cpu = lived.ends.get(run["pid"], (None, None))
        if image.then:
            if not run.get("next_run_id"):
                yield "next"
        elif run["exit"] is None:
            yield "exit"
        else:
            want = image.exit or (life.exit_of(status) if status is not None else run["exit"])
            if run["exit"] == {**want, "oom": False} != want:
                yield "oom"
            elif run["exit"] != want:
                yield f"exit={run['exit']}"
        usage = run["usage"]
        if usage is None:
            yield "usage"
            return
        if cpu is not None and self.column.hooks["start"] == "quick":
            used = sum(cpu_of(r) for r in lived.found if r["pid"] in lived.waited_for(run["pid"]))
            if not -0.01 - cpu / 10 < cpu - used < 0.03 + cpu / 3:
                yield "cpu"
        peak = lived.says("peak", "-")
        if usage["max_rss"] is None or (peak and not image.then and abs(usage["max_rss"] - int(peak) * 1024) > 2 << 20):
            yield "peak"
        if usage["read_bytes"] is None:
            yield "io"
        if usage["forks"] is None:
            yield "forks"

    def of_program(self, image, run):
        for field in ("path", "device", "inode", "build_id", "watermark"):
            want = getattr(image.program, field)
            if run["exe"].get(field) != want and not (field in ("device", "inode") and
                                                      (want is None or run["exe"].get("fstype") in ("overlay", "btrfs"))):
                yield field

    def of_objects(self, run, lived):
        """By what the process said of its own mappings; also that each object has its file's ids."""
        objects = self.sets[run["object_set"]].get("objects", []) if run["object_set"] else []
        paths = [o["path"] for o in objects]
        said = [line.split(" ", 2)[2] for line in lived.said if line.startswith("object - ")]
        if said and run["pid"] == lived.pids["root"] and not run.get("next_run_id"):
            missing = set(said) - set(paths) - {run["exe"]["path"]}
            plugin = {path for path in missing if path.endswith("/plugin.so")}
            if missing - plugin:
                yield "objects"
            if plugin:
                yield "dlopen"
            if set(paths) - set(said):
                yield f"more objects {sorted(set(paths) - set(said))}"
        if len(set(paths)) != len(paths):
            yield "objects twice"
        unknown = set()
        for o in objects:
            program = self.program(o["path"])
            if program and (o["build_id"], o["watermark"]) != (program.build_id, program.watermark):
                unknown.add(o["path"])
        if unknown:
            yield "object-ids"

    def of_rest(self, image, run):
        if (run["argv"] or [])[:len(image.argv)] != image.argv:
            yield "argv"
        env = self.sets[run["env_set"]]["env"] if run["env_set"] else None
        want = {"cwd": self.column.top, **image.more}
        if (env or {}).get("LOADEDMODULES") != want.pop("env", {"LOADEDMODULES": "runmark/test"}).get("LOADEDMODULES"):
            yield "env"
        for field, value in want.items():
            if life.field_of(run, field) != value and (run["usage"] or {}).get(field.removeprefix("usage."), 0) is not None:
                yield field if life.field_of(run, field) is None else f"{field}={life.field_of(run, field)}"


def programs_of(top, conf):
    made = life.programs(top, conf, ("life", "plain", "static", "musl", "musl-static", "life32", "go"))
    for name in preload_life.OWN:
        made[name] = Program(life.build(top, f"own-{name}", "gcc", "-O1", "-pthread", "-fno-builtin", "-rdynamic",
                                        f"-DOWN_{name.upper()}", conf=conf, libraries=[f"{life.HERE}/preload_life.c"]))
    os.mkdir(f"{top}/lib")
    source = life.script(f"{top}/plugin.c", PLUGIN)
    if not os.path.exists(os.path.join(node.TOP, node.BUILD, "lib32", "librunmark.so")) and made.pop("life32", None):
        tap.skip("32-bit", "the compiler makes no 32-bit library here")
    return made, Program(life.build(top, "lib/plugin.so", "gcc", "-shared", "-fPIC", source=source, conf=conf))


def judge(column, runs, sets, plain):
    """The column's results and losses, by row."""
    judge_ = Judge(column, runs, sets)
    told = {}
    for name, (row, lived) in column.lives.items():
        told[name] = judge_.losses(row, lived)
        records = [f"{r['pid']} {r['ppid']} {r['origin']} {r['exe']['path']} {str(r['argv'])[:200]} {r['exit']} {r['usage']} {r['incomplete']}"
                   for r in lived.found]
        detail = "\n".join((lived.error, *records, str(lived.pids), str(lived.ends), *lived.said, *lived.complained))
        got, want = column.result(name), plain.result(name)
        if row.complains and column.what == "preload":
            got, want = got[:3], want[:3]
        tap.ok(got == want, f"{name}: {column.what} changes nothing", f"{got}\n{want}\n{detail}")
        tap.ok(told[name] == row.expected(column.what, column.hooks), f"{name}: {column.what} loses what is expected",
               f"got:  {told[name]}\nwant: {row.expected(column.what, column.hooks)}\n{detail}")
    return told


def check_manual(rows, loses):
    """runmark-preload(7) has the rows that were lived here: those of which something is lost, and the names of all others.
    What is only lost on a lower rung of the kernel side isn't there."""
    section = open(f"{node.TOP}/userspace/man/runmark-preload.7").read().split(".Sh WHAT IS LOST\n")[1].split("\n.Sh ")[0]
    table = [line for line in section.splitlines() if line.count(" Ta ") == 3][1:]
    whole = re.search(r"Nothing is lost by either of:\n(.*?)\.\n", section, re.S)[1].split(",\n")
    wanted, others = [], []
    for name, row in rows.items():
        lost = [loses["preload"][name] or "-", "-" if isinstance(row.losses["bpf"], dict) else loses["bpf"][name] or "-"]
        if lost == ["-", "-"]:
            others.append(name)
        else:
            wanted.append(" Ta ".join([f".It {name}", row.end, *lost]))
    told = [line for line in table if line.split(" Ta ")[0].removeprefix(".It ") in rows]
    tap.ok(told == wanted, "runmark-preload(7) has the same table", "\n".join(wanted))
    tap.ok([name for name in whole if name in rows] == others, "and the same rows of which nothing is lost", ",\n".join(others) + ".")


def lived_by(what, *made):
    """The column, its records and sets."""
    with node.Node(source=what) as n:
        column = Column(what, *made, n)
        n.flush()
        with tap.about(what):
            n.validate()
            n.check_sequence()
        return column, n.runs(), n.sets()


with tempfile.TemporaryDirectory(prefix="runmark-life.") as top:
    os.chmod(top, 0o755)
    linked = node.Node()  # for its configuration alone: links tell nobody
    linked.configure()
    made = *programs_of(top, linked.conf), preload_life.installed(f"{top}/site")
    plain = Column("plain", *made)
    for name, (row, _) in plain.lives.items():
        tap.equal(plain.result(name)[0], row.end, f"{name}: ends so by itself")
    lacking = node.can_track()
    loses = {what: judge(*lived_by(what, *made), plain) for what in (("preload",) if lacking else ("preload", "bpf"))}
    print(f"# {'':32} {'ends':10} {'preload loses':40} BPF loses")
    for name, (row, _) in plain.lives.items():
        print(f"# {name:32} {row.end:10} {loses['preload'][name] or '-':40} {loses.get('bpf', {}).get(name) or '-'}")
    if lacking:
        tap.skip("the kernel side", lacking)
    elif set(MACHINE.values()) != {"quick", "named"}:
        tap.skip("runmark-preload(7)", f"it is about another machine than this one: {MACHINE}")
    else:
        check_manual({name: row for name, (row, _) in plain.lives.items()}, loses)
    linked.__exit__()
tap.done()
