#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where something is odd or broken, the link ends as the plain one does: linkers, paths, environments, limits, signals."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

LD = os.path.join(link.WRAPPERS, "ld")
LINE = ["-m", "elf_x86_64", "-o", "out", "a.o"]


def state(result):
    return result.returncode, result.stdout, result.stderr


def content(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        return type(error).__name__


def set_mode(text):
    with open("mode", "w") as file:
        file.write(text)


class Fake:
    """A folder with the fake linker as ld, first in PATH; the wrapper finds it there."""

    def __init__(self, box):
        self.box = box
        self.folder = os.path.join(box.folder, "fake")
        os.mkdir(self.folder)
        subprocess.run(["gcc", "-O1", "-o", self.folder + "/fake-ld.bfd",
                        os.path.join(link.TOP, "tests/e2e/link_fake.c")], check=True)
        os.symlink("fake-ld.bfd", self.folder + "/ld")
        self.env = {"PATH": self.folder + ":" + box.env["PATH"]}

    def run(self, wrapped, line=LINE, **more):
        program = LD if wrapped else self.folder + "/ld"
        if os.path.exists("out"):
            os.unlink("out")
        return self.box.run([program, *line], False, env=self.env, **more)

    def called_with(self, name):
        return content(name).split(b"\0")[:-1]


def linkers(box, fake):
    """Linkers that behave in every way."""
    plain_expected = {"fail with it", "crash with it", "crash", "mention", "longer"}
    for mode in ("", "fail with it", "crash with it", "crash", "old", "mention", "stdout", "both", "long", "longer"):
        set_mode(mode)
        plain = fake.run(False)
        wrapped = fake.run(True)
        marks = link.watermarks("out") if os.path.exists("out") else []
        tap.ok(state(plain) == state(wrapped), f"linker that does '{mode}': the same to see",
               f"{str(state(plain))[:300]}\n{str(state(wrapped))[:300]}")
        tap.equal(len(marks), 0 if mode in plain_expected else 1, f"linker that does '{mode}': stamped or not")
        box.records()
    set_mode("old")
    fake.run(True)
    record = box.records()[0]
    tap.ok([i["path"] for i in record["inputs"]] == ["a.o"] and any("inputs" in t for t in record["incomplete"]),
           "inputs of an old linker come from the line", record)


def called(box, fake):
    """What the real linker is called with: the user's environment and arguments, and two more of ours."""
    set_mode("")
    fake.run(False)
    environ, argv = fake.called_with("environ"), fake.called_with("argv")
    fake.run(True)
    tap.equal(fake.called_with("environ"), environ, "the linker's environment is the user's, in order")
    got = fake.called_with("argv")
    tap.ok(got[0] == argv[0] and got[2:-1] == argv[1:] and got[1].startswith(b"--dependency-file=/proc/self/fd/") and
           got[-1] == (link.WRAPPERS + "/placeholder-x86_64.o").encode(), "one option first, one object last", got)
    fake.run(True, ["-r", *LINE])
    tap.equal(fake.called_with("argv"), argv[:1] + [b"-r"] + argv[1:], "a plain link's arguments are untouched")
    box.records()
    # descriptors: none of ours but the one it writes to
    with open("fd.c", "w") as file:
        file.write("""#include <fcntl.h>\n#include <stdio.h>\n#include <stdlib.h>
int main(void) { for (int i = 0; i < 4096; i++) if (fcntl(i, F_GETFD) >= 0) printf("%d ", i); puts(""); return 0; }""")
    os.mkdir("fds")
    subprocess.run(["gcc", "fd.c", "-o", "fds/fd-ld.bfd"], check=True)
    os.symlink("fd-ld.bfd", "fds/ld")
    read, write = os.pipe()
    numbers = box.run([LD, *LINE], False, env={"PATH": box.folder + "/fds"}, pass_fds=[read, write]).stdout.split()
    os.close(read)
    os.close(write)
    mine = {b"0", b"1", b"2", b"%d" % read, b"%d" % write}
    extra = set(numbers) - mine
    tap.equal(box.records(), [], "no record where the linker wrote nothing")
    tap.ok(mine <= set(numbers) and len(extra) == 1 and int(extra.pop()) >= 100, "the linker's descriptors", numbers)


def searches(box, fake):
    """Two wrappers, copies of them, and scripts that call the next ld."""
    set_mode("")
    copy = os.path.join(box.folder, "copy")
    shutil.copytree(link.WRAPPERS, copy)
    os.mkdir("links")
    os.symlink(LD, "links/ld")
    for name, script in (("script", 'exec ld "$@"'), ("script2", 'exec ld "$@"'), ("cut", 'PATH=${PATH#*:} exec ld "$@"'),
                         ("forks", 'ld "$@"; exit $?')):
        os.mkdir(name)
        with open(name + "/ld", "w") as file:
            file.write("#!/bin/sh\n" + script + "\n")
        os.chmod(name + "/ld", 0o755)
    for folders in (["copy"], ["links"], ["copy", "links"], ["script"], ["script", "copy"], ["copy", "script", "script2"],
                    ["script", "links", "copy", "script2"], ["forks"], ["forks", "script"]):
        path = ":".join([link.WRAPPERS] + [os.path.join(box.folder, f) for f in folders] + [fake.folder, "/usr/bin:/bin"])
        if os.path.exists("out"):
            os.unlink("out")
        try:
            result = box.run(["ld", *LINE], False, env={"PATH": path}, timeout=20)
        except subprocess.TimeoutExpired:
            tap.ok(False, f"wrappers in a row, {folders}", "it never ends")
            continue
        leaked = [v for v in fake.called_with("environ") if v.startswith(b"RUNMARK_LD")]
        tap.ok(result.returncode == 0 and len(link.watermarks("out")) == 1 and len(box.records()) == 1 and not leaked,
               f"wrappers in a row: {' '.join(folders)}", f"{result} {leaked}")
    # a script that leads past us: its link is its own, plain and whole
    path = ":".join([link.WRAPPERS, box.folder + "/cut", fake.folder, "/usr/bin:/bin"])
    result = box.run(["ld", *LINE], False, env={"PATH": path}, timeout=20)
    tap.ok(result.returncode == 0 and not link.watermarks("out") and not box.records(), "a script that leads past us", result)
    if os.geteuid() == 0 and link.has("unshare"):
        open("not-a-linker", "w").close()
        real = os.path.realpath("/usr/bin/ld.gold")
        result = subprocess.run(["unshare", "-m", "sh", "-c",
                                 f"mount --bind not-a-linker {real} && exec {link.WRAPPERS}/ld.gold a.o"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(box.env, PATH="/usr/bin:/bin"))
        tap.equal(state(result), (127, b"", b"ld.gold: not found\n"), "no real linker")
    else:
        tap.skip("no real linker", "needs root")


def outputs(box):
    """Odd names and kinds of outputs."""
    names = ["out put", "new\nline", "quo\"te'", "back\\slash", "-o", "col:on", "dol$lar", "é", b"\xff\xfe", "x" * 255, "@at",
             "sub/../out", "./out", "//tmp/../" + box.folder + "/out", "%s%n"]
    os.mkdir("sub")
    for name in names:
        raw = os.fsencode(name)
        command = ["gcc", "-nostdlib", "a.o", b"-Wl,-o" + raw]  # gcc itself would read @at
        results = [state(box.run(command, wrapped)) for wrapped in (False, True)]
        there = os.path.exists(raw)
        records = box.records()
        marks = link.watermarks(os.path.join(os.fsencode(box.folder), raw)) if there else []
        tap.ok(results[0] == results[1] and len(marks) == there and len(records) == there,
               f"output {name!r}", f"{results} {marks} {len(records)}")
        if there:
            want = os.path.realpath(raw)
            got = records[0]["output"]
            tap.ok(got["path"].encode() == want if "path_b64" not in got else b"\xff" in want, f"its path in the record {name!r}",
                   f"{got} {want}")
            os.unlink(raw)
    # links: the linker decides
    for linker in ("bfd", "gold", "lld", "mold"):
        if not link.has("ld." + linker):
            continue
        for kind in ("symlink", "hard link", "dangling symlink"):
            shapes = []
            for wrapped in (False, True):
                for path in ("target", "name"):
                    if os.path.lexists(path):
                        os.unlink(path)
                if kind != "dangling symlink":
                    shutil.copy("a.o", "target")
                os.link("target", "name") if kind == "hard link" else os.symlink("target", "name")
                result = box.run(["gcc", "-fuse-ld=" + linker, "-nostdlib", "a.o", "-o", "name"], wrapped)
                shapes.append((state(result), os.path.islink("name"), os.path.exists("target") and
                               content("target")[:4] + content("target")[16:18], os.stat("name").st_nlink))
            tap.ok(shapes[0] == shapes[1] and len(link.watermarks("name")) == 1, f"{linker}: output is a {kind}", shapes)
            box.records()
    os.mkfifo("fifo")
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    results = [state(box.run(["gcc", "-nostdlib", "a.o", "-o", "/dev/null"], w)) for w in (False, True)]
    tap.ok(results[0] == results[1] and not box.records(), "output /dev/null", results)
    os.close(reader)
    os.unlink("fifo")


def as_user(command, box, **more):
    """As nobody, for whom permissions count."""
    return box.run(command, False, preexec_fn=more.pop("before", None), user=65534, group=65534, extra_groups=[], **more)


def permissions(box):
    if os.geteuid() != 0:
        tap.skip("permissions", "needs root to become somebody else")
        return
    os.mkdir("open")
    os.chmod("open", 0o777)
    shutil.copy("a.o", "open")
    # which may be in a home directory that nobody else may enter
    shutil.copytree(link.WRAPPERS, "open/linkers")
    os.chdir("open")
    for mask in (0o022, 0o222, 0o777, 0o277):
        results = []
        for program in ("/usr/bin/ld", box.folder + "/open/linkers/ld"):
            if os.path.exists("out"):
                os.unlink("out")
            result = as_user([program, *LINE], box, before=lambda m=mask: os.umask(m))
            results.append((state(result), os.stat("out").st_mode))
        tap.equal(results[1], results[0], f"umask {mask:o}")
        records = box.records()
        stamped = len([m for m in link.watermarks("out") if int(m, 16)])
        tap.equal(stamped, 1 if mask == 0o022 else 0, f"umask {mask:o}: stamped if the output may be written")
        if mask == 0o222:
            tap.ok(records[0]["watermark"] is None and records[0]["output"]["build_id"] is None and
                   any(t.startswith("watermark: ") for t in records[0]["incomplete"]), "and its record says why", records)
    os.unlink("out")
    # the working folder: gone, unreadable
    for kind in ("deleted", "unreadable", "closed above"):
        results = []
        for program in ("/usr/bin/ld", LD):
            os.makedirs("deep/cwd", exist_ok=True)
            os.chmod("deep", 0o777)
            shutil.copy("../a.o", "deep/cwd/a.o")
            shutil.rmtree("../target-out", ignore_errors=True)
            os.chmod("deep/cwd", {"unreadable": 0o333}.get(kind, 0o777))
            line = ["-m", "elf_x86_64", "-o", f"{box.folder}/open/out", f"{box.folder}/a.o"]
            def before(k=kind):
                os.chdir("deep/cwd")
                if k == "deleted":
                    shutil.rmtree("../../deep")
                if k == "closed above":
                    os.chmod("..", 0)
            result = box.run([program, *line], False, preexec_fn=before)
            results.append(state(result))
            shutil.rmtree("deep", ignore_errors=True)
        tap.ok(results[0] == results[1] and len(link.watermarks("out")) == 1, f"working folder {kind}", results)
        record = box.records()[0]
        tap.ok((record["cwd"] is None) == (kind == "deleted") and record["output"]["path"] == f"{box.folder}/open/out",
               f"its record, {kind}", record["cwd"])
    os.chdir("..")


def environments(box):
    os.mkdir("bad-libraries")
    for name in ("libcjson.so.1", "libelf.so.1", "libuuid.so.1", "libinih.so.1", "libxxhash.so.0"):
        with open("bad-libraries/" + name, "w") as file:
            file.write("no library")
    for name, env in (("none", {}), ("no PATH", {"RUNMARK_CONF": box.conf}), ("empty PATH", {"PATH": "", "RUNMARK_CONF": box.conf}),
                      ("a broken configuration", {"RUNMARK_CONF": "a.o"}), ("no configuration", {"RUNMARK_CONF": "/no/such"}),
                      ("broken libraries", {"LD_LIBRARY_PATH": box.folder + "/bad-libraries", "RUNMARK_CONF": box.conf}),
                      ("odd values", {"PATH": ":::/nowhere:" + "x" * 9000, "COMPILER_PATH": "/nowhere", "TMPDIR": "/nowhere",
                                      "HOME": "\n", "LOADEDMODULES": "a\udcff\n\"", "RUNMARK_CONF": box.conf})):
        results = [state(subprocess.run([program, *LINE], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
                   for program in ("/usr/bin/ld", LD)]
        stamped = "configuration" not in name
        tap.ok(results[0] == results[1] and len(link.watermarks("out")) == stamped, f"environment: {name}", results)
    box.records()
    os.rename("drop", "away")
    for kind in ("missing", "a file", "unwritable", "a link"):
        if kind == "a file":
            open("drop", "w").close()
        elif kind == "a link":
            os.symlink("away", "drop")
        elif kind == "unwritable":
            os.mkdir("drop", 0)
        result = box.run([LD, *LINE], False)
        tap.ok(state(result) == (0, b"", b"") and len(link.watermarks("out")) == 1 and not os.listdir("away"),
               f"drop folder: {kind}", result)
        if os.path.isdir("drop") and not os.path.islink("drop"):
            shutil.rmtree("drop")
        elif os.path.lexists("drop"):
            os.unlink("drop")
    os.rename("away", "drop")


def limits(box):
    def limit(what, value):
        return lambda: resource.setrlimit(what, (value, value))
    def close(*fds):
        return lambda: [os.close(fd) for fd in fds]
    cases = [("few descriptors", limit(resource.RLIMIT_NOFILE, 20)), ("very few descriptors", limit(resource.RLIMIT_NOFILE, 6)),
             ("small files", limit(resource.RLIMIT_FSIZE, 4096)), ("no files", limit(resource.RLIMIT_FSIZE, 0)),
             ("no processor time", limit(resource.RLIMIT_CPU, 1)), ("little memory", limit(resource.RLIMIT_AS, 40 << 20)),
             ("a small stack", limit(resource.RLIMIT_STACK, 256 << 10))]
    for n in range(1, 8):
        fds = [fd for fd in range(3) if n >> fd & 1]
        cases.append((f"closed descriptors {fds}", close(*fds)))
    for name, before in cases:
        for line in (LINE, ["-m", "elf_x86_64", "a.o", "missing.o"]):
            # a list for stdin and the rest: closed ones are closed last, in the child
            results = [state(box.run([p, *line], False, preexec_fn=before)) for p in ("/usr/bin/ld", LD)]
            tap.equal(results[1], results[0], f"{name}: {line[-1]}")
    box.records()
    # nobody reads
    for which in ("stdout", "stderr"):
        results = []
        for program in ("/usr/bin/ld", LD):
            read, write = os.pipe()
            os.close(read)
            results.append(box.run([program, "-v", "missing.o"], False, **{which: write},
                                   preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)).returncode)
            os.close(write)
        tap.equal(results[1], results[0], f"{which} that nobody reads")


def wait_for(path):
    for _ in range(1000):
        if os.path.exists(path):
            return int(content(path))
        time.sleep(0.01)
    raise TimeoutError(path)


def is_gone(pid):
    for _ in range(300):
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def signals(box, fake):
    env = dict(box.env, **fake.env)
    for mode in ("sleep", "sleep and leave"):
        set_mode(mode)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM, signal.SIGKILL):
            for to_group in (False, True):
                ends = []
                for program in (fake.folder + "/ld", LD):
                    if os.path.exists("pid"):
                        os.unlink("pid")
                    child = subprocess.Popen([program, *LINE], env=env, start_new_session=True, stderr=subprocess.DEVNULL,
                                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
                    linker = wait_for("pid")
                    os.killpg(child.pid, number) if to_group else child.send_signal(number)
                    ends.append(child.wait(timeout=30))
                    gone = is_gone(linker)
                tap.ok(ends[0] == ends[1] and gone, f"{mode}, {number.name} to {'all' if to_group else 'one'}",
                       f"{ends}, gone: {gone}")
    # ignored and blocked ones stay so in the linker
    set_mode("sleep")
    for how in ("ignored", "blocked"):
        os.unlink("pid")
        def before(h=how):
            if h == "ignored":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            else:
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
        masks = []
        for program in (fake.folder + "/ld", LD):
            if os.path.exists("pid"):
                os.unlink("pid")
            child = subprocess.Popen([program, *LINE], env=env, preexec_fn=before, stderr=subprocess.DEVNULL)
            linker = wait_for("pid")
            with open(f"/proc/{linker}/status") as file:
                masks.append([l for l in file if l.startswith(("SigBlk", "SigIgn", "SigCgt"))])
            child.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            alive = child.poll() is None
            child.kill()
            child.wait()
        tap.ok(masks[0] == masks[1] and alive, f"signals {how} by the caller", masks)
        open("pid", "w").close()
    set_mode("")
    result = fake.run(True, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    tap.ok(result.returncode == 0 and len(link.watermarks("out")) == 1, "SIGCHLD ignored by the caller", result)
    box.records()


def main():
    with link.Box() as box:
        box.compile("a", "int v = 7; void _start(void) { for (;;) ; }", "-O1", "-fno-stack-protector")
        fake = Fake(box)
        linkers(box, fake)
        called(box, fake)
        searches(box, fake)
        outputs(box)
        permissions(box)
        environments(box)
        limits(box)
        signals(box, fake)
    tap.done()


main()
