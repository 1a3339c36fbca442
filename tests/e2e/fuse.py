# SPDX-License-Identifier: BSD-2-Clause
"""A small FUSE file system, by /dev/fuse itself: one folder of files, read-only, whose server can stop answering.

with Mount(folder, {"name": bytes}, uid=1000) as m: ... m.hang() ... m.go_on()

uid: who has mounted it. Nobody else may look into it, root neither, unless others=True."""
import ctypes
import os
import select
import signal
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LOOKUP, FORGET, GETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 1, 2, 3, 14, 15, 16, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, DESTROY, BATCH_FORGET = 25, 26, 27, 28, 29, 36, 38, 42
SILENT = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT = 1


class Server:
    """The other end, in a process of its own: it must answer while who asks waits."""

    def __init__(self, fd, files, uid, hang_uid):
        self.fd, self.files, self.uid = fd, list(files.items()), uid
        self.hang_uid, self.hangs, self.held = hang_uid, False, []

    def attr(self, node):
        is_folder = node == ROOT
        size = 0 if is_folder else len(self.files[node - 2][1])
        mode = 0o040755 if is_folder else 0o100755
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, (size + 511) // 512, 0, 0, 0, 0, 0, 0, mode, 1, self.uid, self.uid, 0, 4096, 0)

    def reply(self, unique, data=b"", error=0):
        try:
            os.write(self.fd, struct.pack("<IiQ", 16 + len(data), -error, unique) + data)
        except OSError:
            pass  # who asked was killed

    def answer(self, opcode, unique, node, body):
        if opcode == INIT:
            major, minor, ahead, flags = struct.unpack_from("<IIII", body)
            self.reply(unique, struct.pack("<IIIIHHIIHHIIHHI", 7, 31, ahead, 0, 16, 12, 4096, 1, 0, 0, 0, 0, 0, 0, 0) + bytes(12))
        elif opcode == LOOKUP:
            name = body.rstrip(b"\0").decode()
            found = [i for i, (n, _) in enumerate(self.files) if n == name]
            if node != ROOT or not found:
                self.reply(unique, error=2)
            else:  # nothing is valid for a moment longer: each look asks here
                self.reply(unique, struct.pack("<QQQQII", found[0] + 2, 0, 0, 0, 0, 0) + self.attr(found[0] + 2))
        elif opcode == GETATTR:
            self.reply(unique, struct.pack("<QII", 0, 0, 0) + self.attr(node))
        elif opcode in (OPEN, OPENDIR):
            self.reply(unique, struct.pack("<QII", 0, 2, 0))  # what is cached stays
        elif opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            self.reply(unique, self.files[node - 2][1][offset:offset + size])
        elif opcode == WRITE:  # taken, and not kept
            self.reply(unique, struct.pack("<II", struct.unpack_from("<QQI", body)[2], 0))
        elif opcode == STATFS:
            self.reply(unique, struct.pack("<QQQQQIIII", 0, 0, 0, 0, 0, 4096, 255, 4096, 0) + bytes(24))
        elif opcode in (RELEASE, RELEASEDIR, FLUSH, DESTROY, READDIR):
            self.reply(unique)
        else:
            self.reply(unique, error=38)

    def serve(self):
        def set_hangs(number, _):
            self.hangs = number == signal.SIGUSR1
        signal.signal(signal.SIGUSR1, set_hangs)
        signal.signal(signal.SIGUSR2, set_hangs)
        while True:
            if not self.hangs:
                for request in self.held:
                    self.answer(*request)
                self.held.clear()
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self.fd, 1 << 18)
            except OSError as error:
                if error.errno in (2, 4):  # interrupted
                    continue
                return  # unmounted
            _, opcode, unique, node, uid, _, _, _ = struct.unpack_from("<IIQQIIII", data)
            if opcode in SILENT:
                continue
            request = (opcode, unique, node, data[40:])
            if self.hangs and opcode != INIT and self.hang_uid in (None, uid):
                self.held.append(request)
            else:
                self.answer(*request)


class Mount:
    """hang_uid: only requests of that user hang; None: all."""

    def __init__(self, folder, files, uid=0, others=False, hang_uid=None):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={fd},rootmode=40000,user_id={uid},group_id={uid}" + (",allow_other" if others else "")
        if LIBC.mount(b"runmark-test", folder.encode(), b"fuse", 2 | 4, options.encode()):  # nosuid, nodev
            os.close(fd)
            raise OSError(ctypes.get_errno(), "mount of FUSE")
        self.pid = os.fork()
        if self.pid == 0:
            try:
                Server(fd, files, uid, hang_uid).serve()
            finally:
                os._exit(0)
        os.close(fd)

    def hang(self):
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(0.1)

    def go_on(self):
        os.kill(self.pid, signal.SIGUSR2)

    def close(self):
        """Whoever waits for an answer gets an error."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        LIBC.umount2(self.folder.encode(), 2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def why_not():
    """None, or why this machine can't mount."""
    return None if os.path.exists("/dev/fuse") else "there is no /dev/fuse"
