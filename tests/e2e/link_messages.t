#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a link says and returns, good, warning or failing: byte for byte the plain linker's, on pipes, files and terminals."""
import os
import pty
import re
import select
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

LONG = bool(os.environ.get("RUNMARK_TEST_LONG"))
GOOD = "int x; int main(void) { return 0; }"
UNDEFINED = "void missing_one(void); void missing_two(void); int main(void) { missing_one(); missing_two(); return 0; }"
WARNING = """#include <stdio.h>
#include <netdb.h>
#include <pwd.h>
int main(void) { char b[L_tmpnam]; return tmpnam(b) != 0 || getpwnam("x") || gethostbyname("y"); }"""

# name, arguments; of the driver
DRIVER_LINES = [
    ("good", ["good.o"]),
    ("static with warnings", ["-static", "warning.o"]),
    ("warning", ["warning.o"]),
    ("undefined", ["undefined.o"]),
    ("doubled", ["good.o", "good.o"]),
    ("missing object", ["nothing.o"]),
    ("missing library", ["good.o", "-lnothing"]),
    ("warnings are errors", ["-static", "warning.o", "-Wl,--fatal-warnings"]),
    ("unresolved as warnings", ["undefined.o", "-Wl,--warn-unresolved-symbols"]),
    ("text relocations", ["-shared", "textrel.o"]),
    ("executable stack", ["execstack.o"]),
    ("unknown option", ["good.o", "-Wl,--no-such-option"]),
    ("unknown keyword", ["good.o", "-Wl,-z,nosuchkeyword"]),
    ("unknown emulation", ["good.o", "-Wl,-m,nothing"]),
    ("--version", ["good.o", "-Wl,--version"]),
    ("-v", ["good.o", "-Wl,-v"]),
    ("-v with warnings", ["warning.o", "-Wl,-v"]),
    ("-V", ["good.o", "-Wl,-V"]),
    ("--help", ["good.o", "-Wl,--help"]),
    ("--verbose", ["good.o", "-Wl,--verbose"]),
    ("-t", ["good.o", "-Wl,-t"]),
    ("-M", ["good.o", "-Wl,-M"]),
    ("-Map=-", ["good.o", "-Wl,-Map=-"]),
    ("--cref", ["good.o", "-Wl,--cref"]),
    ("--print-gc-sections", ["good.o", "-Wl,--gc-sections,--print-gc-sections"]),
    ("--print-memory-usage", ["good.o", "-Wl,--print-memory-usage"]),
    ("--stats", ["bad.txt", "-Wl,--stats"]),
    ("--trace-symbol", ["good.o", "-Wl,-y,main"]),
    ("--orphan-handling=warn", ["good.o", "-Wl,--orphan-handling=warn"]),
    ("a broken object", ["broken.o"]),
    ("a text", ["bad.txt"]),
    ("a folder", ["folder"]),
    ("output into a missing folder", ["good.o", "-o", "no/such/folder/x"]),
    ("output is a folder", ["good.o", "-o", "folder"]),
    ("output is /dev/null", ["good.o", "-o", "/dev/null"]),
    ("an option without its value", ["good.o", "-Wl,-Map"]),
    ("-r", ["-r", "good.o", "-o", "r.o"]),
]
# of the linker by hand
LINKER_LINES = [[], ["--version"], ["-v"], ["-V"], ["good.o", "-o"], ["-o", "x"], ["good.o", "-z"], ["@none"], ["@line"],
                ["good.o", "-e", "main", "-o", "x"], ["-nosuch"], ["-"], ["--"], [""], ["good.o", ""], ["-lc"],
                ["good.o", "undefined.o", "-o", "x"], ["-shared", "good.o", "-o", "x", "--dependency-file=d"],
                ["-shared", "good.o", "-o", "x", "--dependency-file=/no/such/d"], ["-shared", "good.o", "-o", "x", "-t"],
                ["-shared", "good.o", "-(", "-o", "x"], ["-shared", "good.o", "-o", "/dev/null"]]


def sources(box):
    box.compile("good", GOOD)
    box.compile("warning", WARNING)
    box.compile("undefined", UNDEFINED)
    box.compile("textrel", "extern int x; int *f(void) { return &x; }", "-fno-pic", "-mcmodel=large")
    with open("execstack.s", "w") as file:
        file.write('.globl main\nmain: ret\n.section .note.GNU-stack,"x",@progbits\n')
    subprocess.run(["gcc", "-c", "execstack.s"], check=True)
    for name, content in (("broken.o", b"\177ELF" + b"\1" * 100), ("bad.txt", b"this is no linker script\n"),
                          ("line", b"good.o -shared\n-o 'x y'")):
        with open(name, "wb") as file:
            file.write(content)
    os.mkdir("folder")


def tidy(text, linker=""):
    """Without what differs from link to link: times, process ids, memory, temporary files. And where gcc shows what it
    runs (-v is its option, too), it is we that it runs."""
    text = text.replace(link.WRAPPERS.encode() + b"/ld", b"/usr/bin/ld")
    if "mold" in linker:  # its threads speak in no order
        text = b"\n".join(sorted(text.split(b"\n")))
    return re.sub(rb"(/tmp/cc\w+)|(\.mold-\w+)|(\d+\.\d+)|(\d{4,})|(0x[0-9a-f]+)", b"#", text)


def compare(name, a, b, fields=("returncode", "stdout", "stderr")):
    """a: plain."""
    wrong = [f"{f}: {getattr(b, f)!r}\n  plain: {getattr(a, f)!r}" for f in fields if getattr(a, f) != getattr(b, f)]
    tap.ok(not wrong, name, "\n".join(wrong))


def on_pipes(box, driver, linker, lines):
    flag = [] if linker == "default" else ["-fuse-ld=" + linker]
    for name, line in lines:
        command = [driver, *flag, *(["-o", "out"] if "-o" not in line else []), *line]
        results = []
        for wrapped in (False, True):
            if os.path.exists("out"):
                os.unlink("out")
            results.append(box.run(command, wrapped))
            results[-1].exists = os.path.exists("out")
            results[-1].stdout, results[-1].stderr = tidy(results[-1].stdout, linker), tidy(results[-1].stderr, linker)
        compare(f"{driver} {linker}: {name}", *results, fields=("returncode", "stdout", "stderr", "exists"))


def together(box):
    """Both outputs in one file, with one position: the order is kept."""
    for name, line in DRIVER_LINES[::1 if LONG else 2]:
        results = []
        for wrapped in (False, True):
            with open("log", "wb") as log:
                code = box.run(["gcc", "-o", "out", *line], wrapped, stdout=log, stderr=subprocess.STDOUT).returncode
            with open("log", "rb") as log:
                results.append((code, tidy(log.read())))
        tap.equal(results[1], results[0], f"2>&1: {name}")


def by_hand(box):
    path = {"PATH": link.WRAPPERS + ":" + box.env["PATH"]}
    for linker in ("ld", "ld.gold", "ld.lld", "ld.mold"):
        if not link.has(linker):
            tap.skip(linker, "not installed")
            continue
        for line in LINKER_LINES[::1 if LONG or linker == "ld" else 3]:
            results = []
            for env in ({}, path):
                results.append(box.run([linker, *line], False, env=env))
                results[-1].stdout, results[-1].stderr = (tidy(text, linker) for text in
                                                          (results[-1].stdout, results[-1].stderr))
            compare(f"{linker} {' '.join(line)}", *results)


def on_terminal(box, command, wrapped, linker):
    """(exit status, all that the terminal got)"""
    env = dict(box.env, TERM="xterm-256color")
    if wrapped:
        env["COMPILER_PATH"] = link.WRAPPERS
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, env)
    got = b""
    while True:
        select.select([fd], [], [], 60)
        try:
            part = os.read(fd, 65536)
        except OSError:
            part = b""
        if not part:
            break
        got += part
    os.close(fd)
    return os.waitpid(pid, 0)[1], tidy(got, linker)


def terminals(box):
    for linker in ("bfd", "gold", "lld", "mold"):
        if not link.has("ld." + linker):
            tap.skip(linker, "not installed")
            continue
        for name, line in DRIVER_LINES[:10:1 if LONG or linker == "lld" else 3]:
            command = ["gcc", "-fuse-ld=" + linker, "-o", "out", *line]
            tap.equal(on_terminal(box, command, True, linker), on_terminal(box, command, False, linker),
                      f"on a terminal, {linker}: {name}")


def main():
    with link.Box() as box:
        sources(box)
        for driver, linker in (("gcc", "default"), ("clang", "default"), ("gcc", "gold"), ("gcc", "lld"), ("gcc", "mold")):
            if linker != "default" and not link.has("ld." + linker):
                tap.skip(linker, "not installed")
                continue
            # each line with bfd, every third with the others, unless there is time
            step = 1 if linker == "default" or LONG else 3
            on_pipes(box, driver, linker, DRIVER_LINES[::step])
        together(box)
        by_hand(box)
        terminals(box)
    tap.done()


main()
