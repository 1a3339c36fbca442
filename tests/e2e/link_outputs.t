#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linkers x drivers x kinds of output: stamped exactly once, recorded, and otherwise as the plain link makes them."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

C = """#include <stdio.h>
#include <math.h>
int shared_value = 23;
__attribute__((noinline)) int unused(int a) { return a * 7; }
int twice(int a) { return 2 * a; }
int main(int argc, char **argv) { printf("%s %d %g\\n", argc > 1 ? argv[1] : "none", twice(shared_value), sqrt(argc * 49.0)); return 41; }
"""
CC = """#include <iostream>
#include <string>
int main() { std::string s = "thrown"; try { throw s; } catch (std::string &t) { std::cout << t << std::endl; } return 41; }
"""
F90 = "program main\n  print *, 'fortran', 6 * 7\n  stop 41\nend program\n"
BARE = """int twice(int a) { return 2 * a; }
void _start(void) { __asm__ volatile("mov %0, %%edi; mov $60, %%eax; syscall" : : "r"(twice(20) + 1) : "edi", "eax"); }
"""
BARE32 = 'void _start(void) { __asm__ volatile("mov $41, %ebx; mov $1, %eax; int $0x80"); }\n'

# name, sources compiled to, flags of compiling, flags of linking, does it run
KINDS = [
    ("default", "c", [], ["-lm"], True),
    ("pie", "c", ["-fPIE"], ["-pie", "-lm"], True),
    ("no-pie", "c", ["-fno-pie"], ["-no-pie", "-lm"], True),
    ("static", "c", ["-fno-pie"], ["-static", "-lm"], True),
    ("static-pie", "c", ["-fPIE"], ["-static-pie", "-lm"], True),
    ("shared", "c", ["-fPIC"], ["-shared", "-Wl,-soname,libx.so.1", "-lm"], False),
    ("stripped", "c", [], ["-s", "-lm"], True),
    ("gc-sections", "c", ["-ffunction-sections"], ["-Wl,--gc-sections", "-lm"], True),
    ("build-id=none", "c", [], ["-Wl,--build-id=none", "-lm"], True),
    ("relro and now", "c", ["-g"], ["-Wl,-z,relro,-z,now", "-Wl,--as-needed", "-rdynamic", "-lm"], True),
    ("noseparate-code", "c", [], ["-Wl,-z,noseparate-code", "-lm"], True),
    ("runpath", "c", [], ["-Wl,-rpath,/opt/x,--disable-new-dtags", "-lm"], True),
    ("version script", "c", ["-fPIC"], ["-shared", "-Wl,--version-script,versions.map", "-lm"], False),
    ("separate-code", "c", [], ["-Wl,-z,separate-code", "-lm"], True),
    ("hash styles", "c", [], ["-Wl,--hash-style=both", "-Wl,-z,max-page-size=65536", "-lm"], True),
    ("execstack", "c", [], ["-Wl,-z,execstack", "-lm"], True),
    ("groups", "c", [], ["-Wl,--start-group", "-lm", "-lc", "-Wl,--end-group"], True),
    ("open group", "c", [], ["-lm", "-Wl,--start-group"], True),
    ("nostdlib", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static"], True),
    ("nostdlib pie", "bare", ["-fno-stack-protector", "-fPIE"], ["-nostdlib", "-pie"], True),
    ("cet", "bare", ["-fno-stack-protector", "-fcf-protection=full"], ["-nostdlib", "-static"], True),
    ("no cet", "bare", ["-fno-stack-protector", "-fcf-protection=none"], ["-nostdlib", "-static"], True),
    ("cet-report=error", "bare", ["-fno-stack-protector", "-fcf-protection=full"],
     ["-nostdlib", "-static", "-Wl,-z,cet-report=error"], True),
    ("used note", "bare", ["-fno-stack-protector", "-fcf-protection=full", "-Wa,-mx86-used-note=yes"],
     ["-nostdlib", "-static"], True),
]
# without a note of ours: the link is plain
PLAIN_KINDS = [
    ("relocatable", "c", [], ["-r", "-nostdlib"]),
    ("linker script", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "-Wl,-T,script.ld"]),
    ("implicit script", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "script.ld"]),
    ("binary", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "-Wl,--oformat,binary"]),
    ("text address", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "-Wl,-Ttext=0x800000"]),
    ("orphans are placed", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "-Wl,--orphan-handling=place"]),
    ("orphans are errors", "bare", ["-fno-stack-protector"], ["-nostdlib", "-static", "-s", "-Wl,--build-id=none,--orphan-handling=error,-T,strict.ld"]),
]
SCRIPT = "SECTIONS { . = 0x400000; .text : { *(.text*) } .eh_frame : { *(.eh_frame) } /DISCARD/ : { *(.note*) *(.comment) } }\n"
STRICT = SCRIPT.replace("/DISCARD/", ".data : { *(.data) *(.bss) *(.got*) *(.rela*) *(.iplt) *(.igot*) } /DISCARD/").replace(".note*", ".note.*")
SOURCES = {"c": C, "bare": BARE}


def link_both(box, command, output):
    """The plain output, the wrapped one, and the two results."""
    plain = box.run([*command, "-o", output + ".plain"], False)
    box.records()
    wrapped = box.run([*command, "-o", output], True)
    return plain, wrapped


def check_output(box, name, command, runs, linker):
    plain, wrapped = link_both(box, command, "out")
    records = box.records()
    if plain.returncode:
        tap.skip(name, "the plain linker can't do it")
        return
    marks = link.watermarks("out")
    want, got = link.shape("out.plain"), link.shape("out")
    if linker == "gold":  # drops "used" properties with no bit set
        want["properties"] = [p for p in want["properties"] if "used" not in p]
    problems = []
    if wrapped.returncode or wrapped.stdout or wrapped.stderr != plain.stderr:
        problems.append(f"exit {wrapped.returncode}, {wrapped.stdout!r}, {wrapped.stderr!r}")
    if len(marks) != 1 or link.version_of(marks[0]) != (7, True):
        problems.append(f"watermarks {marks}")
    problems += [f"{key}: {got[key]}, plain: {want[key]}" for key in want if got[key] != want[key]]
    if len(records) != 1:
        problems.append(f"{len(records)} records")
    else:
        mark = (records[0]["watermark"] or "").replace("-", "")
        if [mark] != marks or records[0]["output"]["path"] != os.path.abspath("out"):
            problems.append(f"record of {mark} {records[0]['output']}")
    if runs:
        a, b = (subprocess.run([f"./{o}", "x"], stdout=subprocess.PIPE) for o in ("out.plain", "out"))
        if (a.returncode, a.stdout) != (b.returncode, b.stdout) or a.returncode != 41:
            problems.append(f"runs as {b}, plain {a}")
    if os.stat("out").st_mode != os.stat("out.plain").st_mode:
        problems.append("mode")
    tap.ok(not problems, name, "\n".join(problems))


def check_plain(box, name, command):
    plain, wrapped = link_both(box, command, "out")
    if plain.returncode:
        tap.skip(name, "the plain linker can't do it")
        return
    with open("out", "rb") as a, open("out.plain", "rb") as b:
        same = a.read() == b.read()
    tap.ok(same and not box.records() and (wrapped.returncode, wrapped.stdout, wrapped.stderr) ==
           (plain.returncode, plain.stdout, plain.stderr), name, f"{same} {wrapped}")


def table(box, driver, linker, kinds):
    flag = [] if linker == "default" else ["-fuse-ld=" + linker]
    for name, source, compile_flags, link_flags, runs in kinds:
        try:
            box.compile("a", SOURCES[source], "-O1", *compile_flags, compiler=driver)
        except subprocess.CalledProcessError:
            tap.skip(f"{driver} {linker}: {name}", "the compiler doesn't know it")
            continue
        check_output(box, f"{driver} {linker}: {name}", [driver, *flag, "a.o", *link_flags], runs, linker)


def copies(box):
    """Stripping and copying keep the note."""
    box.compile("a", C)
    box.run(["gcc", "-g", "a.o", "-lm", "-o", "out"], True)
    mark = link.watermarks("out")
    for command in (["strip", "out", "-o", "copy"], ["strip", "-s", "out", "-o", "copy"],
                    ["strip", "--strip-unneeded", "-R", ".comment", "out", "-o", "copy"], ["objcopy", "out", "copy"],
                    ["objcopy", "--only-keep-debug", "out", "debug"], ["cp", "out", "copy"],
                    ["install", "-s", "out", "copy"]):
        subprocess.run(command, check=True)
        if command[1] != "--only-keep-debug":
            tap.ok(len(mark) == 1 and link.watermarks("copy") == mark, "kept by " + " ".join(command))
        os.path.exists("copy") and os.unlink("copy")


def others(box):
    """Other languages, machines and ways."""
    for driver, source in (("g++", CC), ("clang++", CC), ("gfortran", F90)):
        if not link.has(driver):
            tap.skip(driver, "not installed")
            continue
        box.compile("a", source, compiler=driver)
        check_output(box, driver, [driver, "a.o"], True, "default")
    box.compile("a", C, "-flto", "-O2")
    check_output(box, "gcc -flto", ["gcc", "-flto", "-O2", "a.o", "-lm"], True, "default")
    box.compile("a", BARE32, "-m32", "-fno-pie", "-fno-stack-protector")
    check_output(box, "gcc -m32", ["gcc", "-m32", "-nostdlib", "-static", "a.o"], True, "default")
    tap.ok("Class:                             ELF32" in link.readelf("-h", "out"), "a 32-bit program it is")
    if link.has("ld.lld"):
        box.compile("a", "void _start(void) { for (;;) ; }", "--target=aarch64-linux-gnu",
                    "-mbranch-protection=standard", compiler="clang")
        check_output(box, "aarch64 by clang and lld", ["clang", "--target=aarch64-linux-gnu", "-fuse-ld=lld",
                                                       "-nostdlib", "-static", "a.o"], False, "lld")
        tap.ok("BTI" in link.readelf("-n", "out"), "its branch protection is kept")
    else:
        tap.skip("aarch64", "no lld")


def by_hand(box):
    """ld from PATH, without a driver: its name is what it was called by."""
    box.compile("a", BARE, "-fno-stack-protector")
    env = {"PATH": link.WRAPPERS + ":" + box.env["PATH"]}
    for name in ("ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold"):
        if not link.has(name):
            tap.skip(name, "not installed")
            continue
        result = box.run([name, "a.o", "-o", "out"], False, env=env)
        records = box.records()
        tap.ok(result.returncode == 0 and len(link.watermarks("out")) == 1 and len(records) == 1 and
               subprocess.run(["./out"]).returncode == 41, f"{name} by hand", f"{result} {records}")
        bad = [box.run([name, "missing.o", "-o", "out"], False, env=e) for e in (env, {})]
        tap.ok(bad[0].stderr == bad[1].stderr and bad[0].returncode == bad[1].returncode,
               f"{name} by hand: messages with its name", bad)


def reproducible(box):
    box.compile("a", C)
    outs = []
    for name, epoch in (("one", "1700000000"), ("two", "1700000000"), ("three", ""), ("four", "")):
        os.mkdir(name)
        result = box.run(["gcc", "a.o", "-lm", "-o", f"{name}/out"], True,
                         env={"SOURCE_DATE_EPOCH": epoch} if epoch else {})
        assert result.returncode == 0, result
        with open(f"{name}/out", "rb") as file:
            outs.append(file.read())
    marks = [link.watermarks(f"{name}/out")[0] for name in ("one", "two", "three", "four")]
    tap.ok(outs[0] == outs[1], "two links with SOURCE_DATE_EPOCH are equal byte for byte")
    tap.equal(link.version_of(marks[0]), (8, True), "their watermark is of version 8")
    tap.ok(outs[2] != outs[3] and link.version_of(marks[2]) == (7, True), "without it they differ, version 7")
    build_ids = {r["output"]["build_id"] for r in box.records()}
    tap.ok(len(build_ids) == 1 and None not in build_ids, "the build-id is the same for all", build_ids)


def main():
    with link.Box() as box:
        with open("script.ld", "w") as file:
            file.write(SCRIPT)
        with open("strict.ld", "w") as file:
            file.write(STRICT)
        with open("versions.map", "w") as file:
            file.write("V1 { global: twice; shared_value; local: *; };\n")
        for driver in ("gcc", "clang"):
            table(box, driver, "default", KINDS)
        for linker in ("bfd", "gold", "lld", "mold"):
            if not link.has("ld." + linker):
                tap.skip(linker, "not installed")
                continue
            # "ld" is bfd here: the whole table of the others is for those who have time
            if os.environ.get("RUNMARK_TEST_LONG"):
                table(box, "gcc", linker, KINDS)
                table(box, "clang", linker, KINDS[:6])
            else:
                table(box, "gcc", linker, KINDS[::10 if linker == "bfd" else 3])
                table(box, "clang", linker, KINDS[:2])
        for name, source, compile_flags, link_flags in PLAIN_KINDS:
            box.compile("a", SOURCES[source], "-O1", *compile_flags)
            check_plain(box, f"plain: {name}", ["gcc", "a.o", *link_flags])
        copies(box)
        others(box)
        by_hand(box)
        reproducible(box)
    tap.done()


main()
