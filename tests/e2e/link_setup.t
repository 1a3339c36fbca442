#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark-ld-setup: in the linkers' places for the whole system, and out again bit for bit.

In a copy of this system (an overlay, seen by this test alone), where what make install puts is installed.
"""
import glob
import hashlib
import os
import re
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

FOLDERS = ("usr/bin", *(path[1:] for path in glob.glob("/usr/lib/llvm-*/bin")), "usr/x86_64-linux-gnu", "etc/alternatives", "var/lib/dpkg/diversions")
SETUP = "runmark-ld-setup"


def run_apart():
    """Runs this test again, in a namespace of its own for mounts, which end with it. The place they are at is removed as an
    empty folder: nothing that is mounted can be deleted by way of it."""
    place = tempfile.mkdtemp(prefix="runmark-setup-")
    try:
        return subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv],
                              env=dict(os.environ, RUNMARK_TEST_PLACE=place)).returncode
    finally:
        os.rmdir(place)


def make_devices(folder):
    """The few that compilers and shells want; not those of the machine."""
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
        os.mknod(f"{folder}/{name}", 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        os.chmod(f"{folder}/{name}", 0o666)
    os.symlink("/proc/self/fd", folder + "/fd")


def make_root(folder):
    """A copy of the system with Runmark in it. None where there are no overlays."""
    subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{folder}/{name}")
    root = folder + "/root"
    options = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
    if subprocess.run(["mount", "-t", "overlay", "none", "-o", options, root], stderr=subprocess.DEVNULL).returncode:
        return None
    subprocess.run(["mount", "-t", "proc", "-o", "ro", "none", root + "/proc"], check=True)
    make_devices(root + "/dev")
    subprocess.run(["mount", "-t", "tmpfs", "none", root + "/tmp"], check=True)
    subprocess.run(["make", "-s", "-C", link.TOP, "BUILD=" + os.environ.get("BUILD", "build"), "install", "DESTDIR=" + root,
                    "PREFIX=/usr", "SYSCONFDIR=/etc"], check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, MAKEFLAGS="", MAKELEVEL=""))
    with open(root + "/tmp/conf", "w") as file:
        file.write("[daemon]\nsocket = /tmp/none.sock\ndrop =\n")
    with open(root + "/tmp/a.c", "w") as file:
        file.write("int main(void) { return 41; }\n")
    return root


def inside(root, command, **env):
    base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "RUNMARK_CONF": "/tmp/conf"}
    return subprocess.run(["chroot", root, "sh", "-c", "cd /tmp && " + command], env=dict(base, **env),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def snapshot(root):
    """What could change: path -> kind, mode, owner, time, content of all that is a linker, or named like one, and of what dpkg knows."""
    found = {}
    for top in FOLDERS:
        top = os.path.join(root, top)
        paths = [top] if os.path.isfile(top) else [os.path.join(at, name) for at, _, names in os.walk(top) for name in names]
        for path in paths:
            # the system below may change meanwhile, by its own packages
            if not re.search("ld|alternatives|diversions", os.path.relpath(path, root)):
                continue
            st = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isfile(path) and ("ld" in os.path.basename(path) or "diversions" in path or "runmark" in path):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            else:
                content = st.st_size
            # these are written anew, with the same content
            when = st.st_mtime_ns if "diversions" not in path and "etc/alternatives" not in path else 0
            found[os.path.relpath(path, root)] = (st.st_mode, st.st_uid, st.st_gid, when, content)
    return found


def changes(before, after):
    return {name: (before.get(name), after.get(name)) for name in set(before) | set(after) if before.get(name) != after.get(name)}


def links(root, title, wanted=1):
    """Programs by all drivers and linkers carry a stamp, or none, and failing links say what they always said."""
    for driver, linkers in (("gcc", ("", "bfd", "gold", "lld", "mold")), ("clang", ("", "gold", "lld", "mold"))):
        for linker in linkers:
            if not link.has(driver) or (linker and not link.has("ld." + linker)):
                continue
            flag = f"-fuse-ld={linker}" if linker else ""
            result = inside(root, f"rm -f out; {driver} {flag} a.c -o out; ./out")
            marks = link.watermarks(root + "/tmp/out")
            tap.ok(result.returncode == 41 and not result.stderr and len(marks) == wanted, f"{title}: {driver} {linker}",
                   f"{result} {marks}")


WORDS = ("ld --version", "ld.bfd -v", "ld.gold --version", "ld.lld --version", "ld.mold --version", "x86_64-linux-gnu-ld -V", "gold -v",
         "mold --version", "wasm-ld --version", "ld missing.o", "gcc missing.o", "gcc -fuse-ld=gold a.c -lnothing", "clang a.c -lnothing",
         "gcc -fuse-ld=lld a.c -lnothing -o out", "gcc -fuse-ld=mold a.c -lnothing", "gcc -print-prog-name=ld", "/usr/bin/ld nothing.o")


def words(root):
    return [(word, tuple(inside(root, word + " | sed 's/cc......o//' 2>&1").__dict__[k] for k in ("stdout", "stderr")))
            for word in WORDS]


def said(root):
    """What linkers say, without the names of temporary files."""
    return [(word, [re.sub(rb"/tmp/[\w-]+\.o", b"#", part) for part in parts]) for word, parts in words(root)]


def diverted(root):
    before, plain = snapshot(root), said(root)
    result = inside(root, SETUP + " --dry-run install")
    tap.ok(result.returncode == 0 and b"would run: dpkg-divert" in result.stdout and b"\ndiverted" not in result.stdout and not changes(before, snapshot(root)),
           "--dry-run changes nothing", result)
    result = inside(root, SETUP + " status")
    tap.ok(result.returncode == 1 and result.stdout == b"not in place: no linker is diverted\n", "status: nothing there", result)
    result = inside(root, SETUP + " remove")
    tap.ok(result.returncode == 0 and b"nothing to restore" in result.stdout and not changes(before, snapshot(root)), "remove of nothing says so", result)
    result = inside(root, SETUP + " install")
    tap.ok(result.returncode == 0 and b"diverted: /usr/bin/x86_64-linux-gnu-ld.bfd\n" in result.stdout, "install", result)
    links(root, "in place")
    tap.equal([pair for pair in zip(said(root), plain) if pair[0] != pair[1]], [], "what all linkers say is what they said before")
    result = inside(root, "env COMPILER_PATH=/usr/libexec/runmark gcc a.c -o out")
    tap.ok(result.returncode == 0 and len(link.watermarks(root + "/tmp/out")) == 1, "with COMPILER_PATH as well: one note", result)
    there = snapshot(root)
    result = inside(root, SETUP + " install && " + SETUP + " status")
    now = {name: value for name, value in changes(there, snapshot(root)).items() if [v[:3] + v[4:] for v in value if v][0:1] * 2 !=
           [v[:3] + v[4:] for v in value if v]}
    tap.ok(result.returncode == 0 and not now, "install again changes nothing", f"{result} {now}")
    inside(root, "printf x >>/usr/bin/x86_64-linux-gnu-ld.gold")
    result = inside(root, SETUP + " status")
    tap.ok(b"old: /usr/bin/x86_64-linux-gnu-ld.gold" in result.stdout, "status tells another version", result)
    result = inside(root, f"mv /usr/libexec/runmark /usr/libexec/away; {SETUP} status; a=$?; mv /usr/libexec/away /usr/libexec/runmark; exit $a")
    tap.ok(result.returncode == 1 and b"gone: /usr/libexec/runmark, so that links are plain" in result.stdout and b"old: " not in result.stdout,
           "status: Runmark was uninstalled", result)
    bfd = "/usr/bin/x86_64-linux-gnu-ld.bfd"
    result = inside(root, f"mv -f {bfd}.distrib {bfd} && dpkg-divert --quiet --local --no-rename --remove {bfd}; {SETUP} status")
    tap.ok(result.returncode == 1 and f"not diverted: {bfd}; install again\n".encode() in result.stdout, "status: one linker isn't in", result)
    result = inside(root, f"{SETUP} install && cp -p {bfd} /tmp/was && cp --remove-destination /bin/true {bfd}; {SETUP} status")
    way = f"'mv -f {bfd}.distrib {bfd}' puts the real one back, then install or remove again\n".encode()
    tap.ok(result.returncode == 1 and f"broken: {bfd} ".encode() in result.stdout and way in result.stdout, "status: one is broken, the others aren't", result)
    for action in ("install", "remove"):
        result = inside(root, f"{SETUP} {action}")
        tap.ok(result.returncode == 1 and way in result.stderr and not inside(root, f"cmp /bin/true {bfd} && test -x {bfd}.distrib").returncode,
               f"{action} leaves it alone, and says the way out", result)
    result = inside(root, f"mv -f {bfd}.distrib {bfd} && {SETUP} install && {SETUP} status")
    tap.ok(result.returncode == 0 and f"diverted: {bfd}\n".encode() in result.stdout, "which is one", result)
    result = inside(root, f"mv -f {bfd}.distrib {bfd}; {SETUP} remove")
    tap.ok(result.returncode == 0 and not changes(before, snapshot(root)), "a removal that was stopped between its steps is completed", result)
    result = inside(root, SETUP + " install")
    tap.equal(result.returncode, 0, "and install goes on")
    result = inside(root, SETUP + " remove")
    wrong = changes(before, snapshot(root))
    tap.ok(result.returncode == 0 and not wrong, f"remove: {len(before)} files are as they were, bit for bit", f"{result} {wrong}")
    links(root, "removed", 0)
    result = inside(root, SETUP + " remove")
    tap.ok(result.returncode == 0 and not changes(before, snapshot(root)), "remove again changes nothing", result)
    return before


def interrupted(root, before):
    """Left half done at each step, there is a linker, and install and remove both know the way on."""
    bfd = "/usr/bin/x86_64-linux-gnu-ld.bfd"
    steps = [f"ln {bfd} {bfd}.distrib", f"dpkg-divert --quiet --local --no-rename --divert {bfd}.distrib --add {bfd}",
             f"install /usr/libexec/runmark/ld {bfd}.runmark-new", f"mv -f {bfd}.runmark-new {bfd}"]
    for count in range(1, len(steps) + 1):
        for action in ("install", "remove"):
            inside(root, " && ".join(steps[:count]))
            alive = inside(root, "gcc a.c -o out")
            result = inside(root, f"{SETUP} {action}")
            if action == "install":
                tap.ok(alive.returncode == 0 and result.returncode == 0, f"stopped after step {count}, then install", f"{alive} {result}")
                result = inside(root, SETUP + " remove")
            wrong = changes(before, snapshot(root))
            tap.ok(result.returncode == 0 and not wrong, f"stopped after step {count}, then {action}: all is as it was", f"{result} {wrong}")


def refused(root, before):
    cases = [("a wrapper that doesn't run", "cp /usr/libexec/runmark/ld /tmp/keep; printf '#!/bin/sh\\n# Runmark watermark linker\\nexit 1\\n' "
              ">/tmp/bad; install /tmp/bad /usr/libexec/runmark/ld; " + SETUP + " install"),
             ("a wrapper that says other things", "printf '#!/bin/sh\\n# Runmark watermark linker\\necho x\\n' >/tmp/bad; "
              "install /tmp/bad /usr/libexec/runmark/ld; " + SETUP + " install"),
             ("no wrapper", "cp /bin/true /usr/libexec/runmark/ld; " + SETUP + " install"),
             ("another's file in the way", "install /tmp/keep /usr/libexec/runmark/ld; echo >/usr/bin/x86_64-linux-gnu-ld.bfd.distrib; "
              + SETUP + " install; code=$?; rm /usr/bin/x86_64-linux-gnu-ld.bfd.distrib; exit $code"),
             ("a system that isn't known", "mkdir -p few && for n in sh sed sort readlink head grep id cat stat; do ln -sf $(command -v $n) few/; done; "
              "PATH=/tmp/few sh /usr/sbin/" + SETUP + " install"),
             ("a wrong word", SETUP + " instal"), ("no word", SETUP), ("a wrong method", SETUP + " --method x install")]
    for name, command in cases:
        result = inside(root, command)
        wrong = changes(before, snapshot(root))
        tap.ok(result.returncode in (1, 2) and result.stderr and not wrong, f"refused, and nothing changed: {name}", f"{result} {wrong}")
    inside(root, "install /tmp/keep /usr/libexec/runmark/ld")


def upgraded(root):
    """A package that brings another linker: it goes to its place, which is not ours, and is the one that is run and put back."""
    control = "Package: other-ld\\nVersion: 1\\nArchitecture: amd64\\nMaintainer: nobody\\nDescription: none\\n"
    result = inside(root, SETUP + " install && mkdir -p deb/DEBIAN deb/usr/bin && cp /usr/bin/x86_64-linux-gnu-ld.gold.distrib "
                    f"deb/usr/bin/x86_64-linux-gnu-ld.bfd && printf '{control}' >deb/DEBIAN/control && dpkg-deb --build deb other.deb && "
                    "dpkg --force-overwrite --force-depends -i other.deb && ld -v && gcc a.c -o out")
    tap.ok(result.returncode == 0 and b"GNU gold" in result.stdout and len(link.watermarks(root + "/tmp/out")) == 1,
           "a package brings another linker: it is the real one from now on", result)
    result = inside(root, SETUP + " remove && cmp deb/usr/bin/x86_64-linux-gnu-ld.bfd /usr/bin/x86_64-linux-gnu-ld.bfd")
    tap.ok(result.returncode == 0, "and it is what is put back", result)
    result = inside(root, SETUP + " install && dpkg --force-depends -r other-ld && " + SETUP + " status; " + SETUP + " remove && "
                    "! ls /usr/bin/x86_64-linux-gnu-ld.bfd*")
    tap.ok(result.returncode == 0 and b"empty: /usr/bin/x86_64-linux-gnu-ld.bfd" in result.stdout,
           "a package goes: status tells, and nothing of ours is left behind", result)
    inside(root, "cp deb/usr/bin/x86_64-linux-gnu-ld.bfd /usr/bin/")


def alternatives(root):
    """As on RHEL: ld is one of the alternatives, and there is no dpkg-divert."""
    inside(root, "rm /usr/bin/ld && update-alternatives --quiet --install /usr/bin/ld ld /usr/bin/ld.bfd 50 && "
                 "update-alternatives --quiet --install /usr/bin/ld ld /usr/bin/ld.gold 30 && "
                 "ln -s update-alternatives /usr/bin/alternatives && rm /usr/bin/dpkg-divert")
    before, plain = snapshot(root), said(root)
    result = inside(root, SETUP + " install && " + SETUP + " status")
    tap.ok(result.returncode == 0 and result.stdout.endswith(b"alternative: /usr/bin/ld\n" * 2), "alternatives: install", result)
    for driver in ("gcc", "clang"):
        result = inside(root, f"{driver} a.c -o out; ./out")
        tap.ok(result.returncode == 41 and len(link.watermarks(root + "/tmp/out")) == 1, f"alternatives: {driver}", result)
    tap.equal([pair for pair in zip(said(root), plain) if pair[0] != pair[1]], [], "alternatives: what linkers say is what they said before")
    result = inside(root, SETUP + " remove")
    tap.ok(result.returncode == 0 and not changes(before, snapshot(root)), "alternatives: remove, all is as it was",
           f"{result} {changes(before, snapshot(root))}")
    inside(root, "update-alternatives --quiet --set ld /usr/bin/ld.gold")
    result = inside(root, SETUP + " install")
    tap.ok(result.returncode == 1 and b"chosen by hand" in result.stderr, "alternatives: a choice by hand is kept", result)


def main():
    if os.geteuid() != 0 or not link.has("dpkg-divert"):
        tap.skip("in the linkers' places", "needs root, and dpkg-divert")
        tap.done()
    place = os.environ.get("RUNMARK_TEST_PLACE")
    if not place:
        sys.exit(run_apart())
    root = make_root(place)
    if not root:
        tap.skip("in the linkers' places", "no overlays here")
        tap.done()
    before = diverted(root)
    interrupted(root, before)
    refused(root, before)
    upgraded(root)
    alternatives(root)
    tap.done()


main()
