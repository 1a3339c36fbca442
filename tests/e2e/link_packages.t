#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real packages, from Debian's sources: built with the watermark linker as without it, stamped once, reproducible.

Each is built three times in the same folder, with SOURCE_DATE_EPOCH set: plainly, wrapped, and wrapped again. What the build
says must be the same, and every file it makes, but for the watermark; and the two wrapped builds equal byte for byte.
Takes the better part of an hour and the network, so it runs with RUNMARK_TEST_LONG alone; RUNMARK_PACKAGES="a b" takes some.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian
import link
import tap

AUTO = "sh ./configure && make"
RECONF = "autoreconf -fi && sh ./configure && make"
MESON = "meson setup build && ninja -v -j1 -C build"


def cmake(options=""):
    return f"cmake -S . -B build -DCMAKE_VERBOSE_MAKEFILE=ON {options} && make -C build"


# source package, how it is built (its tests last, where they are quick)
PACKAGES = [
    ("hello", AUTO),
    ("zlib", "sh ./configure && make && make check"),
    ("bzip2", "make && make check"),
    ("tree", "make"),
    ("lz4", "make -C lib && make -C programs"),
    ("xxhash", "make"),
    ("lzip", AUTO + " && make check"),
    ("clzip", AUTO + " && make check"),
    ("lua5.4", "make -C src linux"),
    ("expat", "cd expat && " + RECONF),
    ("jansson", RECONF),
    ("libyaml", RECONF + " && make check"),
    ("cjson", cmake() + " && make -C build test"),
    ("tinyxml2", cmake()),
    ("pugixml", cmake("-DBUILD_SHARED_LIBS=ON")),
    ("utf8proc", "make"),
    ("libpng1.6", AUTO),
    ("json-c", cmake("-DBUILD_STATIC_LIBS=OFF")),
    ("libjsoncpp", MESON),
    ("minpack", AUTO + " && make check"),
    ("dash", RECONF),
    ("ed", AUTO + " && make check"),
    ("pv", AUTO),
    ("ncompress", "make"),
    ("libmd", RECONF + " && make check"),
    ("snappy", cmake("-DSNAPPY_BUILD_TESTS=OFF -DSNAPPY_BUILD_BENCHMARKS=OFF -DBUILD_SHARED_LIBS=ON")),
    ("libdeflate", "make"),
    ("yajl", cmake()),
    ("figlet", "make"),
    ("cppunit", AUTO),
    ("cmocka", cmake()),
    ("dos2unix", "make"),
    ("double-conversion", cmake("-DBUILD_SHARED_LIBS=ON")),
    ("fribidi", MESON),
    ("gperf", AUTO),
    ("libtasn1-6", AUTO),
    ("lmdb", "make -C libraries/liblmdb && make -C libraries/liblmdb test"),
    ("lzo2", AUTO + " && make check"),
    ("muparser", cmake()),
    ("popt", AUTO),
]
# what is a log of the build, with times in it, or a probe that a build system leaves behind
LOGS = re.compile(r"(^|/)(CMakeFiles/\d[^/]*/.*|CMakeFiles/CheckTypeSize/.*|meson-private/.*|CMakeFiles/Makefile2|config\.log|\.ninja_(log|deps)|CMakeOutput\.log|CMakeError\.log|CMakeConfigureLog\.yaml|meson-log\.txt|"
                  r"meson-logs/.*|LastTest.*|Testing/.*|build\.dat|coredata\.dat|autom4te\.cache/.*|.*\.(log|trs|a|tmp))$")


def tidy(text):
    """Without times, temporary names and process ids. And whoever asks gcc for its ld is told of ours."""
    text = text.replace(link.WRAPPERS.encode(), b"/usr/bin")
    text = re.sub(rb"/tmp/\w+\.\w+|/tmp/cc\w+|cmTC_\w+|\b\d+\.\d+ ?(s|sec|seconds|ms)\b|\d\d:\d\d:\d\d", b"#", text)
    return b"\n".join(line for line in text.split(b"\n") if b"Total Test time" not in line)


def build(box, tree, recipe, wrapped):
    """(exit status, stdout, stderr, {path: content}, records) of a build in the folder box.folder/build."""
    place = os.path.join(box.folder, "build")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(tree, place, symlinks=True)
    env = {"SOURCE_DATE_EPOCH": "1700000000", "HOME": box.folder, "CFLAGS": "-O1 -g", "CXXFLAGS": "-O1 -g", "FFLAGS": "-O1"}
    result = box.run(["sh", "-c", recipe], wrapped, cwd=place, env=env, timeout=1800)
    files = {}
    for folder, _, names in os.walk(place):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and not LOGS.search(os.path.relpath(path, place)):
                with open(path, "rb") as file:
                    files[os.path.relpath(path, place)] = file.read().replace(link.WRAPPERS.encode(), b"/usr/bin")
    return result.returncode, tidy(result.stdout), tidy(result.stderr), files, box.records(), place


def is_linked(content):
    return content[:4] == b"\177ELF" and content[16] in (2, 3) and b"\0.dynamic\0" in content or \
        content[:4] == b"\177ELF" and content[16] == 2


def differing(name, a, b):
    return "".join(f"{name}: {x!r}\n  plain: {y!r}\n" for y, x in zip(a.split(b"\n"), b.split(b"\n")) if x != y)[:2000]


def check(box, package, tree, recipe):
    plain = build(box, tree, recipe, False)
    wrapped = build(box, tree, recipe, True)
    marks = {name: link.watermarks(os.path.join(wrapped[5], name)) for name, content in wrapped[3].items() if is_linked(content)}
    again = build(box, tree, recipe, True)
    tap.ok(plain[:3] == wrapped[:3], f"{package}: exit status {plain[0]}, and every word of it",
           f"{plain[0]} {wrapped[0]}\n" + differing("stdout", plain[1], wrapped[1]) + differing("stderr", plain[2], wrapped[2]))
    if plain[0]:
        tap.skip(f"{package}: outputs", "it doesn't build here: " + plain[2].decode("latin-1").strip()[-200:].replace("\n", " "))
        return 0
    wrong = {name: found for name, found in marks.items() if len(found) != 1 or link.version_of(found[0])[0] != 8}
    tap.ok(not wrong, f"{package}: {len(marks)} programs and libraries, each stamped once", wrong)
    others = [name for name in set(plain[3]) | set(wrapped[3]) if plain[3].get(name) != wrapped[3].get(name) and name not in marks]
    tap.ok(not others, f"{package}: all other files are those of the plain build", others)
    other = [name for name in set(wrapped[3]) | set(again[3]) if wrapped[3].get(name) != again[3].get(name)]
    tap.ok(not other, f"{package}: two builds are equal byte for byte", other)
    known = {(record["watermark"] or "").replace("-", "") for record in wrapped[4]}
    tap.ok({mark for found in marks.values() for mark in found} <= known, f"{package}: {len(wrapped[4])} links recorded")
    return len(marks)


def main():
    wanted = os.environ.get("RUNMARK_PACKAGES", "").split()
    if not wanted and not os.environ.get("RUNMARK_TEST_LONG"):
        tap.skip("real packages", "only in the long test: make check-long")
        tap.done()
    programs = 0
    with link.Box() as box:
        apt = debian.lists(box.folder)
        if not apt:
            tap.skip("real packages", "no sources to be had from deb.debian.org")
            tap.done()
        for package, recipe in PACKAGES:
            if wanted and package not in wanted:
                continue
            tree = debian.source(box.folder, package, apt)
            if not tree:
                tap.skip(package, "no such source")
                continue
            programs += check(box, package, tree, recipe)
            shutil.rmtree(tree, ignore_errors=True)
    tap.ok(programs > 0, f"{programs} programs and libraries in all")
    tap.done()


main()
