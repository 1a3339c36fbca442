# SPDX-License-Identifier: BSD-2-Clause
"""For tests of the ways in which the preload module gets into programs: a system to try them in, and who hears it.

Nothing here may reach the machine's own /etc/ld.so.preload. The system is a copy, an overlay in a mount namespace of the
test's own, in which the machine's /etc is covered by a copy as well.
"""
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time

import tap

BUILD = os.environ.get("BUILD", "build")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN, RUN_EXE, RUN_ARGV, RUN_BEGIN, RUN_OPT_OUT = 2, 3, 7, 1, 3  # message.h, run_message.h


def install(dest, *variables):
    """What make install puts there of the preload module, and no more."""
    subprocess.run(["make", "-s", "-C", TOP, "BUILD=" + BUILD, "install-preload", "DESTDIR=" + dest, "PREFIX=/usr", *variables],
                   check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, MAKEFLAGS="", MAKELEVEL=""))


def install_at(prefix):
    """The same, in place: as for a prefix of its own."""
    builds = [path for path in (os.path.join(TOP, BUILD, name, "librunmark.so") for name in ("lib", "lib32")) if os.path.exists(path)]
    subprocess.run(["sh", TOP + "/userspace/preload/deploy/install.sh", "", prefix, "0", *builds], check=True)


def apart():
    """Runs this test again in a mount namespace of its own, in which it gets the folder that this returns."""
    if place := os.environ.get("RUNMARK_TEST_PLACE"):
        return place
    place = tempfile.mkdtemp(prefix="runmark-deploy-")
    os.chmod(place, 0o755)
    try:
        done = subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv],
                              env=dict(os.environ, RUNMARK_TEST_PLACE=place))
    finally:
        os.rmdir(place)
    sys.exit(done.returncode)


def cover(folder, place, at):
    """An overlay of folder at the path at; what is written stays in place. False where there are none."""
    for name in ("upper", "work"):
        os.makedirs(f"{place}/{name}")
    return not subprocess.run(["mount", "-t", "overlay", "none", "-o", f"lowerdir={folder},upperdir={place}/upper,workdir={place}/work", at],
                              stderr=subprocess.DEVNULL).returncode


def make_root(place):
    """A copy of the system, with the preload module installed; None where there are no overlays."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", place], check=True)
    root = place + "/root"
    os.mkdir(root)
    if not cover("/", place + "/all", root) or not cover("/etc", place + "/etc", "/etc"):
        return None
    subprocess.run(["mount", "-t", "proc", "-o", "ro", "none", root + "/proc"], check=True)
    for name in ("dev", "tmp", "run"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", f"{root}/{name}"], check=True)
    for name, minor in (("null", 3), ("zero", 5), ("urandom", 9)):
        os.mknod(f"{root}/dev/{name}", 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        os.chmod(f"{root}/dev/{name}", 0o666)
    install(root)
    return root


def inside(root, command, **env):
    return subprocess.run(["chroot", root, "sh", "-c", "cd /tmp && " + command], timeout=120, text=True, errors="replace",
                          env=dict({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}, **env), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def items(message):
    """{kind: bytes} of a run message: the last of each kind."""
    found, at = {}, 32
    while at + 8 <= len(message):
        kind, _, size = struct.unpack_from("=HHI", message, at)
        found[kind] = message[at + 8:at + 8 + size]
        at += 8 + (size + 7) // 8 * 8
    return found


class Receiver:
    """with Receiver(path) as heard: a socket that takes what the module says."""

    def __init__(self, path):
        self.path, self.pieces = path, {}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.thread = threading.Thread(target=self.receive, daemon=True)

    def receive(self):
        while data := self.socket.recv(65536):
            _, kind, name, _, offset = struct.unpack_from("=IIQII", data)
            if kind == RUN:
                self.pieces.setdefault(name, {})[offset] = data[24:]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)
        self.thread.join()
        self.socket.close()
        os.unlink(self.path)

    def take(self, seconds=0.2):
        """[(phase, arguments)] of what came since; a message is there once its program has ended."""
        time.sleep(seconds)
        taken, self.pieces = self.pieces, {}
        whole = [b"".join(parts[at] for at in sorted(parts)) for parts in taken.values()]
        return [(struct.unpack_from("=I", message, 4)[0], items(message).get(RUN_ARGV, b"").decode(errors="replace").split("\0")[:-1])
                for message in whole]

    def told(self):
        """Arguments of the programs that told of themselves, as lines."""
        return sorted(" ".join(argv) for phase, argv in self.take() if phase == RUN_BEGIN)


def need_root(what):
    if os.geteuid():
        tap.skip(what, "needs root")
        tap.done()
