#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every way to the linker: build systems, compiler wrappers, languages, other machines; and what is passed over."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

MAIN = "#include <stdio.h>\nint main(void) { puts(\"here\"); return 41; }\n"
SHARED = "int shared(void) { return 41; }\n"


def put(path, text, mode=0o644):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def check(box, name, needs, command, outputs, compiler="GCC", **more):
    """command makes outputs, each stamped once, and recorded with its compiler; no other link is recorded."""
    missing = [program for program in needs if not link.has(program)]
    if missing:
        tap.skip(name, "not installed: " + " ".join(missing))
        return
    result = box.run(["sh", "-c", command], True, **more)
    records = box.records()
    marks = {output: link.watermarks(output) for output in outputs}
    known = {record["watermark"].replace("-", ""): record for record in records}
    fine = result.returncode == 0 and all(len(found) == 1 and found[0] in known for found in marks.values())
    told = [(r["output"]["path"], r["compiler"] and r["compiler"]["name"], r["driver"] and r["driver"]["path"]) for r in records]
    tap.ok(fine and len(records) == len(outputs) and all(r["compiler"] and r["compiler"]["name"] == compiler for r in records),
           name, f"{result.stdout.decode()[-800:]}\n{result.stderr.decode()[-800:]}\n{marks}\n{told}")


def build_systems(box):
    put("auto/configure.ac", "AC_INIT([a],[1])\nAM_INIT_AUTOMAKE([foreign])\nLT_INIT\nAC_PROG_CC\nAC_CHECK_LIB([m],[sqrt])\n"
        "AC_CHECK_FUNCS([strlcpy])\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n")
    put("auto/Makefile.am", "lib_LTLIBRARIES = libshared.la\nlibshared_la_SOURCES = shared.c\nbin_PROGRAMS = main\n"
        "main_SOURCES = main.c\nmain_LDADD = libshared.la\n")
    # CMake may have its own way to call the linker
    put("cmake/CMakeLists.txt", "cmake_minimum_required(VERSION 3.10)\nproject(a C)\ninclude(CheckFunctionExists)\n"
        "check_function_exists(strlcpy HAS)\nadd_library(shared SHARED shared.c)\nadd_executable(main main.c)\n"
        "target_link_libraries(main shared)\n")
    put("meson/meson.build", "project('a', 'c')\ncc = meson.get_compiler('c')\ncc.has_function('strlcpy')\ncc.find_library('m')\n"
        "lib = shared_library('shared', 'shared.c')\nexecutable('main', 'main.c', link_with: lib)\n")
    for folder in ("auto", "cmake", "meson"):
        put(folder + "/main.c", MAIN.replace("41", "shared()").replace("int main", "int shared(void); int main"))
        put(folder + "/shared.c", SHARED)
    check(box, "autotools and libtool, without configure's probes", ["autoreconf", "libtoolize"],
          "cd auto && autoreconf -fi && ./configure && make V=1", ["auto/.libs/main", "auto/.libs/libshared.so.0.0.0"])
    check(box, "CMake, without its probes", ["cmake"], "cd cmake && cmake . && make", ["cmake/main", "cmake/libshared.so"])
    check(box, "Meson, without its probes", ["meson", "ninja"], "cd meson && meson setup b && ninja -C b",
          ["meson/b/main", "meson/b/libshared.so"])


def wrappers(box):
    put("main.c", MAIN)
    put("mpi.c", "#include <mpi.h>\nint main(int c, char **v) { MPI_Init(&c, &v); return MPI_Finalize(); }\n")
    for mpi in ("openmpi", "mpich"):
        check(box, f"mpicc of {mpi}", ["mpicc." + mpi], f"mpicc.{mpi} mpi.c -o out-{mpi}", [f"out-{mpi}"])
    check(box, "ccache", ["ccache"], "ccache gcc main.c -o out && mkdir links && ln -s $(command -v ccache) links/gcc && "
          "PATH=$PWD/links:$PATH gcc main.c -o out2", ["out", "out2"], env={"CCACHE_DIR": box.folder + "/ccache"})
    check(box, "-B", [], f"unset COMPILER_PATH; gcc -B{link.WRAPPERS}/ main.c -o out", ["out"])
    check(box, "clang's --ld-path", ["clang"], f"unset COMPILER_PATH; clang --ld-path={link.WRAPPERS}/ld main.c -o out", ["out"],
          compiler="clang")
    check(box, "a script between", [], "printf '#!/bin/sh\\nexec gcc \"$@\"\\n' >cc && chmod 755 cc && ./cc main.c -o out", ["out"])


def languages(box):
    put("main.rs", "fn main() { println!(\"{}\", 41); }\n")
    if os.path.exists("/usr/bin/rustc"):
        check(box, "rustc", [], "/usr/bin/rustc -C linker=gcc main.rs -o out", ["out"])
    else:
        tap.skip("rustc", "not installed")
    put("go/go.mod", "module a\n\ngo 1.19\n")
    put("go/main.go", "package main\n\n// int answer(void) { return 41; }\nimport \"C\"\n\nfunc main() { println(C.answer()) }\n")
    check(box, "Go with cgo, without its probe", ["go"], "cd go && go build -o ../out .", ["out"],
          env={"GOCACHE": box.folder + "/gocache", "GOFLAGS": "-mod=mod", "GOPATH": box.folder + "/gopath", "HOME": box.folder})
    put("main.f90", "program main\n  print *, 41\nend program\n")
    check(box, "Fortran", ["gfortran"], "gfortran main.f90 -o out", ["out"])


def machines(box):
    put("main.c", MAIN)
    put("bare.c", "void _start(void) { for (;;) ; }\n")
    # Debian's can't be installed along with gcc-multilib, which other tests need
    check(box, "a cross gcc", ["aarch64-linux-gnu-gcc"], "aarch64-linux-gnu-gcc -nostdlib bare.c -o out", ["out"])
    tap.ok("AArch64" in link.readelf("-h", "out") or not link.has("aarch64-linux-gnu-gcc"), "it is of the other machine")
    for linker in ("bfd", "gold", "lld"):
        needs = ["clang", "aarch64-linux-gnu-ld"] + (["ld.lld"] if linker == "lld" else [])
        flag = "" if linker == "bfd" else " -fuse-ld=" + linker
        check(box, f"clang for another machine, {linker}", needs, "clang --target=aarch64-linux-gnu -nostdlib -static bare.c -o out" + flag,
              ["out"], compiler="clang")
    check(box, "a cross linker by hand", ["clang", "aarch64-linux-gnu-ld"],
          f"clang --target=aarch64-linux-gnu -c bare.c && PATH={link.WRAPPERS}:$PATH aarch64-linux-gnu-ld bare.o -o out", ["out"],
          compiler="clang")
    for linker in ("aarch64-linux-gnu-ld", "aarch64-linux-gnu-ld.gold"):
        if not link.has(linker):
            continue
        env = {"PATH": link.WRAPPERS + ":" + box.env["PATH"]}
        said = [box.run([linker, *line], False, env=e) for line in (["-v"], ["no.o"]) for e in ({}, env)]
        tap.ok((said[0].stdout, said[2].stderr) == (said[1].stdout, said[3].stderr), f"{linker}: its words", said)


def skipped(box):
    """Outputs of probes, and what the configuration names."""
    box.compile("main", MAIN)
    names = ["conftest", "conftest.exe", "conftest1", "cmTC_a1b2c", "meson-private/sanitycheckc.exe", "CMakeFiles/3.25.1/CompilerIdC/a.out",
             "CMakeFiles/CMakeTmp/a.out", "b001/_cgo_.o", "x/.conf_check_1/testprog"]
    for name in names:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        result = box.run(["gcc", "main.o", "-o", name], True)
        tap.ok(result.returncode == 0 and not link.watermarks(name) and not box.records(), f"passed over: {name}", result)
    for name in ("conftester", "myconftest", "conftest-x", "cmTC", "a.out"):
        result = box.run(["gcc", "main.o", "-o", name], True)
        tap.ok(result.returncode == 0 and len(link.watermarks(name)) == 1 and len(box.records()) == 1, f"not passed over: {name}", result)
    other = box.folder + "/other.conf"
    with open(box.conf) as file:
        put(other, file.read() + "[link]\nskip = */tests/* *.tmp\n")
    for name, count in (("tests/out", 0), ("out.tmp", 0), ("conftest", 1), ("out", 1)):
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        result = box.run(["gcc", "main.o", "-o", name], True, env={"RUNMARK_CONF": other})
        tap.ok(result.returncode == 0 and len(link.watermarks(name)) == count == len(box.records()), f"[link] skip: {name}", result)


def one_note(box):
    """An object that carries a stamped note of another link: one note in the output, and it is of this link."""
    box.compile("main", MAIN)
    subprocess.run(["ld", "-r", link.WRAPPERS + "/placeholder-x86_64.o", "main.o", "-o", "zeros.o"], check=True)
    with open("zeros.o", "rb") as file:
        content = file.read()
    at = content.index(b"RunmarkNote\0") + 12
    for name, mark in (("stamped", b"\x11" * 16), ("zeros", bytes(16))):
        with open(name + ".o", "wb") as file:
            file.write(content[:at] + mark + content[at + 16:])
        for linker in ("bfd", "gold", "lld", "mold"):
            if not link.has("ld." + linker):
                continue
            plain = box.run(["gcc", "-fuse-ld=" + linker, name + ".o", "-o", "plain"], False)
            result = box.run(["gcc", "-fuse-ld=" + linker, name + ".o", "-o", "out", "-Wl,-Map=map"], True)
            marks, records = link.watermarks("out"), box.records()
            tap.ok((result.returncode, result.stdout, result.stderr) == (plain.returncode, plain.stdout, plain.stderr) and
                   len(marks) == 1 == len(records) and records[0]["watermark"].replace("-", "") == marks[0] != "11" * 16 and
                   b"placeholder" not in open("map", "rb").read(),
                   f"{linker}: an input brings a note along ({name})", f"{result} {marks} {len(records)}")


def explained(box):
    box.compile("main", MAIN)
    program = os.path.join(link.BUILD, "bin", "runmark-ld")
    cases = [(["-o", "out", "main.o"], 0, ["linker  /usr/bin/ld\n", f"output  {box.folder}/out\n", "stamped with a new UUID (version 7)\n", "record  "]),
             (["ld.gold", "-o", "out", "main.o"], 0, ["linker  /usr/bin/ld.gold\n"]),
             (["-o", "conftest", "main.o"], 1, ["plain   the configuration passes over this output\n"]),
             (["-r", "-o", "out", "main.o"], 1, ["plain   the output is an object again\n"]),
             (["--version"], 1, ["plain   it isn't a link\n"]),
             (["missing.o"], 1, ["plain   an input that can't be read\n"]),
             ([], 1, ["plain   no input\n"])]
    for line, status, parts in cases:
        result = box.run([program, "--explain", *line], False)
        tap.ok(result.returncode == status and all(part.encode() in result.stdout for part in parts) and not result.stderr and
               not os.path.exists("out") and not box.records(), f"--explain {' '.join(line)}", result)
    result = box.run([program, "--explain", "-o", "out", "main.o"], False, env={"SOURCE_DATE_EPOCH": "1"})
    tap.ok(b"stamped from the content (version 8)\n" in result.stdout, "--explain with SOURCE_DATE_EPOCH", result)
    with open("broken.conf", "w") as conf:
        conf.write("[link]\nstamp = maybe\nwibble = 3\n")
    for name, parts in (("broken.conf", ["broken.conf:2: [link] stamp = maybe: must be yes or no\n", "broken.conf:3: [link] wibble: unknown key\n"]),
                        ("missing.conf", ["missing.conf: cannot be opened: No such file or directory\n"])):
        result = box.run([program, "--explain", "-o", "out", "main.o"], False, env={"RUNMARK_CONF": f"{box.folder}/{name}"})
        wanted = "".join(f"config  {box.folder}/{part}" for part in parts) + "linker "
        tap.ok(result.returncode == 1 and b"plain   the configuration has a mistake" in result.stdout and result.stdout.decode().startswith(wanted), f"--explain tells of {name}", result)


def main():
    for part in (build_systems, wrappers, languages, machines, skipped, one_note, explained):
        with link.Box() as box:
            part(box)
    tap.done()


main()
