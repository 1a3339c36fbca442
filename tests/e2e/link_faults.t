#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each system call of ours made to fail in turn (strace's injection; the linker's own are left alone): the link ends as the
plain one does. All of them with RUNMARK_TEST_LONG=1, else some of each kind."""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

LD = os.path.join(link.WRAPPERS, "ld")
GOOD = ["-m", "elf_x86_64", "-o", "out", "a.o", "-lc", "-L/usr/lib/x86_64-linux-gnu"]
BAD = GOOD + ["missing.o"]
# what runs in front of main() belongs to the loader, and sigaltstack is the first of ours; the end of a process can't fail
UNTOUCHABLE = {"exit_group", "restart_syscall", "rt_sigreturn"}
ERRORS = {"mmap": ["ENOMEM"], "brk": []}
LONG = bool(os.environ.get("RUNMARK_TEST_LONG"))


def calls_of(box, line):
    """{name: (first, last)} numbers of our own calls of each name."""
    box.run(["strace", "-o", "trace", LD, *line], False)
    before, after = collections.Counter(), collections.Counter()
    is_ours = False
    with open("trace", errors="replace") as file:
        for text in file:
            match = re.match(r"(\w+)\(", text)
            if not match:
                continue
            is_ours |= match.group(1) == "sigaltstack"
            if is_ours and match.group(1) == "execve":  # the plain link
                break
            (after if is_ours else before)[match.group(1)] += 1
    return {name: (before[name] + 1, before[name] + count) for name, count in after.items() if name not in UNTOUCHABLE}


def state(result):
    return result.returncode, result.stdout, result.stderr


def inject(box, line, plain, name, number, error):
    if os.path.exists("out"):
        os.unlink("out")
    result = box.run(["strace", "-qq", "-o", "/dev/null", "-e", f"inject={name}:error={error}:when={number}", LD, *line], False)
    wrong = None
    if state(result) != state(plain):
        wrong = f"{state(result)}"
    elif os.path.exists("out") != (plain.returncode == 0):
        wrong = "output"
    elif plain.returncode == 0:
        marks = link.watermarks("out")
        if len(marks) > 1 or subprocess.run(["readelf", "-aW", "out"], stdout=subprocess.DEVNULL,
                                             stderr=subprocess.PIPE).stderr:
            wrong = f"the output is broken: {marks}"
    for name_in_drop in os.listdir(box.drop):
        path = os.path.join(box.drop, name_in_drop)
        # one that is being written may stay behind if its removal is what fails
        if not wrong and not name_in_drop.endswith(".json") and name not in ("renameat", "renameat2", "unlinkat", "write"):
            wrong = f"left behind: {name_in_drop}"
        os.unlink(path)
    return wrong


def main():
    if not link.has("strace"):
        tap.skip("faults", "no strace")
        tap.done()
    with link.Box() as box:
        box.compile("a", "int v = 7; void _start(void) { for (;;) ; }", "-O1", "-fno-stack-protector")
        for title, line in (("good", GOOD), ("failing", BAD)):
            plain = box.run(["/usr/bin/ld", *line], False)
            for name, (first, last) in sorted(calls_of(box, line).items()):
                wrong, count = [], 0
                numbers = list(range(first, last + 1))
                if not LONG and len(numbers) > 5:
                    numbers = numbers[::len(numbers) // 4]
                for number in numbers:
                    for error in ERRORS.get(name, ["EPERM", "ENOMEM"] if LONG else ["EPERM"]):
                        count += 1
                        found = inject(box, line, plain, name, number, error)
                        if found:
                            wrong.append(f"{name} {number} {error}: {found}")
                tap.ok(not wrong, f"{title} link: {count} faults of {name}", "\n".join(wrong))
    tap.done()


main()
