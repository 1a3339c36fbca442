#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark status, tail and doctor, against a daemon that says what the test wants it to say.
import sys
sys.dont_write_bytecode = True
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from cli_database import Database, HOSTILE, Records
from cli_tap import RUNMARK, Tap, control_characters, environment, runmark, without_nulls

tap = Tap()
dir_ = tempfile.mkdtemp(prefix='runmark-cli-')
os.chmod(dir_, 0o755)
spool, drop = dir_ + '/spool', dir_ + '/drop'
socket_path, config = dir_ + '/control.sock', dir_ + '/runmark.conf'
os.mkdir(spool, 0o750)
os.mkdir(drop)
os.chmod(drop, 0o1733)


def configure(**more):
    keys = {'spool': spool, 'drop': drop, 'control': socket_path, 'state': dir_ + '/state'}
    keys.update(more)
    with open(config, 'w') as file:
        file.write('[daemon]\n' + ''.join('%s = %s\n' % item for item in keys.items()))


configure()
CONFIG = ['--config', config]
STATUS = {
    'schema': 'runmark.status/1', 'host': 'n042', 'cluster': 'c1', 'boot_id': 'x', 'instance': 'y',
    'version': '0.1.0', 'pid': 4711, 'uptime_s': 11111.5, 'source': 'bpf',
    'hooks': [{'fact': 'exec', 'rung': 'tp_btf', 'lost': None},
              {'fact': 'mmap', 'rung': 'sys_enter', 'lost': '32-bit programs'}],
    'events': {'exec': 997, 'exit': 991}, 'records': {'run': 983},
    'lost': {'ring_full_exec': 0, 'spool_quota': 13}, 'cut': {'argv': 7}, 'live': 17, 'queue': 3,
    'ring': {'size': 16777216, 'used': 1677721}, 'journal': {'size': 67108864, 'used': 0},
    'spool': {'path': spool, 'files': 5, 'bytes': 5242880, 'open': 'n042.jsonl',
              'last_seq': '9007199254740993'},
    'errors': ['spool \x1b[31m is full']}


class Daemon:
    """Answers each connection with what respond(command, connection) does."""

    def __init__(self, respond):
        self.respond = respond
        self.asked = []
        if os.path.exists(socket_path):
            os.unlink(socket_path)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(socket_path)
        os.chmod(socket_path, 0o600)
        self.server.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            command = connection.makefile().readline()
            self.asked.append(command)
            try:
                self.respond(command, connection)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def says(*answers):
    return lambda command, connection: [connection.sendall(a) for a in answers]


def line(thing):
    return json.dumps(thing).encode() + b'\n'


# status
with Daemon(says(line(STATUS))) as daemon:
    result = runmark('status', '--format', 'json', *CONFIG)
    tap.same((result.json(), result.status, daemon.asked), ([STATUS], 0, ['status\n']),
             'status as JSON is what the daemon says')
    result = runmark('status', *CONFIG)
    tap.ok(all(text in result.out for text in (
        b'runmarkd 0.1.0 on n042 (c1), pid 4711, up 3h05m, source bpf', b'exec     tp_btf\n',
        b'lost: 32-bit programs', b'exec 997, exit 991', b'spool_quota 13', b'argv 7',
        b'17 runs live, 3 queued', b'1.6 of 16.0 MiB used (10%)', b'9007199254740993',
        b'spool \\e[31m is full')) and b'ring_full_exec' not in result.out
        and result.status == 0, 'status for people', result.out)
    tap.same(control_characters(result.out), [], 'safe for a terminal')
    tap.same(runmark('status', env={'RUNMARK_CONF': config}).status, 0, 'RUNMARK_CONF')
answers = [  # what comes, what is said
    ('in pieces', [line(STATUS)[:100], line(STATUS)[100:]], 0, b''),
    ('without what is new or gone', [b'{"schema":"runmark.status/1","news":{"a":[1]}}\n'], 0, b''),
    ('of wrong types', [b'{"schema":7,"hooks":7,"lost":[],"spool":"x","errors":{"a":1}}\n'], 0,
     b''),
    ('an error', [b'{"error":"not \x7fnow"}\n'], 3, b'refuses: not '),
    ('nothing', [], 3, b'without an answer'),
    ('half a line', [b'{"schema":'], 3, b'without an answer'),
    ('not JSON', [b'hello\n'], 3, b"isn't runmarkd"),
    ('not UTF-8', [b'{"host":"\xff"}\n'], 3, b"isn't runmarkd"),
]
for name, pieces, status, said in answers:
    with Daemon(says(*pieces)):
        result = runmark('status', *CONFIG)
        tap.ok(result.status == status and said in result.err
               and result.err.count(b'\n') == (status != 0), 'status: ' + name, result.status,
               result.err)
with Daemon(lambda command, connection: time.sleep(60)):
    began = time.time()
    result = runmark('status', *CONFIG)
    tap.ok(result.status == 3 and b"doesn't answer" in result.err and time.time() - began < 20,
           'a daemon that is stuck', result.err)
tap.ok(b'start it' in runmark('status', *CONFIG).err, 'no daemon behind the socket')
os.unlink(socket_path)
result = runmark('status', *CONFIG)
tap.ok(result.status == 3 and b"isn't running" in result.err, 'no socket', result.err)
result = runmark('status', '--config', dir_ + '/none.conf')
tap.ok(result.status == 3 and b'none.conf' in result.err, 'no such configuration', result.err)
if os.geteuid() == 0:
    nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
    with Daemon(says(line(STATUS))):
        for command in ('status', 'tail'):
            result = runmark(command, *CONFIG, prefix=nobody)
            tap.ok(result.status == 3 and b'must be root' in result.err, command + ': not root',
                   result.err)
else:
    nobody = None
    tap.skip('not root', 'not root')

# tail
made = Records(int(time.time() * 1e6))
objects = made.objects({'path': b'/usr/lib/libc.so.6'})
later = made.objects({'path': b'/usr/lib/libm.so.6'}, {'path': b'/h/' + HOSTILE['latin1']})
rotated = made.objects({'path': b'/usr/lib/libz.so.1'})
env = made.env(LOADEDMODULES=b'gcc/12', X=HOSTILE['latin1'])
unknown = dict(objects, hash='0' * 32)
first = made.run(objects=objects, env=env)
second = made.run(objects=later, exe=b'/h/' + HOSTILE['escape'], argv=(HOSTILE['newline'],),
                  exit={'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': False})
third = made.run(objects=rotated, env=env)
fourth = made.run('start', objects=unknown)
link = made.link(watermark='01a1fd85-696d-7000-8000-000000000001', build_id='aa' * 20)
node = dict(made.head('node'), event='periodic', time=first['start'], instance='0' * 16)
group = dict(made.run(), schema='runmark.group/1', count=11,
             exits=[{'exit': {'code': 0}, 'count': 8}, {'exit': None, 'count': 3}])
names = ['n042.boot.x.%06d.jsonl' % number for number in (1, 2)]


def temporary(name):
    return '%s/.%s.tmp' % (spool, name)


def write_spool(name, *records, mode='ab'):
    with open(temporary(name), mode) as file:
        for record in records:
            file.write(line(record))


class Node:
    """A daemon that writes a spool file and tells whoever tails of records."""

    def __init__(self):
        self.open = names[0]
        self.go = threading.Event()

    def respond(self, command, connection):
        if command == 'status\n':
            connection.sendall(line(dict(STATUS, spool=dict(STATUS['spool'], open=self.open))))
            return
        write_spool(names[0], {'schema': 'runmark.file/1', 'part': 'header'}, objects, env, first)
        connection.sendall(line(first) + b'not a record\n' + line(second)[:100])
        # The set of the second is written a while after the record was sent, in two pieces.
        time.sleep(0.3)
        with open(temporary(names[0]), 'ab') as file:
            file.write(line(later)[:30])
        connection.sendall(line(second)[100:])
        time.sleep(0.2)
        with open(temporary(names[0]), 'ab') as file:
            file.write(line(later)[30:])
        time.sleep(0.3)
        # Another file.
        os.rename(temporary(names[0]), spool + '/' + names[0])
        write_spool(names[1], rotated, env)
        self.open = names[1]
        for record in (third, fourth, link, node, group,
                       {'schema': 'runmark.news/7', 'what': 'ever'}):
            connection.sendall(line(record))
        self.go.wait(60)


def filled(run, objects_, env_):
    return without_nulls(dict(run, objects=objects_ and objects_['objects'],
                              env=env_ and env_['env'], env_b64=env_ and env_.get('env_b64')))


def tail(count, *args):
    """The first so many lines; then the interrupt that a user sends."""
    process = subprocess.Popen([RUNMARK, 'tail', *args, *CONFIG], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    lines = [process.stdout.readline() for _ in range(count)]
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=60)
    return lines, rest, err, process.returncode


with Daemon(Node().respond) as daemon:
    lines, rest, err, status = tail(8, '--format', 'json')
got = [json.loads(text) for text in lines]
tap.same([without_nulls(record) for record in got[:4]],
         [filled(first, objects, env), filled(second, later, None), filled(third, rotated, env),
          filled(fourth, None, None)], 'tail as JSON, with sets from the spool file')
tap.same([without_nulls(record) for record in got[4:]],
         [without_nulls(record) for record in
          (link, node, group, {'schema': 'runmark.news/7', 'what': 'ever'})],
         'other kinds as they are')
tap.same((rest, status), (b'', 0), 'an interrupt ends it well')
tap.ok(err.count(b'\n') == 1 and b'no record' in err, 'a bad line is said', err)
tap.same(control_characters(b''.join(lines)), [], 'safe for a terminal')
for name in names:
    for path in (temporary(name), spool + '/' + name):
        if os.path.exists(path):
            os.unlink(path)

with Daemon(Node().respond) as daemon:
    lines, rest, err, status = tail(9)
cells = [text.split()[2:] for text in lines]
tap.same(lines[0].split(), [b'START', b'USER', b'JOB', b'ELAPSED', b'RUNS', b'EXIT', b'PROGRAM', b'RUN'],
         'tail as a table')
tap.same([(row[4], row[6]) for row in cells[1:5]],
         [(b'0', first['run_id'].encode()), (b'SIGKILL', second['run_id'].encode()),
          (b'0', third['run_id'].encode()), (b'running', fourth['run_id'].encode())], 'runs')
tap.same([row[4:6] for row in cells[5:6]], [[b'linked', b'/home/alice/a.out']], 'links')
tap.same((cells[6][0], cells[6][4], b' '.join(cells[7][3:8])), (b'periodic', b'node', b'11 0 x8, exec x3'),
         'node records and groups')
tap.same((status, control_characters(b''.join(lines)), daemon.asked), (0, [], ['tail\n']),
         'and nothing else asked')
with Daemon(says(line(first))):
    result = runmark('tail', *CONFIG)
    tap.ok(result.status == 3 and b'closed the connection' in result.err
           and first['run_id'].encode() in result.out, 'a daemon that leaves', result.err)
with Daemon(says(b'{"error":"no more room"}\n')):
    result = runmark('tail', *CONFIG)
    tap.ok(result.status == 3 and b'no more room' in result.err, 'a daemon that refuses',
           result.err)
with Daemon(says(line(first), b'x' * (4 * 1024 * 1024 + 100) + b'\n')):
    result = runmark('tail', *CONFIG)
    tap.same(result.status, 3, 'a line without end')
with Daemon(lambda command, connection: [connection.sendall(line(first)) for _ in range(100000)]):
    process = subprocess.run('%s tail --format json --config %s | head -n 3' % (RUNMARK, config),
                             shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=environment(), timeout=60, check=False)
    tap.same((process.stdout.count(b'\n'), process.stderr), (3, b''), 'a reader that leaves')
tap.same(runmark('tail', '--format', 'csv', *CONFIG).status, 2, 'tail has no CSV')
tap.same(runmark('tail', '--columns', 'nope', *CONFIG).status, 2, 'nor such a column')


# doctor
def doctor(*args, prefix=(), env=None):
    """check -> (level, finding, way out) of its last finding, and the status."""
    result = runmark('doctor', '--format', 'json', *CONFIG, *args, prefix=prefix, env=env)
    found = {}
    for finding in result.json():
        found.setdefault(finding['check'], []).append(
            (finding['level'], finding['finding'], finding['way_out']))
    return found, result.status


def worst(findings):
    levels = [level for level, _, _ in findings]
    return 'fail' if 'fail' in levels else 'warn' if 'warn' in levels else 'ok'


database = dir_ + '/site.db'
Database(database).close()
well = dict(STATUS, hooks=STATUS['hooks'][:1], lost={'x': 0}, cut={}, errors=[])
with Daemon(says(line(well))):
    found, status = doctor('--db', 'sqlite:' + database)
    kernel = ('kernel types', 'bpf', 'lockdown', 'bpffs', 'tracefs', 'privileges')
    tap.same({check: worst(findings) for check, findings in found.items() if check not in kernel},
             {check: 'ok' for check in found if check not in kernel}, 'doctor finds all well')
    levels = [worst(findings) for findings in found.values()]
    tap.same(status, 3 if 'fail' in levels else 1 if 'warn' in levels else 0, 'and says so')
    text = runmark('doctor', *CONFIG, '--db', 'sqlite:' + database).out.decode()
    tap.same([entry.split(':')[0].split(None, 1)[1] for entry in text.splitlines()],
             [check for check, findings in found.items() for _ in findings],
             'the same checks for people')
    tap.ok(all(entry.split()[0] in ('ok', 'warn', 'fail') for entry in text.splitlines())
           and all('way out:' in entry for entry in text.splitlines() if entry[:2] != 'ok'),
           'each with level and way out', text)
    if nobody:
        found, status = doctor('--db', 'sqlite:' + database, prefix=nobody)
        tap.ok(worst(found['privileges']) == 'warn' and worst(found['daemon']) == 'warn'
               and 'must be root' not in str(found['daemon']) and status in (1, 3),
               'doctor without privileges', found)
        ways = {out for check in ('daemon', 'pins', 'hooks', 'losses', 'room', 'errors')
                for _, _, out in found[check]}
        tap.same(ways, {'run it as root'}, 'the way out is not to start the daemon')


def with_status(**more):
    return line(dict(well, **more))


GIB = 1 << 30
faults = [  # name, status line, check, level, part of the finding
    ('a poor hook', with_status(hooks=STATUS['hooks']), 'hooks', 'warn', '32-bit programs'),
    ('a fact without hook', with_status(hooks=[{'fact': 'exit', 'rung': None, 'lost': None}]),
     'hooks', 'fail', 'exit'),
    ('no hooks', with_status(hooks=[]), 'hooks', 'fail', 'nothing is seen'),
    ('losses', with_status(lost={'ring_full_exec': 7}), 'losses', 'warn', 'ring_full_exec: 7'),
    ('cuts', with_status(cut={'argv': 7}), 'losses', 'warn', 'argv: 7'),
    ('a full ring', with_status(ring={'size': GIB, 'used': GIB - 1}), 'room', 'warn', 'ring 100%'),
    ('a full journal', with_status(journal={'size': 100, 'used': 81}), 'room', 'warn', 'journal'),
    ('pins that are gone', with_status(generation=7), 'pins', 'fail', 'are gone'),
    ('errors', with_status(errors=['spool is full', 'x\x1by']), 'errors', 'warn', 'x'),
    ('nonsense', b'hello\n', 'daemon', 'fail', 'no answer'),
]
for name, answer, check, level, part in faults:
    with Daemon(says(answer)):
        found, status = doctor()
        tap.ok(worst(found[check]) == level and part in str(found[check]) and status != 0
               and all(out for lv, _, out in found[check] if lv != 'ok'),
               'doctor finds ' + name, found.get(check))
if os.path.exists(socket_path):
    os.unlink(socket_path)
found, status = doctor()
tap.ok(worst(found['daemon']) == 'fail' and status == 3, 'doctor: no daemon', found['daemon'])


def broken_config():
    with open(config, 'a') as file:
        file.write('spol = /x\nring_mib = 3\n')


def old_file():
    path = spool + '/n.b.i.000001.jsonl.zst'
    with open(path, 'wb') as file:
        file.write(b'x')
    os.utime(path, (time.time() - 5 * 86400,) * 2)


def quarantine():
    connection = sqlite3.connect(database)
    connection.execute('INSERT INTO quarantine (spool_file, file, line, reason, size, time_us) '
                       "VALUES (1, 'f', 7, 'r', 9, 0)")
    connection.commit()
    connection.close()


node_faults = [  # name, how to make it, how to undo it, check, level, part of the finding
    ('a wrong configuration', broken_config, configure, 'configuration', 'fail', 'spol'),
    ('no spool', lambda: configure(spool=dir_ + '/none'), configure, 'spool', 'fail', 'No such'),
    ('a spool that is a file', lambda: configure(spool=config), configure, 'spool', 'fail',
     'not a directory'),
    ('an open spool', lambda: os.chmod(spool, 0o777), lambda: os.chmod(spool, 0o750), 'spool',
     'fail', 'writable by everybody'),
    ("another user's spool", lambda: os.chown(spool, 65534, -1), lambda: os.chown(spool, 0, -1), 'spool',
     'warn', 'owned by user 65534'),
    ('files that nobody fetches', old_file, lambda: os.unlink(spool + '/n.b.i.000001.jsonl.zst'),
     'files waiting', 'warn', '5.0 days'),
    ('a state folder too small for the journal', lambda: configure(state='/sys'), configure, 'state folder', 'warn',
     'room for 0 MiB'),
    ('no drop directory', lambda: configure(drop=dir_ + '/none'), configure, 'drop directory',
     'warn', 'No such'),
    ('a closed drop directory', lambda: os.chmod(drop, 0o755), lambda: os.chmod(drop, 0o1733),
     'drop directory', 'warn', '0755'),
    ('a drop directory without sticky bit', lambda: os.chmod(drop, 0o733),
     lambda: os.chmod(drop, 0o1733), 'drop directory', 'warn', '0733'),
    ('pins elsewhere', lambda: configure(pin=dir_ + '/pin'), configure, 'bpffs', 'fail', 'not on'),
    ('quarantined lines', quarantine, lambda: None, 'database', 'warn', '1 line'),
    ('no database', lambda: os.unlink(database), lambda: None, 'database', 'fail', 'No such'),
]
for name, make, undo, check, level, part in node_faults:
    make()
    found, status = doctor('--db', 'sqlite:' + database)
    undo()
    tap.ok(worst(found[check]) == level and part in str(found[check]) and status == 3
           and all(out for lv, _, out in found[check] if lv != 'ok'), 'doctor finds ' + name,
           found.get(check))
found, _ = doctor(env={'RUNMARK_DB': ''})
tap.ok('database' in found, 'a node without database', found.get('database'))

shutil.rmtree(dir_)
tap.done()
