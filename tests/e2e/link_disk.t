#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Full and read-only disks: the link ends as the plain one does, and where that finds room, so does ours."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

PAGE = 4096


def run_apart():
    """Runs this test again in mounts of its own, at a place that is removed as an empty folder."""
    place = tempfile.mkdtemp(prefix="runmark-disk-")
    try:
        return subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv],
                              env=dict(os.environ, RUNMARK_TEST_PLACE=place)).returncode
    finally:
        os.rmdir(place)


def tidy(text):
    """Without what mold calls its temporary file, the order of its threads' words, and where lld's were when it crashed."""
    if b"PrintStackTrace" in text:
        return b"crashed"
    return b"\n".join(sorted(re.sub(rb"\.mold-\w+|/tmp/cc\w+", b"#", text).split(b"\n")))


def on_disk(box, place, options, linker, wrapped, before=None):
    """(status, stdout, stderr, is there an output, its notes) of a link to a disk of its own."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
    try:
        result = box.run(["gcc", "-fuse-ld=" + linker, "a.o", "-o", place + "/out"], wrapped)
        there = os.path.exists(place + "/out")
        return (result.returncode, tidy(result.stdout), tidy(result.stderr), there), link.watermarks(place + "/out") if there else []
    finally:
        subprocess.run(["umount", place], check=True)


def main():
    if os.geteuid() != 0 or not link.has("unshare"):
        tap.skip("full disks", "needs root, for mounts")
        tap.done()
    place = os.environ.get("RUNMARK_TEST_PLACE")
    if not place:
        sys.exit(run_apart())
    with link.Box() as box:
        box.compile("a", "char data[60000] = {1}; int main(void) { return 41; }")
        for linker in ("bfd", "gold", "lld", "mold"):
            if not link.has("ld." + linker):
                tap.skip(linker, "not installed")
                continue
            box.run(["gcc", "-fuse-ld=" + linker, "a.o", "-o", "out"], False)
            need = -(-os.stat("out").st_size // PAGE)
            stamped = 0
            for pages in [2, need // 2, *range(need - 2, need + 4)]:
                plain, _ = on_disk(box, place, f"size={pages * PAGE}", linker, False)
                wrapped, marks = on_disk(box, place, f"size={pages * PAGE}", linker, True)
                tap.equal(wrapped, plain, f"{linker}: a disk of {pages} pages, {need} needed: ends with {plain[0]}")
                stamped += bool(marks)
            tap.ok(stamped, f"{linker}: stamped where there is room", stamped)
            plain, _ = on_disk(box, place, "ro", linker, False)
            wrapped, _ = on_disk(box, place, "ro", linker, True)
            tap.ok(plain[0] != 0 and wrapped == plain, f"{linker}: a disk that is read-only", f"{plain} {wrapped}")
        box.records()
    tap.done()


main()
