#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A guest in every process must not be noticed: programs in odd states end as they do without librunmark.so, with the
same output, whatever is at the other end of its socket."""
import os
import resource
import signal
import socket
import stat
import struct
import subprocess
import tempfile

import preload_message as told
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = told.library()


def build(name, *arguments, source="preload_case.c", compiler="gcc"):
    path = f"{top}/{name}"
    # musl has no headers of the kernel's
    arguments += ("-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu") if "musl" in compiler else ()
    done = subprocess.run([compiler, "-O2", "-w", "-o", path, f"{HERE}/{source}", *arguments], capture_output=True)
    return path if done.returncode == 0 else None


def run(argv, library, extra=(), **how):
    """(status, stdout, stderr) with that library; None: without any."""
    env = {"PATH": "/usr/bin:/bin", "RUNMARK_SOCKET": receiver.path, **dict(extra)}
    if library:
        env["LD_PRELOAD"] = library
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60, **{"stdin": subprocess.DEVNULL, **how})
    return done.returncode, done.stdout, done.stderr


def same(name, argv, extra=(), want=None, library=LIBRARY, tells=None, **how):
    """Runs it without and with. want: the status; tells: how many messages."""
    without = run(argv, None, extra, **how)
    receiver.messages()
    found = run(argv, library, extra, **how)
    messages = receiver.messages()
    with tap.about(name):
        tap.equal(found, without, "status and output as without")
        if want is not None:
            tap.equal(found[0], want, "and as they should be")
        if tells is not None:
            tap.equal(len(messages), tells, f"tells {tells} times")
    return messages


# --- what a program does to itself

def states():
    same("state at main's begin: errno, signals, environment, descriptors", [case, "state"], want=0, tells=1)
    same("the same with signals ignored and blocked", [case, "state"], want=0, tells=1, preexec_fn=lambda: (
        signal.signal(signal.SIGPIPE, signal.SIG_IGN), signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})))
    for name, mode, want, tells in (
            ("vfork", ["vfork"], 5, 2), ("fork", ["fork"], 6, 1), ("fork by the system call", ["fork", "raw"], 6, 1),
            ("busy threads at exit", ["threads", "busy"], 11, 1), ("exit by a thread", ["threads", "other"], 12, 1),
            ("the last thread ends it", ["threads", "last"], 0, 1), ("abort", ["crash"], -6, 1),
            ("no descriptor allowed later", ["nofile"], 9, 1), ("standard streams closed, one descriptor", ["closed"], 7, 2),
            ("no arguments", ["no-arguments"], 7, 2), ("objects opened", ["dlopen", LIBRARY, "/nowhere"], 0, 1)):
        same(name, [case, *mode], want=want, tells=tells)


def forbidden():
    """Seccomp: inherited, or the program's own."""
    for name, mode, want, tells in (
            ("inherited, kills what the loader doesn't need", "inherit-kill", 7, 1),
            ("inherited, prctl and sockets fail", "inherit-errno", 7, 1),
            ("openat kills", "openat", 15, 1), ("all but exit_group kills", "all", 15, 1),
            ("all but writing kills", "write", 15, 1), ("strict, exit", "strict-exit", 14, 1),
            ("strict, return", "strict", -9, 1)):
        same(f"seccomp: {name}", [case, "seccomp", mode], want=want, tells=tells)


def limits():
    def limit(what, value):
        return lambda: resource.setrlimit(what, (value, value))
    folder = f"{top}/spool"
    os.mkdir(folder, 0o700)
    for name, how in (
            ("no file may grow", limit(resource.RLIMIT_FSIZE, 0)), ("core files", limit(resource.RLIMIT_CORE, 0)),
            ("no memory may be locked", limit(resource.RLIMIT_MEMLOCK, 0)),
            ("a stack of 128 KiB", limit(resource.RLIMIT_STACK, 131072)),
            ("four descriptors", limit(resource.RLIMIT_NOFILE, 4)), ("five descriptors", limit(resource.RLIMIT_NOFILE, 5)),
            ("6 MiB of addresses", limit(resource.RLIMIT_AS, 6 << 20))):
        same(f"limit: {name}", [case, "say"], {"RUNMARK_SPOOL": folder}, want=7, preexec_fn=how)
    same("limit: no file may grow, set by the program", [case, "fsize", "0"], {"RUNMARK_SPOOL": folder}, want=7)


def mask_and_folder():
    gone = f"{top}/gone"

    def leave():
        os.makedirs(gone)
        os.chdir(gone)
        os.rmdir(gone)
    same("its folder is gone", [case, "say"], want=7, tells=1, preexec_fn=leave)
    same("umask 777", [case, "say"], {"RUNMARK_SPOOL": f"{top}/spool"}, want=7, tells=1, umask=0o777)
    same("not root", [case, "say"], want=7, tells=1, user=12345, group=12345, extra_groups=[])


# --- what it is made of

def built():
    own = build("own", "-fno-builtin", "-fno-stack-protector", source="preload_own.c")
    messages = same("its own malloc, memcpy, dl_iterate_phdr, environ …", [own, "x"], want=17, tells=1)
    tap.ok(messages and messages[0].program.build_id and messages[0].objects and b"PATH=/usr/bin:/bin" in
           messages[0].strings("env"), "its objects and environment are told all the same", messages and vars(messages[0]))
    others = (
        ("static", build("static", "-static", "-pthread"), LIBRARY, 0),
        ("static, anywhere", build("static-pie", "-static-pie", "-pthread"), LIBRARY, 0),
        ("not anywhere", build("no-pie", "-no-pie", "-pthread"), LIBRARY, 1),
        ("musl", build("musl", compiler="musl-gcc"), LIBRARY, 1),
        ("lazy symbols", build("lazy", "-Wl,-z,lazy", "-pthread"), LIBRARY, 1),
        ("an older hash table", build("sysv", "-Wl,--hash-style=sysv", "-pthread"), LIBRARY, 1),
        # without gcc's own 32-bit parts, whose package excludes cross compilers
        ("32 bit", build("bits32", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu", "-pthread", "-nostdlib", "/usr/lib32/Scrt1.o", "-lc"),
         told.library(32), 1),
    )
    for name, program, library, tells in others:
        if not program or not os.path.exists(library):
            tap.skip(f"built: {name}", "it can't be built here")
            continue
        messages = same(f"built: {name}", [program, "say", "a b"], want=7, tells=tells, library=library)
        if tells and messages:
            message = messages[0]
            tap.equal((message.argv, sorted(message.strings("env"))[-1], os.fsdecode(message.exe)),
                      (os.fsencode(program) + b"\0say\0a b\0", b"RUNMARK_SOCKET=" + os.fsencode(receiver.path), program),
                      f"built: {name}: arguments, environment and path are told")
            tap.ok(message.process["flags"] == (1 if "32" in name else 0) and message.process["boot_ns"] and
                   [o for o in message.objects if "libc" in o.path or "ld-musl" in o.path],
                   f"built: {name}: its libc is told", [o.path for o in message.objects])
            same(f"built: {name}: state", [program, "state"], want=0, library=library)
            same(f"built: {name}: objects opened", [program, "dlopen", "/nowhere", "/nowhere"], want=0, library=library)


# --- what its file says

class Headers:
    """A 64-bit program's headers, to be spoiled."""

    def __init__(self, path):
        self.data = bytearray(open(path, "rb").read())
        self.offset, = struct.unpack_from("=Q", self.data, 32)
        self.size, self.count = struct.unpack_from("=HH", self.data, 54)

    def find(self, kind, which=0):
        """Index of such a header."""
        return [i for i in range(self.count) if self.get(i)[0] == kind][which]

    def get(self, index):
        return list(struct.unpack_from("=IIQQQQQQ", self.data, self.offset + index * self.size))

    def set(self, index, **values):
        fields = dict(zip("type flags offset vaddr paddr filesz memsz align".split(), self.get(index)), **values)
        struct.pack_into("=IIQQQQQQ", self.data, self.offset + index * self.size, *fields.values())

    def write(self, name):
        path = f"{top}/{name}"
        with open(path, "wb") as file:
            file.write(self.data)
        os.chmod(path, 0o755)
        return path


LOAD, NOTE = 1, 4


def beyond_the_file(headers):
    """The last segment reaches further than the file does; the note lies where there is nothing."""
    last = headers.find(LOAD, -1)
    _, _, offset, vaddr, _, size, memory, _ = headers.get(last)
    end = (vaddr + max(size, memory) + 4095) & ~4095
    headers.set(last, filesz=end - vaddr + 65536, memsz=end - vaddr + 65536)
    return {"vaddr": end + 32768, "filesz": 256}


def hostile():
    """musl looks at no notes; glibc dies of some of these, and then must with the library too."""
    musl = build("plain-musl", "-Wl,--build-id", compiler="musl-gcc")
    for program in (case, musl):
        if program:
            spoil_notes(program, "glibc" if program is case else "musl")
        else:
            tap.skip("headers with musl", "it can't be built here")


def spoil_notes(program, libc):
    spoil = {
        "a note outside of all segments": lambda h: {"vaddr": 1 << 40},
        "a note at the end of addresses": lambda h: {"vaddr": (1 << 64) - 8},
        "a note of all addresses": lambda h: {"filesz": (1 << 64) - 1},
        "a note longer than its segment": lambda h: {"filesz": h.get(h.find(LOAD))[5] + 1},
        "a note of many segments": lambda h: {"vaddr": 0, "filesz": 1 << 20},
        "a note that is code": lambda h: {"vaddr": h.get(h.find(LOAD, 1))[3], "filesz": 300},
        "a note behind the file's end": beyond_the_file,
    }
    for name, change in spoil.items():
        headers = Headers(program)
        assert headers.find(NOTE) is not None
        values = change(headers)
        for which in range(sum(headers.get(i)[0] == NOTE for i in range(headers.count))):
            headers.set(headers.find(NOTE, which), **values)
        path = headers.write("spoilt")
        plain = run([path, "say"], None)[0]
        tap.ok(plain == 7 or libc == "glibc", f"headers with {libc}: {name}: it runs", plain)
        same(f"headers with {libc}: {name}", [path, "say"], tells=int(plain == 7))


# --- what is at the other end

def other_ends():
    plain, silent, closed = f"{top}/plain", f"{top}/stream", f"{top}/closed"
    open(plain, "w").close()
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.bind(silent)
    stream.listen()
    gone = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    gone.bind(closed)
    gone.close()
    private = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    private.bind(f"{top}/private")
    os.chmod(f"{top}/private", 0o600)
    for name, path in (("nothing", f"{top}/nothing"), ("a plain file", plain), ("a folder", top), ("a stream", silent),
                       ("nobody listens", closed), ("too long a path", "/" + "x" * 200), ("no path", ""),
                       ("a device", "/dev/null")):
        same(f"socket: {name}", [case, "say"], {"RUNMARK_SOCKET": path}, want=7, tells=0)
    same("socket: not for this user", [case, "say"], {"RUNMARK_SOCKET": f"{top}/private"}, want=7, tells=0, user=12345)
    tap.ok(stat.S_ISREG(os.stat(plain).st_mode) and not os.path.getsize(plain), "the plain file is as it was")
    lazy = told.Receiver(f"{top}/unread")
    for i in range(13):
        same(f"socket: nobody reads, {i} before", [case, "say"], {"RUNMARK_SOCKET": lazy.path}, want=7)
    drop, link = f"{top}/drop", f"{top}/drop-link"
    os.mkdir(drop)
    os.chmod(drop, 0o1733)
    os.symlink(drop, link)
    for name, folder, how in (
            ("no file may grow", drop, {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}),
            ("nowhere", f"{top}/nothing", {}), ("a file", plain, {}), ("a link", link, {}), ("not for this user", top, {"user": 12345})):
        same(f"drop directory: {name}", [case, "say"], {"RUNMARK_SOCKET": lazy.path, "RUNMARK_DROP": folder}, want=7, **how)
    tap.equal(os.listdir(drop), [], "drop directory: nothing is left in it")
    same("drop directory: another user's", [case, "say"], {"RUNMARK_SOCKET": lazy.path, "RUNMARK_DROP": drop}, want=7, user=12345)
    tap.equal([(os.stat(f"{drop}/{n}").st_uid, n[-4:]) for n in os.listdir(drop)], [(12345, ".run")], "drop directory: its file is there")
    lazy.close()


def variables():
    many = {f"RUNMARK_SPOOL{i}": "/nowhere" for i in range(7)}
    for name, extra in (("a spool that is a file", {"RUNMARK_SPOOL": case}), ("a spool in a file", {"RUNMARK_SPOOL": f"{case}/x"}),
                        ("a spool of 5000 characters", {"RUNMARK_SPOOL": "/" + "x" * 5000}), ("an empty spool", {"RUNMARK_SPOOL": ""}),
                        ("a spool that is a device", {"RUNMARK_SPOOL": "/dev/full"}), ("names that begin alike", many),
                        ("a megabyte of environment", {f"V{i}": "x" * 100000 for i in range(10)})):
        same(f"variables: {name}", [case, "say"], extra, want=7, tells=1)
    same("variables: a megabyte of arguments", [case, "say", *["x" * 100000] * 10], want=7, tells=1)


top = os.path.realpath(tempfile.mkdtemp())
os.chmod(top, 0o755)
receiver = told.Receiver(f"{top}/socket")
case = build("case", "-pthread")
if os.geteuid():
    tap.skip("the preload library's safety", "needs root, to run as another user")
    tap.done()
os.umask(0o022)
states()
forbidden()
limits()
mask_and_folder()
built()
hostile()
other_ends()
variables()
subprocess.run(["rm", "-rf", top], check=True)
tap.done()
