#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark-preload-setup: the library in all programs by /etc/ld.so.preload, and out again; and nothing changed where it
can't be loaded. In a copy of the system."""
import os
import random
import re
import signal
import subprocess
import time

import deploy
import fuse
import tap

SETUP = "runmark-preload-setup"
LINE = "/usr/lib/runmark/$LIB/librunmark.so"
LIBRARY = "/usr/lib/runmark/librunmark.so"
LOADER_32 = "/lib/ld-linux.so.2"


def preload_file(root):
    """Its content, if it may be read by all and nothing is left beside it; None: there is none."""
    path = root + "/etc/ld.so.preload"
    beside = [name for name in os.listdir(root + "/etc") if name.startswith("ld.so.preload.")]
    if beside:
        return beside
    try:
        with open(path, newline="") as file:
            return file.read() if os.stat(path).st_mode & 0o777 == 0o644 else oct(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def write_file(root, content):
    path = root + "/etc/ld.so.preload"
    if content is None:
        if os.path.exists(path):
            os.unlink(path)
        return
    with open(path, "w", newline="") as file:
        file.write(content)


def check(root, command, status, *words, after, name):
    result = deploy.inside(root, command)
    got = preload_file(root)
    return tap.ok(result.returncode == status and all(word in result.stdout + result.stderr for word in words) and got == after,
                  name, f"{result}\n{got!r} instead of {after!r}")


def ways(root, heard):
    """Switched on, whoever runs tells; switched off, nobody."""
    check(root, SETUP + " status", 1, "not in place\n", after=None, name="status: nothing there")
    check(root, SETUP + " disable", 0, "nothing to take out", after=None, name="disable of nothing says so")
    check(root, SETUP + " check", 0, "well: /lib64/ld-linux-x86-64.so.2", after=None, name="check tells what it has tried")
    check(root, f"setpriv --reuid=1 --clear-groups {SETUP} check", 0, "well: /lib64/ld-linux-x86-64.so.2", after=None, name="check by a user")
    check(root, SETUP + " --dry-run enable", 0, "would put into /etc/ld.so.preload: " + LINE, after=None, name="--dry-run puts nothing")
    check(root, SETUP + " enable", 0, "in place: " + LINE, after=LINE + "\n", name="enable")
    check(root, SETUP + " status", 0, "in place: " + LINE, after=LINE + "\n", name="status: in place")
    inode = os.stat(root + "/etc/ld.so.preload").st_ino
    check(root, SETUP + " enable", 0, "in place already", after=LINE + "\n", name="enable again")
    tap.equal(os.stat(root + "/etc/ld.so.preload").st_ino, inode, "writes nothing")
    check(root, SETUP + " --dry-run disable", 0, "would take out", after=LINE + "\n", name="--dry-run takes nothing out")
    heard.take()
    deploy.inside(root, "cp /bin/echo other && chown 65534 other && chmod u+s other")
    programs = [("env -i echo cleared", "echo cleared"), ("./other set-user-id", "./other set-user-id"),
                ("LD_PRELOAD= /bin/echo without", "/bin/echo without"), ("sh -c 'exec echo chained'", "echo chained")]
    if os.path.exists(root + LOADER_32) and os.path.exists(root + "/usr/lib/runmark/librunmark32.so"):
        programs.append((f"{LOADER_32} /lib32/libc.so.6", "/lib32/libc.so.6"))
    for command, want in programs:
        result = deploy.inside(root, command)
        tap.ok(result.returncode == 0 and not result.stderr and want in heard.told(), f"with it, this tells of itself: {command}", result)
    result = deploy.inside(root, "RUNMARK_TRACKING=no /bin/echo out")
    said = heard.take()
    tap.ok(result.stdout == "out\n" and (deploy.RUN_OPT_OUT, []) in said and "/bin/echo out" not in [" ".join(argv) for _, argv in said],
           "who opted out tells that alone", said)
    sanitizer(root)
    musl(root, heard)
    check(root, SETUP + " disable", 0, "taken out", after=None, name="disable")
    heard.take()
    deploy.inside(root, "/bin/echo nothing")
    tap.equal(heard.take(), [], "and nobody tells any more")


def sanitizer(root):
    """gcc's runtime for -fsanitize=address refuses to be second, whatever is first: the manual says the ways out."""
    built = deploy.inside(root, "echo 'int main(void) { return 0; }' >a.c && gcc -fsanitize=address -o asan a.c && gcc -print-file-name=libasan.so")
    if built.returncode:
        tap.skip("a program of gcc's address sanitizer", "gcc has none here")
        return
    for env, works in ({}, False), ({"ASAN_OPTIONS": "verify_asan_link_order=0"}, True):
        result = deploy.inside(root, "./asan", **env)
        tap.ok((result.returncode == 0) == works and ("does not come first" in result.stderr) != works, f"gcc's address sanitizer with {env}", result)
    result = deploy.inside(root, f"env LD_PRELOAD={built.stdout.strip()} ASAN_OPTIONS=detect_leaks=0 ./asan")
    tap.ok(result.returncode == 0 and not result.stderr, "what LD_PRELOAD names comes before: the sanitizer is content", result)


def musl(root, heard):
    """musl's loader reads no such file, and takes $LIB for a folder's name."""
    if deploy.inside(root, "musl-gcc -o musl a.c").returncode:
        tap.skip("musl", "musl-gcc is not installed")
        return
    heard.take()
    for entry, tells in ("", False), (LINE, True), (LIBRARY, True):
        result = deploy.inside(root, f"env LD_PRELOAD='{entry}' ./musl")
        tap.ok(result.returncode == 0 and not result.stderr and ("./musl" in heard.told()) == tells,
               f"a program of musl with LD_PRELOAD={entry}: {'tells' if tells else 'silent'}", result)


def manual(root, heard):
    """The system calls of the library are those that its manual names."""
    if deploy.inside(root, "strace -V").returncode:
        tap.skip("system calls of the manual", "strace is not installed")
        return
    text = open(f"{deploy.TOP}/userspace/man/runmark-preload.7").read()
    named = set(re.findall(r"^\.Xr (\w+) 2", text.split(".Ss System calls")[1].split(".Sh")[0], re.M))
    named |= {"newfstatat", "prlimit64"} | {"statx"}  # the kernel's names; fstatat of machines without it
    deploy.inside(root, "mkdir -m 700 spool; mkdir -m 1733 drop")
    python = "python3 -c 'import ctypes; ctypes.CDLL(None)'"
    cases = [("nobody listens", "/bin/true", {"RUNMARK_SOCKET": "/tmp/none"}), ("a daemon", "/bin/true", {}), ("a daemon, and dlopen", python, {}),
             ("a file", python, {"RUNMARK_SPOOL": "/tmp/spool"}), ("opted out", "/bin/true", {"RUNMARK_TRACKING": "no"})]
    for name, program, env in cases:
        given = " ".join(f"-E {key}={value}" for key, value in env.items())
        deploy.inside(root, f"strace -o trace -E LD_PRELOAD={LIBRARY} {given} {program}")
        lines = open(root + "/tmp/trace").read().splitlines()
        # it begins by looking for the socket or a filter, and ends by closing the socket, or where there is none at once
        first = next(i for i, line in enumerate(lines) if "/socket" in line or "O_PATH" in line or "/proc/self/status" in line)
        connected = next((i for i, line in enumerate(lines) if line.startswith("connect(")), first)
        last = next((i for i, line in enumerate(lines) if i > connected and line.startswith("close(3)")), len(lines)) if connected > first else first
        calls = [line.split("(")[0] for line in lines[first:last + 1]]
        tap.ok(set(calls) <= named, f"system calls, {name}: {len(calls)}, all in the manual", sorted(set(calls) - named))
        if name == "nobody listens":
            tap.equal(calls, ["openat"], "one where nobody listens")
    heard.take()


OTHERS = [
    # what was there; and what stands there before our line, and is left by disable, where that isn't the same
    ("/tmp/other.so\n", None),
    ("/tmp/other.so", "/tmp/other.so\n"),
    ("# of the site\n/tmp/other.so /tmp/other.so\n\n\t\n# librunmark.so: never\n", None),
    ("", None),
    ("/opt/runmark/lib/runmark/librunmark.so\n/tmp/other.so\n", "/tmp/other.so\n"),
    ("/tmp/other.so:/opt/lib/librunmark.so /tmp/other.so # /x/librunmark.so\n", "/tmp/other.so:/tmp/other.so # /x/librunmark.so\n"),
    ("/a/librunmark.so /b/librunmark.so:/c/librunmark.so#x\n/tmp/other.so\n", "#x\n/tmp/other.so\n"),
    ("/tmp/mylibrunmark.so /tmp/librunmark.so.1\n", None),
]


def others(root):
    """What others have put there stays, byte for byte."""
    deploy.inside(root, f"cp {LIBRARY} other.so; cp other.so mylibrunmark.so; cp other.so librunmark.so.1")
    for before, left in OTHERS:
        write_file(root, before)
        left = before if left is None else left
        check(root, SETUP + " enable", 0, after=left + LINE + "\n", name=f"enable keeps {before!r}")
        # nothing in it is the same as no file, and cheaper for each program
        check(root, SETUP + " disable", 0, after=left or None, name=f"disable leaves {left!r}")
        write_file(root, None)
    write_file(root, "/opt/librunmark.so\n")
    check(root, SETUP + " status", 1, "another one is in place: /opt/librunmark.so", after="/opt/librunmark.so\n", name="status of another one")
    write_file(root, LINE + "\n")
    check(root, f"mv {LIBRARY} away; {SETUP} status; a=$?; mv away {LIBRARY}; exit $a", 1, "broken: programs print", after=LINE + "\n",
          name="status: the library is gone")
    write_file(root, "/tmp/none.so\n")
    check(root, SETUP + " enable", 0, after="/tmp/none.so\n" + LINE + "\n", name="another's line that is broken doesn't keep ours out")
    check(root, SETUP + " status", 0, after="/tmp/none.so\n" + LINE + "\n", name="nor is it ours")
    write_file(root, None)


def bad_libraries(root):
    """(name, commands that spoil the library, words of the answer)"""
    def build(body):
        with open(f"{root}/tmp/{len(os.listdir(root + '/tmp'))}.c", "w") as file:
            file.write("#include <unistd.h>\n#include <stdlib.h>\n#include <sys/stat.h>\nint x; __attribute__((constructor)) static void f(void) {" + body + "}\n")
        return f"gcc -shared -fPIC -o bad.so {file.name[len(root):]} && cp bad.so {LIBRARY}"
    return [("nothing in it", f": >{LIBRARY}", "file too short"),
            ("half of it", f"head -c 3000 /bin/true >{LIBRARY}", "status 135"),
            ("another machine's", f"printf '\\267' | dd of={LIBRARY} bs=1 seek=18 conv=notrunc", "librunmark.so"),
            ("a symbol that nobody has", "echo 'extern int no_such(void); int (*f)(void) = no_such;' >n.c && gcc -shared -fPIC -o bad.so n.c && "
             f"cp bad.so {LIBRARY}", "nothing done"),
            ("it crashes", build("*(volatile int *)0 = 1;"), "status 139"),
            ("it ends programs", build("_exit(0);"), "nothing done"),
            ("it prints", build("if (write(2, \"x\", 1)) return;"), "nothing done"),
            ("it hangs", build("for (;;) pause();"), "status 124"),
            ("it crashes when it is in place", build("struct stat st; if (!stat(\"/etc/ld.so.preload\", &st) && st.st_size > 29) abort();"),
             "it is taken back"),
            ("all can write it", f"chmod 666 {LIBRARY}", "can be written by others"),
            ("another's", f"chown 65534 {LIBRARY}", "isn't root's"),
            ("all can write its folder", "chmod 777 /usr/lib/runmark", "can be written by others"),
            ("all can write a folder above a class's", "chmod 777 /usr/lib/runmark/lib", "can be written by others"),
            ("all can write the folder of a class", "chmod 777 /usr/lib/runmark/lib/$(uname -m)-linux-gnu", "can be written by others"),
            ("all can write the folder of musl", "chmod 777 '/usr/lib/runmark/$LIB'", "can be written by others"),
            ("another's folder of a class", "chown 65534 /usr/lib/runmark/lib64", "isn't root's"),
            ("the link of a class leads into another's folder", f"mkdir -p theirs && cp {LIBRARY} theirs && chown 65534 theirs && "
             "ln -sf /tmp/theirs/librunmark.so /usr/lib/runmark/lib64", "isn't root's"),
            ("the link of a class leads to another's library", f"cp {LIBRARY} 65534.so && chown 65534 65534.so && "
             "ln -sf ../../../../tmp/65534.so /usr/lib/runmark/lib64/librunmark.so", "isn't root's"),
            ("the link of a class leads to itself", "ln -sf librunmark.so /usr/lib/runmark/lib64", "leads to itself"),
            ("the folder of a class is a link", "rm -r /usr/lib/runmark/lib64 && ln -s lib /usr/lib/runmark/lib64", "is a link to a folder"),
            ("users can't read it", f"chmod 600 {LIBRARY}", "can't be read by all"),
            ("users can't enter its folder", "chmod 750 /usr/lib/runmark", "can't be entered by all"),
            ("users can't enter the folder of a class", "chmod 750 /usr/lib/runmark/lib64", "can't be entered by all"),
            ("no library", f"rm {LIBRARY}", "install Runmark first"),
            ("no loader finds it", "rm -r /usr/lib/runmark/lib", "cannot open shared object file")]


def refused(root):
    """Nothing is put in that programs would be other with."""
    deploy.inside(root, "cp -a /usr/lib/runmark keep && sed -i s/^seconds=20/seconds=2/ /usr/sbin/" + SETUP)
    for name, spoil, words in bad_libraries(root):
        for before in ("/tmp/other.so\n", None):
            write_file(root, before)
            result = deploy.inside(root, f"{spoil} && {SETUP} enable")
            got = preload_file(root)
            alive = deploy.inside(root, "echo alive").stdout == "alive\n"
            tap.ok(result.returncode == 1 and words in result.stdout + result.stderr and got == before and alive,
                   f"refused: {name}, {'beside another' if before else 'no file'}", f"{result} {got!r} {alive}")
            deploy.inside(root, "rm -rf /usr/lib/runmark && cp -a keep /usr/lib/runmark")
    write_file(root, None)
    check(root, f"ln -s /tmp/x /etc/ld.so.preload; {SETUP} enable; a=$?; rm /etc/ld.so.preload; exit $a", 1, "is no plain file", after=None,
          name="refused: the file is a link")
    check(root, f"mkdir /etc/ld.so.preload; {SETUP} enable; a=$?; rmdir /etc/ld.so.preload; exit $a", 1, "is no plain file", after=None,
          name="refused: the file is a folder")
    for words in ("", "enabel", "enable disable", "--root", "--root '' enable", "--root= enable", "--x enable"):
        check(root, f"{SETUP} {words}", 2, "Usage:", after=None, name=f"wrong usage: {words!r}")
    check(root, f"setpriv --reuid=1 --clear-groups {SETUP} enable", 1, "only root", after=None, name="refused: not root")
    for folder in ("/tmp/none", "/tmp/none/none"):
        check(root, f"{SETUP} --root {folder} enable", 1, "no system there", after=None, name=f"refused: no system below --root {folder}")
    without_readlink(root)
    os.mkdir(root + "/tmp/far")
    with open(root + LIBRARY, "rb") as file:
        far = {"librunmark.so": file.read()}
    try:
        mount = fuse.Mount(root + "/tmp/far", far, uid=0, others=True)
    except OSError as error:
        tap.skip("refused: on a file system of the network", f"no FUSE here: {error}")
    else:
        with mount:
            check(root, f"chmod 755 /tmp && ln -sf /tmp/far/librunmark.so {LIBRARY} && {SETUP} enable", 1, "on a file system of the network",
                  after=None, name="refused: on a file system of the network")
        deploy.inside(root, "rm -rf /usr/lib/runmark && cp -a keep /usr/lib/runmark")
    if os.path.exists(root + LOADER_32):
        check(root, f"rm -f /usr/lib/runmark/lib32/librunmark.so; {SETUP} enable", 1, "32-bit", after=None,
              name="refused: 32-bit programs run here, and there is no library for them")
        deploy.inside(root, "rm -rf /usr/lib/runmark && cp -a keep /usr/lib/runmark")


def without_readlink(root):
    """An image may have few programs: none of it is needed to tell whose the library is. Where one is, that is said."""
    setup = [f"{root}/usr/sbin/{SETUP}", "--root", root, "enable"]
    deploy.inside(root, f"mv /usr/bin/readlink /usr/bin/no-readlink; chmod 666 {LIBRARY}")
    result = subprocess.run(setup, capture_output=True, text=True)
    tap.ok(result.returncode == 1 and "can be written by others" in result.stderr and preload_file(root) is None,
           "refused: all can write it, in an image without readlink", result)
    deploy.inside(root, f"chmod 644 {LIBRARY}")
    check(root, SETUP + " enable", 1, "install readlink", after=None, name="refused: no readlink, here")
    result = subprocess.run(setup, capture_output=True, text=True)
    tap.ok(result.returncode == 0 and preload_file(root) == LINE + "\n", "an image without readlink has it, where all is root's", result)
    deploy.inside(root, "mv /usr/bin/no-readlink /usr/bin/readlink")
    write_file(root, None)


STEPS = [("mktemp", "before"), ("mktemp", "after"), ("cp", "after"), ("sync", "before"), ("mv", "before"), ("mv", "after"), ("rm", "after")]


def interrupted(root):
    """Killed at any moment, there is the old file or the new one, and the next one completes it."""
    old, new = "/tmp/other.so\n", "/tmp/other.so\n" + LINE + "\n"
    for tool, when in STEPS:
        for action, before, after in (("enable", old, new), ("disable", new, old)):
            write_file(root, before)
            real = f"/usr/bin/{tool} \"$@\";" if when == "after" else ""
            deploy.inside(root, f"mkdir -p kill && printf '#!/bin/sh\\n%s kill -KILL $PPID\\n' '{real}' >kill/{tool} && chmod 755 kill/{tool}")
            killed = deploy.inside(root, f"PATH=/tmp/kill:$PATH sh /usr/sbin/{SETUP} {action}; test $? = 137")
            with open(root + "/etc/ld.so.preload") as file:
                between = file.read()
            alive = deploy.inside(root, "rm -r kill; echo alive")
            done = deploy.inside(root, f"{SETUP} {action}")
            tap.ok(killed.returncode == 0 and between in (old, new) and alive.stdout == "alive\n" and done.returncode == 0,
                   f"{action} killed {when} {tool}: old or new", f"{killed} {between!r} {done}")
            tap.ok(preload_file(root) == after or between == after, "and once more completes it", f"{preload_file(root)!r}")
            deploy.inside(root, "rm -f /etc/ld.so.preload.*")
    wrong, ends = [], set()
    for _ in range(43):
        write_file(root, old)
        with subprocess.Popen(["chroot", root, "sh", f"/usr/sbin/{SETUP}", "enable"], stdout=subprocess.DEVNULL) as process:
            time.sleep(random.random() * 0.4)
            process.send_signal(random.choice((signal.SIGKILL, signal.SIGTERM)))
        with open(root + "/etc/ld.so.preload") as file:
            between = file.read()
        ends.add(between)
        if between not in (old, new):
            wrong.append(between)
    tap.ok(not wrong, f"killed at 43 moments of its choice: old or new, {len(ends)} of both seen", wrong)
    write_file(root, old)


def together(root):
    """Three at once: what others have there is never lost."""
    wrong = []
    for _ in range(11):
        write_file(root, "/tmp/other.so\n")
        commands = " & ".join([f"{SETUP} enable", f"{SETUP} disable", f"{SETUP} enable"])
        deploy.inside(root, f"({commands} & wait) >/dev/null")
        if preload_file(root) not in ("/tmp/other.so\n", "/tmp/other.so\n" + LINE + "\n"):
            wrong.append(preload_file(root))
    tap.ok(not wrong, "two enable and one disable at once, 11 times: the others' line stays", wrong)
    write_file(root, None)


def image(root):
    """An image from outside; and a chroot inside that has not the library."""
    setup = f"{root}/usr/sbin/{SETUP}"
    result = subprocess.run([setup, "--root", root, "enable"], capture_output=True, text=True)
    tap.ok(result.returncode == 0 and preload_file(root) == LINE + "\n" and not os.path.exists("/etc/ld.so.preload"),
           "--root enables it in an image, and not here", result)
    result = subprocess.run([setup, "--root=" + root + "/", "status"], capture_output=True, text=True)
    tap.ok(result.returncode == 0, "--root: status", result)
    inner = "mkdir -p inner/lib64 inner/etc inner/bin inner/lib/x86_64-linux-gnu && cp /lib64/ld-linux-x86-64.so.2 inner/lib64/ && cp /lib/x86_64-linux-gnu/libc.so.6 inner/lib/x86_64-linux-gnu/ && cp /bin/echo inner/bin/"
    deploy.inside(root, inner)
    result = deploy.inside(root, "chroot inner /bin/echo inside")
    tap.ok(result.stdout == "inside\n" and not result.stderr, "a chroot without library and line is silent", result)
    result = deploy.inside(root, f"LD_PRELOAD='{LINE}' chroot inner /bin/echo inside")
    tap.equal((result.stdout, result.stderr), ("inside\n", f"ERROR: ld.so: object '{LINE}' from LD_PRELOAD cannot be preloaded "
                                               "(cannot open shared object file): ignored.\n"), "with LD_PRELOAD, ld.so says a line there")
    result = subprocess.run([setup, "--root", root, "disable"], capture_output=True, text=True)
    tap.ok(result.returncode == 0 and preload_file(root) is None, "--root: disable", result)
    result = subprocess.run([setup, "--root", root + "/tmp/inner", "enable"], capture_output=True, text=True)
    tap.ok(result.returncode == 1 and "isn't there" in result.stderr, "--root: refused where the library isn't", result)
    deploy.inside(root, "mkdir -p inner/usr/lib && cp -a keep inner/usr/lib/runmark && chmod go-w inner inner/usr inner/usr/lib")
    result = subprocess.run([setup, "--root", root + "/tmp/inner", "enable"], capture_output=True, text=True)
    tap.ok(result.returncode == 1 and "don't run as they should" in result.stderr, "--root: refused where there is no shell to try", result)


def main():
    deploy.need_root("the preload module in all programs")
    root = deploy.make_root(deploy.apart())
    if not root:
        tap.skip("the preload module in all programs", "no overlays here")
        tap.done()
    if not os.path.exists(root + "/usr/lib/runmark/librunmark32.so") and os.path.exists(root + LOADER_32):
        check(root, SETUP + " enable", 1, "32-bit", after=None, name="no 32-bit library, but such programs: refused")
        os.unlink(root + LOADER_32)
    with deploy.Receiver(root + "/run/runmark/runmark.sock") as heard:
        manual(root, heard)
        ways(root, heard)
        others(root)
        refused(root)
        interrupted(root)
        together(root)
        image(root)
    tap.done()


main()
