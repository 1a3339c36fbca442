# SPDX-License-Identifier: BSD-2-Clause
"""The receiving half of the preload module, for tests without a daemon: a socket, files, and what stands in them."""
import mmap
import os
import socket
import struct

import node

KINDS = {1: "process", 2: "file", 3: "exe", 4: "requested", 5: "cwd", 6: "cgroup", 7: "argv", 8: "env", 9: "program",
         10: "object", 11: "end_memory", 12: "host", 13: "boot", 14: "start", 15: "spool_file"}
CUT, FAULT, MORE = 1, 2, 4
BEGIN, END, OPT_OUT = 1, 2, 3
PIECE = 16384
PROCESS = ("boot_ns unix_ns ppid uid euid gid flags pad user_ns system_ns minor_faults major_faults read_bytes "
           "write_bytes max_rss").split()
FILE = "device inode size mtime_ns owner_uid pad".split()
END_AREA = struct.Struct("=IIQQ")


def library(bits=64):
    return os.path.join(node.PROGRAMS, "lib" if bits == 64 else "lib32", "librunmark.so")


class Notes:
    """An object, or the program: path, watermark and build-id, as hex digits, None: there is none."""

    def __init__(self, data):
        has_mark, id_len = data[0], data[1]
        self.watermark = data[8:24].hex() if has_mark else None
        self.build_id = data[24:24 + id_len].hex() if id_len else None
        self.path = os.fsdecode(data[88:])


class Message:
    """message.phase, pid, random; items as attributes (bytes, or a dictionary); objects; flags by item's name."""

    def __init__(self, data):
        magic, self.phase, size, self.pid, *self.random = struct.unpack_from("=IIIIQQ", data)
        assert magic == 0x014e5552 and size == len(data), (hex(magic), size, len(data))
        self.size, self.flags, self.objects, self.order = size, {}, [], []
        at = 32
        while at < size:
            kind, flags, length = struct.unpack_from("=HHI", data, at)
            item = data[at + 8:at + 8 + length]
            assert len(item) == length and not any(data[at + 8 + length:at + 8 + (length + 7 & ~7)]), "padding"
            self.take(KINDS[kind], flags, item)
            at += 8 + (length + 7 & ~7)
        assert at == size

    def take(self, name, flags, item):
        self.order.append(name)
        self.flags[name] = self.flags.get(name, 0) | flags
        if name == "process":
            item = dict(zip(PROCESS, struct.unpack("=QQ6I7Q", item)))
        elif name == "file":
            item = dict(zip(FILE, struct.unpack("=QQQQII", item)))
        elif name == "program":
            item = Notes(item) if item else None
        elif name == "object":
            self.objects.append(Notes(item))
            return
        elif name == "start":
            item = struct.unpack("=Q", item)[0]
        elif name == "end_memory":
            item = struct.unpack("=QQ", item)
        assert not hasattr(self, name), f"two items {name}"
        setattr(self, name, item)

    def get(self, name):
        return getattr(self, name, None)

    def strings(self, name):
        return getattr(self, name).split(b"\0")[:-1]


class End:
    """What an end area holds: told, closed, monotonic_ns, begin_ns, and message, if it was told."""

    def __init__(self, data):
        self.told, self.closed, self.monotonic_ns, self.begin_ns = END_AREA.unpack_from(data)
        size = struct.unpack_from("=I", data, END_AREA.size + 8)[0]
        self.message = Message(bytes(data[END_AREA.size:END_AREA.size + size])) if self.told else None


class Receiver:
    """A socket to which programs tell. receiver.messages() are those that are whole by now, in order; with keep_ends,
    receiver.end(message) is what the program left in its memory: that is opened when the message is read."""

    def __init__(self, path, keep_ends=False):
        self.path, self.keep_ends = path, keep_ends
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.datagrams, self.partial, self.ends = [], {}, {}

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def open_end(self, pid, message):
        if self.keep_ends and message.get("end_memory"):
            address, size = message.end_memory
            try:
                with open(f"/proc/{pid}/map_files/{address:x}-{address + size:x}", "rb") as file:
                    self.ends[message.random[0]] = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
            except FileNotFoundError:
                pass  # it has ended

    def read(self, seconds=0):
        """One datagram: the message that it completes, or True; None if there is none in time."""
        self.socket.settimeout(seconds)
        try:
            data, control, flags, _ = self.socket.recvmsg(1 << 17, socket.CMSG_SPACE(12))
        except (BlockingIOError, TimeoutError):
            return None
        pid, uid, gid = struct.unpack("=iII", control[0][2])
        magic, kind, message_id, total, offset = struct.unpack_from("=IIQII", data)
        assert magic == 0x314b4d52 and kind == 2 and not flags & socket.MSG_TRUNC and len(data) <= 24 + PIECE
        self.datagrams.append((message_id, offset, len(data) - 24))
        have = self.partial.setdefault((pid, message_id), bytearray())
        assert offset == len(have) and offset % PIECE == 0, (offset, len(have))
        have += data[24:]
        if len(have) < total:
            return True
        message = Message(bytes(self.partial.pop((pid, message_id))))
        message.sender = pid, uid, gid
        self.open_end(pid, message)
        return message

    def messages(self, seconds=0):
        found = []
        while (message := self.read(seconds)) is not None:
            if message is not True:
                found.append(message)
        return found

    def end(self, message):
        return End(self.ends[message.random[0]])


def read_file(path):
    """(begin, end or None) of a file of RUNMARK_SPOOL or the drop directory."""
    with open(path, "rb") as file:
        data = file.read()
    magic, size, offset = struct.unpack_from("=QII", data)
    assert magic == 0x314e55524b4d, hex(magic)
    begin = Message(data[16:16 + size])
    assert os.path.basename(path) == f"{begin.random[0]:016x}.run", path
    if not offset:
        assert len(data) == 16 + size
    return begin, End(data[offset:]) if offset else None
