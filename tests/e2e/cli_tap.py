# SPDX-License-Identifier: BSD-2-Clause
"""TAP, and running runmark, for the tests of the CLI."""
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import fcntl
import mariadb_twin

RUNMARK = os.path.abspath(os.path.join(os.environ.get('BUILD', 'build'), 'bin/runmark'))


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, *why):
        self.count += 1
        self.failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', self.count, name))
        for line in ([] if good else why):
            print('# ' + repr(line)[:2000])
        return good

    def same(self, got, wanted, name):
        return self.ok(got == wanted, name, 'got', got, 'wanted', wanted)

    def skip(self, name, reason):
        self.count += 1
        print('ok %d - %s # SKIP %s' % (self.count, name, reason))

    def done(self):
        print('1..%d' % self.count)
        raise SystemExit(1 if self.failed else 0)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def json(self):
        return [json.loads(line) for line in self.out.decode().splitlines()]


def environment(**more):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith('RUNMARK_') and name not in ('COLUMNS', 'TZ')}
    env.update(LC_ALL='C.UTF-8', TZ='UTC0')
    env.update(more)
    return env


def runmark(*args, env=None, prefix=(), **options):
    def call(words):
        done = subprocess.run([*prefix, RUNMARK, *words], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment(**(env or {})), timeout=120,
                              check=False, **options)
        return Result(done.returncode, done.stdout, done.stderr)
    result = call(args)
    if not prefix:  # others have no account
        mariadb_twin.check(args, result, call)
    return result


def on_terminal(columns, *args):
    """What runmark prints on a terminal of that width (standard error elsewhere)."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 50, columns, 0, 0))
    settings = termios.tcgetattr(slave)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    process = subprocess.Popen([RUNMARK, *args], stdout=slave, stderr=subprocess.DEVNULL,
                               env=environment())
    os.close(slave)
    out = b''
    while select.select([master], [], [], 60)[0]:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(master)
    return Result(process.wait(timeout=60), out, b'')


def without_nulls(value):
    """Null and absent are the same to readers."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items()
                if member is not None}
    if isinstance(value, list):
        return [without_nulls(member) for member in value]
    return value


def control_characters(data, but=b'\n'):
    """What a terminal would take as a command."""
    text = data.decode()
    found = re.findall('[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', text)
    return [c for c in found if c.encode() not in but]
