#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""librunmark.so: what it is, and every item of what it tells against /proc, stat, readelf and this program's own
knowledge; its files, and the system calls that it takes."""
import ctypes
import os
import re
import resource
import socket
import subprocess
import tempfile
import time

import preload_message as told
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = told.library()
CALLS_MAX = 22  # of the library, in a program of a few objects
CLOCK_MONOTONIC_COARSE = 6


def text_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout


def build(name, *arguments, source=f"{HERE}/preload_case.c"):
    path = f"{top}/{name}"
    subprocess.run(["gcc", "-O2", "-w", "-o", path, source, *arguments], check=True)
    return path


def notes_of(path):
    """(build-id, watermark) as readelf has them."""
    text = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True).stdout
    build_id = re.search(r"Build ID: (\w+)", text)
    mark = re.search(r"RunmarkNote.*?description data:((?: \w\w){16})", text, re.S)
    return build_id and build_id[1], mark and mark[1].replace(" ", "")


def environment(extra=(), library=LIBRARY):
    return {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "LD_PRELOAD": library, "RUNMARK_SOCKET": receiver.path,
            **dict(extra)}


class Waiting:
    """A program that tells, and then waits: message, and what /proc has of it."""

    def __init__(self, *argv, env=None, executable=None, cwd=None):
        self.env = env or environment()
        self.before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self.process = subprocess.Popen(argv, executable=executable, env=self.env, cwd=cwd, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.line = self.process.stdout.readline()
        self.after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        self.messages = receiver.messages()
        self.message = self.messages[-1] if self.messages else None

    def proc(self, name):
        return open(f"/proc/{self.pid}/{name}", "rb").read()

    def finish(self):
        self.process.communicate(b"\n")
        return self.process.returncode


def mapped(pid):
    """Paths of the objects with executable pages, but the program."""
    exe = os.readlink(f"/proc/{pid}/exe")
    found = [line.split(None, 5)[5].rstrip("\n") for line in open(f"/proc/{pid}/maps")
             if "x" in line.split()[1] and "/" in line]
    return sorted(set(found) - {exe})


# --- what it is

def shape():
    for bits in (64, 32):
        library = told.library(bits)
        if not os.path.exists(library):
            tap.skip(f"{bits}-bit library", "this compiler makes no 32-bit programs")
            continue
        with tap.about(f"{bits} bit"):
            dynamic, headers = text_of("readelf", "-dW", library), text_of("readelf", "-lW", library)
            tap.equal(text_of("nm", "-D", library).split(), ["w", "__environ"], "nothing is exported, one weak symbol wanted")
            tap.ok("NEEDED" not in dynamic and "SONAME" not in dynamic, "no library is needed", dynamic)
            tap.ok("VERNEED" not in dynamic and "TEXTREL" not in dynamic, "no symbol version, no text relocation", dynamic)
            tap.equal([line.split()[6:-1] for line in headers.splitlines() if line.strip().startswith("LOAD")],
                      [["R", "E"], ["RW"]], "two segments, none writable and executable")
            tap.ok(re.search(r"GNU_STACK.* RW ", headers), "the stack stays unexecutable", headers)
            if os.uname().machine == "x86_64":
                tap.ok("IBT, SHSTK" in text_of("readelf", "-nW", library), "control-flow protection stays possible")
    tap.ok("statically linked" in text_of("ldd", LIBRARY), "ldd finds nothing", text_of("ldd", LIBRARY))


# --- the items

def process_items(run):
    with tap.about("process"):
        message, process = run.message, run.message.process
        tap.equal((message.phase, message.pid, message.sender[0]), (told.BEGIN, run.pid, run.pid), "pid")
        tap.equal((process["ppid"], process["uid"], process["euid"], process["gid"]),
                  (os.getpid(), os.getuid(), os.geteuid(), os.getgid()), "parent, users, group")
        tap.ok(run.before <= process["boot_ns"] <= run.after, "CLOCK_BOOTTIME of the begin", process)
        tap.equal((process["unix_ns"], process["flags"], process["pad"]), (0, 0, 0), "no wall clock, no flags")
        tap.ok(0 < process["max_rss"] <= 1 << 30 and process["user_ns"] + process["system_ns"] < run.after - run.before,
               "usage so far", process)


def program_items(run, program):
    with tap.about("program"):
        message, st = run.message, os.stat(program)
        tap.equal(os.fsdecode(message.exe), os.readlink(f"/proc/{run.pid}/exe"), "path as /proc has it")
        tap.equal(message.file, {"device": st.st_dev, "inode": st.st_ino, "size": st.st_size, "mtime_ns": st.st_mtime_ns,
                                 "owner_uid": st.st_uid, "pad": 0}, "file as stat has it")
        tap.equal((message.program.build_id, message.program.watermark), notes_of(program), "notes as readelf has them")
        tap.equal(os.fsdecode(message.cwd), os.readlink(f"/proc/{run.pid}/cwd"), "folder")
        tap.equal(message.argv, run.proc("cmdline"), "arguments")
        tap.equal(message.env, run.proc("environ"), "environment")
        tap.equal(sorted(message.strings("env")), sorted(os.fsencode(f"{k}={v}") for k, v in run.env.items()),
                  "environment, string by string")


def object_items(run):
    with tap.about("objects"):
        message = run.message
        tap.equal(sorted(os.path.realpath(o.path) for o in message.objects), mapped(run.pid), "as /proc/PID/maps has them")
        tap.equal([(o.build_id, o.watermark) for o in message.objects], [notes_of(o.path) for o in message.objects],
                  "notes as readelf has them")
        tap.ok(not any(message.flags.values()), "no flag is set", message.flags)


def items():
    program = build("case", "-pthread")
    run = Waiting(program, "wait", "an argument", "", "é\n")
    process_items(run)
    program_items(run, program)
    tap.equal(run.message.requested, os.fsencode(program), "as it was called")
    object_items(run)
    tap.equal(run.finish(), 0, "ends as ever")
    random = [run.message.random]
    for _ in range(6):
        random.append(Waiting(program, "wait").message.random)
    tap.equal(len({tuple(r) for r in random}), 7, "seven programs, seven random numbers")
    tap.ok(all(r[0] and r[1] and r[0] != r[1] for r in random), "both halves are random", random)
    return program


def ways_to_call(program):
    """What the kernel takes for the program is told, however it was called."""
    link, folder = f"{top}/link", f"{top}/folder"
    os.symlink(program, link)
    os.symlink(top, folder)
    script, second = f"{top}/script", f"{top}/second"
    for path, interpreter in ((script, f"{program} wait"), (second, script)):
        open(path, "w").write(f"#!{interpreter}\n")
        os.chmod(path, 0o755)
    loader = re.search(r"interpreter: (\S+)\]", text_of("readelf", "-lW", program))[1]
    descriptor = os.open(program, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    cases = [
        ("a link", [link, "wait"], {}),
        ("a folder that is a link", [f"{folder}/case", "wait"], {}),
        ("dots", [f"{top}/../{os.path.basename(top)}/case", "wait"], {}),
        ("two slashes", [f"{top}//case", "wait"], {}),
        ("a relative path", ["./case", "wait"], {"cwd": top}),
        ("a script", [script], {}),
        ("a script of a script", [second], {}),
        ("an interpreter with its path as an argument", [program, "wait", program], {}),
        ("another name", ["other", "wait"], {"executable": program}),
        ("the loader", [loader, program, "wait"], {}),
        ("a descriptor", ["case", "wait"], {"executable": f"/proc/{os.getpid()}/fd/{descriptor}"}),
    ]
    for name, argv, how in cases:
        run = Waiting(*argv, **how)
        with tap.about(name):
            if not tap.ok(run.message, "told"):
                continue
            tap.equal(os.fsdecode(run.message.exe), os.readlink(f"/proc/{run.pid}/exe"), "path as /proc has it")
            st = os.stat(f"/proc/{run.pid}/exe")
            tap.equal((run.message.file["device"], run.message.file["inode"]), (st.st_dev, st.st_ino), "its file")
            # ld.so takes its own name away, where the kernel still has it
            whole = run.proc("cmdline")
            tap.equal(run.message.argv, whole[len(loader) + 1:] if name == "the loader" else whole, "arguments")
            run.finish()
    os.close(descriptor)


def deleted(program):
    gone = f"{top}/gone"
    os.mkdir(gone)
    copy = f"{top}/copy"
    subprocess.run(["cp", program, copy], check=True)
    descriptor = os.open(copy, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    os.unlink(copy)
    child = os.fork()
    if not child:
        os.chdir(gone)
        os.rmdir(gone)
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
        os.execve(descriptor, ["copy", "say"], environment())
    status = os.waitpid(child, 0)[1]
    run = receiver.messages()[-1]
    with tap.about("deleted"):
        tap.equal(os.waitstatus_to_exitcode(status), 7, "ends as ever")
        tap.equal(os.fsdecode(run.exe), f"{copy} (deleted)", "the program's path says so")
        tap.ok(run.cwd == b"" and run.flags["cwd"] == told.FAULT or b"unreachable" in run.cwd, "its folder can't be read",
               (run.cwd, run.flags))
    os.close(descriptor)


# --- what is long

def sizes(program):
    """Arguments and environment over their limits, and messages of more than one piece."""
    cases = [
        ("one piece", ["x" * 100], {}),
        ("two pieces", ["x" * 9000], {"A": "y" * 12000}),
        ("arguments over their limit", ["x" * 20000], {}),
        ("many arguments over their limit", ["xyz"] * 9999, {}),
        ("one argument of just so many bytes", ["x" * (16384 - len(program) - 1 - 4 - 1)], {}),
        ("one byte more", ["x" * (16384 - len(program) - 1 - 4)], {}),
        ("environment over its limit", [], {f"V{i}": "z" * 997 for i in range(97)}),
        ("a variable over the limit", [], {"A": "z" * 60000}),
        ("a megabyte of each", ["x" * 100000] * 10, {f"W{i}": "z" * 100000 for i in range(10)}),
    ]
    for name, arguments, extra in cases:
        receiver.datagrams.clear()
        env = environment(extra)
        argv = [program, "say", *arguments]
        done = subprocess.run(argv, env=env, stdout=subprocess.PIPE)
        messages = receiver.messages()
        with tap.about(name):
            if not tap.equal((done.returncode, len(messages)), (7, 1), "told once, ends as ever"):
                continue
            message = messages[0]
            whole = b"".join(os.fsencode(a) + b"\0" for a in argv)
            want = whole if len(whole) <= 16384 else whole[:16383].rstrip(b"\0") + b"\0"
            tap.equal((message.argv, message.flags["argv"]), (want, 0 if want == whole else told.CUT), "arguments")
            strings, all_of_them = message.strings("env"), {os.fsencode(f"{k}={v}") for k, v in env.items()}
            cut = sum(len(s) + 1 for s in all_of_them) > 32768
            tap.ok(set(strings) <= all_of_them and len(message.env) <= 32768 and
                   (len(message.env) > 32768 - 1000 or not cut or "A" in extra or "W1" in extra), "environment: whole variables",
                   (len(message.env), len(strings)))
            tap.equal((len(strings) == len(all_of_them), message.flags["env"]), (not cut, told.CUT if cut else 0),
                      "a cut is flagged")
            tap.equal([(offset, length) for _, offset, length in receiver.datagrams],
                      [(at, min(16384, message.size - at)) for at in range(0, message.size, 16384)], "pieces")


def many_objects():
    libraries = []
    for i in range(41):
        source = f"{top}/many{i}.c"
        open(source, "w").write(f"int many{i}(void) {{ return {i}; }}\n")
        libraries.append(build(f"lib{'many' * 20}{i}.so", "-shared", "-fPIC", "-Wl,--build-id=uuid", source=source))
    program = build("many", "-Wl,--no-as-needed", "-pthread", *libraries)
    run = Waiting(program, "wait")
    with tap.about("41 libraries"):
        object_items(run)
        tap.ok(set(libraries) <= {o.path for o in run.message.objects}, "all are there")
        run.finish()


def opt_out(program):
    for variable in ("RUNMARK_TRACKING=no", "XALT_EXECUTABLE_TRACKING=no"):
        done = subprocess.run([program, "say"], env=environment([variable.split("=")]), stdout=subprocess.PIPE)
        messages = receiver.messages()
        with tap.about(variable):
            tap.equal((done.returncode, [(m.phase, m.order) for m in messages]), (7, [(told.OPT_OUT, [])]),
                      "nothing is told but that")
    spool = f"{top}/opted"
    os.mkdir(spool, 0o700)
    subprocess.run([program, "say"], env=environment({"RUNMARK_TRACKING": "no", "RUNMARK_SPOOL": spool}),
                   stdout=subprocess.DEVNULL)
    tap.equal(os.listdir(spool), [], "no file either")
    receiver.messages()
    for value in ("yes", "No", "no ", ""):
        subprocess.run([program, "say"], env=environment({"RUNMARK_TRACKING": value}), stdout=subprocess.DEVNULL)
    tap.equal([m.phase for m in receiver.messages()], [told.BEGIN] * 4, "other values don't opt out")


# --- the end

def ends(program):
    extra = []
    for name in ("stays", "goes"):
        open(f"{top}/{name}.c", "w").write("int x;\n")
        extra.append(build(f"{name}.so", "-shared", "-fPIC", "-Wl,--build-id", source=f"{top}/{name}.c"))
    run = subprocess.Popen([program, "dlopen", *extra], env=environment(), stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    message = None
    while not isinstance(message, told.Message):
        message = receiver.read(10)
    text = run.communicate(b"\n")[0]
    end, now = receiver.end(message), time.clock_gettime_ns(CLOCK_MONOTONIC_COARSE)
    with tap.about("end"):
        tap.equal((text, run.returncode), (b"1 1 0\n", 0), "as ever")
        tap.equal((end.told, end.message.phase, end.message.random), (1, told.END, message.random), "told, of the same program")
        tap.equal([(o.path, o.build_id) for o in end.message.objects], [(extra[0], notes_of(extra[0])[0])],
                  "the object that was opened since and still is, and no other")
        tap.equal(end.closed, 1, "one was closed")
        tap.ok(message.process["boot_ns"] and end.begin_ns <= end.monotonic_ns <= now and now - end.begin_ns < 10**10,
               "begin and end by the coarse clock", vars(end))
    crash = subprocess.Popen([program, "crash"], env=environment(), stdin=subprocess.PIPE)
    message = receiver.read(10)
    crash.communicate(b"\n")
    with tap.about("abort"):
        tap.equal((crash.returncode, receiver.end(message).told), (-6, 0), "no end is told")
    fixed = build("fixed", "-no-pie", "-pthread")
    loader = re.search(r"interpreter: (\S+)\]", text_of("readelf", "-lW", fixed))[1]
    for name, argv in (("not anywhere", [fixed, "say"]), ("by the loader", [loader, fixed, "say"]),
                       ("by the loader, anywhere", [loader, program, "say"])):
        subprocess.run(argv, env=environment(), stdout=subprocess.DEVNULL)
        tap.ok(receiver.messages()[0].get("end_memory"), f"a program that can open objects has memory for the end: {name}")
    simple = build("simple", source=f"{HERE}/preload_own.c", *["-fno-builtin", "-fno-stack-protector"])
    subprocess.run([simple, "x"], env=environment(), stdout=subprocess.DEVNULL)
    tap.ok(receiver.messages()[0].get("end_memory") is None, "a program that can't open objects needs no memory for the end")


def copies(program):
    """A copy that fork made tells nothing at its end, by whatever call."""
    for how in ([], ["raw"]):
        run = Waiting(program, "fork", *how)
        with tap.about("fork" + (" by the system call" if how else "")):
            lines = [run.line, *[run.process.stdout.readline() for _ in range(5)]]
            tap.equal(lines, [b"copy %d\n" % i for i in range(20, 25)] + [b"all\n"], "five copies ended")
            tap.equal((len(run.messages), receiver.end(run.message).told), (1, 0), "none of them told anything")
            tap.equal((run.finish(), receiver.end(run.message).told), (6, 1), "the program itself did")


# --- files

def spool(program):
    folder = f"{top}/spool"
    os.mkdir(folder, 0o700)
    library = f"{top}/stays.so"
    env = environment({"RUNMARK_SPOOL": folder})
    for name, socket_path in (("with a daemon", receiver.path), ("without", f"{top}/nobody")):
        env["RUNMARK_SOCKET"] = socket_path
        before = time.time_ns()
        done = subprocess.run([program, "dlopen", library, library], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, umask=0o777)
        names, messages = os.listdir(folder), receiver.messages()
        with tap.about(f"spool {name}"):
            if not tap.equal((done.returncode, len(names)), (0, 1), "one file, ends as ever"):
                continue
            path = f"{folder}/{names[0]}"
            st = os.stat(path)
            begin, end = told.read_file(path)
            tap.equal(st.st_mode, 0o100600, "for its user alone, whatever the umask")
            tap.ok(st.st_size == 80 << 10 and st.st_blocks * 512 <= 24 << 10, "80 KiB long, and 20 or so on the disk, as the manual says", st)
            tap.equal((begin.host, begin.boot), (os.fsencode(os.uname().nodename),
                      open("/proc/sys/kernel/random/boot_id", "rb").read().strip()), "host and boot")
            tap.equal(begin.cgroup, open("/proc/self/cgroup", "rb").read(), "control group")
            tap.ok(before <= begin.process["unix_ns"] <= time.time_ns(), "wall clock")
            tap.ok(abs(begin.start / os.sysconf("SC_CLK_TCK") - begin.process["boot_ns"] / 1e9) < 1, "start", begin.start)
            tap.ok(begin.get("end_memory") is None and begin.get("spool_file") is None, "no other place is told of")
            tap.equal((end.told, [o.path for o in end.message.objects]), (1, [library]), "the end is in it")
            tap.equal([m.spool_file for m in messages], [os.fsencode(path)] * len(messages), "the datagram tells the file")
            tap.equal([m.get("end_memory") for m in messages], [None] * len(messages), "and no other memory")
        os.unlink(path)
    refused_folders(program, env)


def refused_folders(program, env):
    for name, mode, owner in (("others may write", 0o722, 0), ("a group may", 0o720, 0), ("another's", 0o777, 12345),
                              ("missing", None, 0), ("relative", 0o700, 0)):
        folder = f"{top}/refused"
        if mode is not None:
            os.mkdir(folder)
            os.chmod(folder, mode)
            os.chown(folder, owner, -1)
        done = subprocess.run([program, "say"], cwd=top, stdout=subprocess.DEVNULL,
                              env={**env, "RUNMARK_SPOOL": "refused" if name == "relative" else folder})
        tap.equal((done.returncode, os.path.isdir(folder) and os.listdir(folder)), (7, mode is not None and []),
                  f"spool folder: {name}: nothing is written")
        if mode is not None:
            os.rmdir(folder)


def file_limits(program):
    """RLIMIT_FSIZE: the whole, the begin alone, or nothing."""
    for limit, want in ((1 << 20, (1, True)), (32768, (1, False)), (1024, (0, None)), (0, (0, None))):
        folder = f"{top}/limit{limit}"
        os.mkdir(folder, 0o700)
        env = environment({"RUNMARK_SPOOL": folder, "RUNMARK_SOCKET": f"{top}/nobody"})
        done = subprocess.run([program, "fsize", str(limit)], env=env, stdout=subprocess.PIPE, preexec_fn=lambda:
                              resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        found = [told.read_file(f"{folder}/{n}") for n in os.listdir(folder)]
        found = [f for f in found if f[0].strings("argv")[0] == b"say"]
        with tap.about(f"files of {limit} bytes"):
            tap.equal((done.returncode, done.stdout), (7, b"say: again\n"), "as ever")
            tap.equal((len(found), found[0][1] is not None if found else None), want, "what fits is written")
    receiver.messages()


def full_socket(program):
    """A receiver that doesn't read: the kernel's queue takes some, the drop directory the rest."""
    drop, path = f"{top}/drop", f"{top}/full.sock"
    os.mkdir(drop)
    os.chmod(drop, 0o1733)
    lazy = told.Receiver(path)
    env = {**environment(), "RUNMARK_SOCKET": path}
    statuses, longest = [], 0
    for i in range(23):
        begin = time.monotonic()
        with_drop = {"RUNMARK_DROP": drop} if i < 19 else {}
        statuses.append(subprocess.run([program, "say", str(i)], env={**env, **with_drop}, stdout=subprocess.DEVNULL).returncode)
        longest = max(longest, time.monotonic() - begin)
    queued, dropped = lazy.messages(), [told.read_file(f"{drop}/{n}") for n in os.listdir(drop)]
    with tap.about("full socket"):
        tap.equal(statuses, [7] * 23, "23 programs end as ever")
        tap.ok(longest < 2, "none waits", longest)
        tap.ok(0 < len(queued) < 19, "some are queued", len(queued))
        tap.equal(sorted([int(m.strings("argv")[2]) for m in queued] + [int(m.strings("argv")[2]) for m, _ in dropped]),
                  list(range(19)), "the others are in the drop directory; each is told once")
        tap.ok(all(end is None and m.boot and m.host and m.start and m.cgroup for m, end in dropped), "with host, boot, start "
               "and control group")
        tap.equal({(os.stat(f"{drop}/{n}").st_mode, n.endswith(".run")) for n in os.listdir(drop)}, {(0o100600, True)},
                  "in whole files")
    lazy.close()


# --- system calls

def trace(program, *arguments):
    """[(name, line)] of a program's calls, from the library's first one on."""
    output = f"{top}/trace"
    done = subprocess.run(["strace", "-f", "-o", output, "-E", f"LD_PRELOAD={LIBRARY}", "-E", f"RUNMARK_SOCKET={receiver.path}",
                           program, *arguments], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    lines = [line.split(None, 1)[1].strip() for line in open(output)]
    first = next(i for i, line in enumerate(lines) if "O_PATH" in line)
    receiver.messages()
    return done.returncode, [(line.split("(")[0], line) for line in lines[first:]]


def calls(program):
    if subprocess.run(["strace", "true"], capture_output=True).returncode:
        tap.skip("system calls", "strace doesn't run here")
        return
    simple = f"{top}/simple"
    with tap.about("system calls"):
        status, found = trace(simple, "x")
        names = [name for name, _ in found]
        own = names[:names.index("sendmsg") + 2]
        tap.equal(status, 17, "as ever")
        tap.ok(len(own) <= CALLS_MAX and own[-1] == "close", f"{len(own)} calls at the begin: {' '.join(own)}", names)
        tap.equal(names[len(own):], ["write", "write", "exit_group", "+++ exited with 17 +++"], "then the program's own alone")
        status, found = trace(program, "dlopen", f"{top}/stays.so", f"{top}/stays.so")
        names = [name for name, _ in found]
        last = len(names) - 1 - names[::-1].index("write")
        tap.equal(names[last + 1:], ["exit_group", "+++ exited with 0 +++"], "none at the end, where objects are told")
        got = next(line for name, line in found if name == "sendmsg")
        tap.ok("MSG_DONTWAIT|MSG_NOSIGNAL" in got, "sending never waits and never signals", got)
        subprocess.run(["strace", "-o", f"{top}/trace", "-E", f"LD_PRELOAD={LIBRARY}", "-E", f"RUNMARK_SOCKET={top}/nobody",
                        simple, "x"], stdout=subprocess.DEVNULL)
        names = [line.split("(")[0] for line in open(f"{top}/trace")]
        tap.equal(names[-5:-1], ["openat", "write", "write", "exit_group"], "without a daemon: one")


top = os.path.realpath(tempfile.mkdtemp())
os.chmod(top, 0o755)
receiver = told.Receiver(f"{top}/socket", keep_ends=os.geteuid() == 0)
if os.geteuid():
    tap.skip("the preload library", "needs root, to open the ends' memory as the daemon does")
    tap.done()
shape()
case = items()
ways_to_call(case)
deleted(case)
sizes(case)
many_objects()
opt_out(case)
ends(case)
copies(case)
spool(case)
file_limits(case)
full_socket(case)
calls(case)
subprocess.run(["rm", "-rf", top], check=True)
tap.done()
