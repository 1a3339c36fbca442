#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark find: every filter against a predicate, every format, hostile text, exit statuses.
import sys
sys.dont_write_bytecode = True
import base64
import csv
import io
import os
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unicodedata
from cli_database import Database, HOSTILE, Records, exact, slurm, time_of, us_of
from cli_tap import RUNMARK, Tap, control_characters, environment, on_terminal, runmark, \
    without_nulls

tap = Tap()
dir_ = tempfile.mkdtemp(prefix='runmark-cli-')
db_path = os.path.join(dir_, 'a %3f?#.db')
DB = ['--db', 'sqlite:' + db_path]
NOW = int(time.time() * 1e6)
DAY = 86400
W1, W2 = '01a1fd85-696d-7000-8000-000000000001', '01a1fd85-696d-7000-8000-000000000002'
A, B, C = 'aa' * 20, 'bb' * 20, 'cc' * 16

made = Records(NOW)
libm = {'path': b'/usr/lib/x86_64-linux-gnu/libm.so.6', 'build_id': C}
libmpi = {'path': b'/opt/mpi/lib/libmpi.so.40.30.4', 'watermark': W2, 'build_id': B}
libblas = {'path': b'/opt/lib/libopenblas-r0.3.21.so'}
gone = {'path': b'/opt/lib/libgone.so.1 (deleted)', 'inode': str((1 << 64) - 1)}
loader = {'path': b'/usr/lib64/ld-linux-x86-64.so.2', 'inode': '0'}
usual = made.objects(loader, libm)
mpi = made.objects(loader, libm, libmpi, libblas)
odd = made.objects(loader, gone)
none = made.objects()
env = made.env(LOADEDMODULES=b'gcc/12', OMP_NUM_THREADS=b'4')
hostile_env = made.env(**{'V_' + name: data for name, data in HOSTILE.items()})

runs = [made.run(ago_s=60 * i, objects=usual, env=env) for i in range(23)]
runs += [made.run(exe=b'/usr/bin/python3.11', user='bob', uid=1001, ago_s=7 * i, objects=mpi,
                  host='n0%d' % (43 + i % 3)) for i in range(13)]
runs += [
    made.run(exe=b'/usr/bin/python3', user=None, uid=4242, ago_s=100, objects=none),
    made.run(exe=b'/home/alice/a.out', watermark=W1, build_id=A, ago_s=200,
             job=slurm('123', '0', '2'), objects=usual, mpi={'rank': 0, 'size': 64}),
    made.run(exe=b'/home/alice/a.out (deleted)', watermark=W1, build_id=B, ago_s=201,
             job=slurm('123', 'batch')),
    made.run(exe=b'/home/bob/a.out', watermark=W2, build_id=A, ago_s=202, job=slurm('124', '0')),
    made.run(exe=b'/home/bob/x', ago_s=203, job=slurm('125', '0', array='120_3'), env=hostile_env),
    made.run(exe=b'/home/bob/x', source='preload', ago_s=204, job=slurm('126', '1', array='120_4')),
    made.run(exe=b'/bin/false', ago_s=300, exit={'code': 1}, objects=odd),
    made.run(exe=b'/bin/sleep', ago_s=301,
             exit={'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': True}),
    made.run(exe=b'/bin/crash', ago_s=302, origin='fork', login_uid=1000,
             exit={'signal': 11, 'name': 'SIGSEGV', 'core': True, 'oom': False}),
    made.run(exe=b'/bin/lost', ago_s=303, end=None, elapsed_s=None, exit=None, usage=None,
             incomplete=['end: node lost', 'argv: cut at 16384 bytes'], argv=()),
    made.run('start', exe=b'/bin/daemon', ago_s=304, origin='scan'),
    made.run(exe=b'/bin/sh', script=b'/home/alice/run me.sh', argv=(b'sh', b'run me.sh', b''),
             ago_s=305, container={'runtime': 'podman', 'id': 'c0ffee'},
             parent_run_id='01a1fd85-696d-8000-8000-000000000001'),
    made.run(exe=b'/bin/noargs', source='preload', argv=(), ago_s=306),
    made.run(exe=b'/bin/old', ago_s=8 * DAY),
    made.run(exe=b'/bin/older', ago_s=30 * DAY, job=slurm('99', '0')),
    made.run(exe=b'/bin/long', argv=(b'x' * 131072,), ago_s=307, elapsed_s=2 ** 31 + 0.5),
]
runs[-4]['exe'].update(path=None, requested=None, device=None, inode=None, fstype=None,
                       owner_uid=None, size=None, mtime=None, watermark_state='unknown')
for i, data in enumerate(HOSTILE.values()):
    runs.append(made.run(exe=b'/h/' + data, argv=(data, b'a ' + data), cwd=b'/c/' + data,
                         script=b'/s/' + data, requested=b'./' + data, ago_s=400 + i,
                         objects=made.objects({'path': b'/l/' + data + b'.so'}),
                         cgroup='/user.slice', env=hostile_env))

database = Database(db_path)
for record in made.sets + runs:
    database.put(record)
database.db.commit()
database.db.execute('PRAGMA journal_mode = WAL')
database.close()

sets = {record['hash']: record for record in made.sets}


def filled(run):
    """The run as find prints it: with what its sets hold, and what became of it."""
    run = dict(run)
    if run['schema'] == 'runmark.start/1':
        run['state'] = 'running'
    for reference, names in (('object_set', ('objects',)), ('env_set', ('env', 'env_b64'))):
        for name in names:
            run[name] = sets[run[reference]].get(name) if run[reference] else None
    return without_nulls(run)


def start(run):
    return us_of(run['start'])


def ids(records):
    return [r['run_id'] for r in sorted(records, key=lambda r: (start(r), r['run_id']))]


def exe(run):
    return exact(run['exe'], 'path') or b''


def libs(run):
    return [exact(o, 'path') for o in sets[run['object_set']]['objects']] \
        if run['object_set'] else []


def job(run, name):
    return (run['job'] or {}).get(name)


def failed(run):
    return bool(run['exit']) and (run['exit'].get('code') != 0 or 'signal' in run['exit'])


week = [r for r in runs if start(r) >= NOW - 7 * DAY * 1000000 + 3600000000]
H = {name: os.fsdecode(b'/h/' + data) for name, data in HOSTILE.items()}

# options, which of the last week's runs they find (a function), of all runs (None: the last week's)
filters = [
    ([], lambda r: True),
    (['--user', 'alice'], lambda r: r['user'] == 'alice'),
    (['--user', 'bob'], lambda r: r['user'] == 'bob'),
    (['--user', '1001'], lambda r: r['uid'] == 1001),
    (['--user', '4242'], lambda r: r['uid'] == 4242),
    (['--user', 'nobody-here'], lambda r: False),
    (['--user', "alice' OR '1'='1"], lambda r: False),
    (['--job', '123'], lambda r: job(r, 'id') == '123'),
    (['--job', '123.0'], lambda r: job(r, 'id') == '123' and job(r, 'step') == '0'),
    (['--job', '123.batch'], lambda r: job(r, 'id') == '123' and job(r, 'step') == 'batch'),
    (['--job', '123.1'], lambda r: False),
    (['--job', '125'], lambda r: job(r, 'id') == '125'),
    (['--job', '120'], lambda r: job(r, 'array_id') == '120'),
    (['--job', '120_3'], lambda r: job(r, 'array_task') == '3'),
    (['--job', '120_3.0'], lambda r: job(r, 'array_task') == '3'),
    (['--job', '120_5'], lambda r: False),
    (['--job', '12'], lambda r: False),
    (['--host', 'n042'], lambda r: r['host'] == 'n042'),
    (['--host', 'n04[34]'], lambda r: r['host'] in ('n043', 'n044')),
    (['--host', 'n04'], lambda r: False),
    (['--exe', 'python3'], lambda r: exe(r) == b'/usr/bin/python3'),
    (['--exe', 'python3*'], lambda r: exe(r).startswith(b'/usr/bin/python3')),
    (['--exe', '/usr/bin/python3.11'], lambda r: exe(r) == b'/usr/bin/python3.11'),
    (['--exe', '/home/*'], lambda r: exe(r).startswith(b'/home/')),
    (['--exe', '*a.out'], lambda r: b'a.out' in exe(r)),
    (['--exe', 'a.out'], lambda r: b'a.out' in exe(r)),
    (['--exe', '/home/alice/a.out'], lambda r: exe(r).startswith(b'/home/alice/a.out')),
    (['--exe', '*'], lambda r: True),
    (['--exe', '/h/*'], lambda r: exe(r).startswith(b'/h/')),
    (['--exe', H['newline']], lambda r: exe(r) == b'/h/' + HOSTILE['newline']),
    (['--exe', H['latin1']], lambda r: exe(r) == b'/h/' + HOSTILE['latin1']),
    (['--exe', H['quote']], lambda r: exe(r) == b'/h/' + HOSTILE['quote']),
    (['--exe', os.fsdecode(b'*\xff*')], lambda r: exe(r) == b'/h/' + HOSTILE['latin1']),
    (['--exe', 'räksmörgås 日本語 🦐'], lambda r: exe(r) == b'/h/' + HOSTILE['utf8']),
    (['--lib', 'libm.so'], lambda r: libm['path'] in libs(r)),
    (['--lib', 'libm'], lambda r: libm['path'] in libs(r)),
    (['--lib', 'libm.so.6'], lambda r: libm['path'] in libs(r)),
    (['--lib', 'libmpi.so.40'], lambda r: libmpi['path'] in libs(r)),
    (['--lib', 'libopenblas.so'], lambda r: False),
    (['--lib', 'libopenblas*'], lambda r: libblas['path'] in libs(r)),
    (['--lib', '/opt/*'], lambda r: any(p.startswith(b'/opt/') for p in libs(r))),
    (['--lib', 'libgone.so'], lambda r: gone['path'] in libs(r)),
    (['--lib', libmpi['path'].decode()], lambda r: libmpi['path'] in libs(r)),
    (['--watermark', W1], lambda r: r['exe']['watermark'] == W1),
    (['--watermark', W2.upper()],
     lambda r: r['exe']['watermark'] == W2 or libmpi['path'] in libs(r)),
    (['--watermark', '01a1fd85-696d-7000-8000-00000000000f'], lambda r: False),
    (['--build-id', A], lambda r: r['exe']['build_id'] == A),
    (['--build-id', B], lambda r: r['exe']['build_id'] == B or libmpi['path'] in libs(r)),
    (['--build-id', C.upper()], lambda r: libm['path'] in libs(r)),
    (['--failed'], failed),
    (['--source', 'bpf'], lambda r: r['source'] == 'bpf'),
    (['--source', 'preload'], lambda r: r['source'] == 'preload'),
    (['--source', 'xalt'], lambda r: False),
    (['--source', 'preload', '--user', 'alice'], lambda r: r['source'] == 'preload' and r['user'] == 'alice'),
    (['--signal', 'KILL'], lambda r: (r['exit'] or {}).get('signal') == 9),
    (['--signal', '11'], lambda r: (r['exit'] or {}).get('signal') == 11),
    (['--user', 'bob', '--lib', 'libm.so', '--host', 'n043'],
     lambda r: r['user'] == 'bob' and r['host'] == 'n043'),
    (['--user', 'alice', '--failed', '--exe', 'false'], lambda r: exe(r) == b'/bin/false'),
    (['--user', 'bob', '--exe', 'true'], lambda r: False),
    (['--job', '123', '--exe', 'a.out', '--watermark', W1, '--user', 'alice'],
     lambda r: job(r, 'id') == '123'),
]
for options, fits in filters:
    wanted = ids(r for r in week if fits(r))
    result = runmark('find', '--format', 'json', *options, *DB)
    got = [r['run_id'] for r in result.json()]
    name = 'find ' + ' '.join(options).encode(errors='replace').decode()
    tap.same((got, result.status), (wanted, 0 if wanted else 1), ascii(name))

# --since and --until; None: the default window
def ran_until(run):
    """An open run goes on; one whose end is unknown is a point in time."""
    return us_of(run['end']) or (NOW if run['schema'] == 'runmark.start/1' else start(run))


windows = [
    (['--since', '1y'], lambda r: True),
    (['--since', '29d'], lambda r: start(r) > NOW - 29 * DAY * 1000000),
    (['--since', '1d', '--until', '1d'], lambda r: False),
    (['--until', '2d'], lambda r: exe(r) == b'/bin/old'),
    (['--since', '1w', '--until', time_of(start(runs[3]))], lambda r: start(r) < start(runs[3])
     and start(r) > NOW - 7 * DAY * 1000000),
    (['--since', time_of(start(runs[3]))], lambda r: ran_until(r) >= start(runs[3])),
    (['--since', time_of(start(runs[3])), '--until', time_of(start(runs[3]) + 1)],
     lambda r: start(r) <= start(runs[3]) <= ran_until(r)),
    (['--since', '1y', '--exe', '/bin/old*'], lambda r: exe(r).startswith(b'/bin/old')),
    (['--since', '1y', '--job', '99'], lambda r: job(r, 'id') == '99'),
    (['--job', '99'], lambda r: False),
]
for options, fits in windows:
    wanted = ids(r for r in runs if fits(r))
    result = runmark('find', '--format', 'json', *options, *DB)
    tap.same([r['run_id'] for r in result.json()], wanted, 'find ' + ' '.join(options))

# --limit: the newest, still oldest first; along every way to walk
for options, fits in filters:
    wanted = ids(r for r in week if fits(r))
    for limit in (1, 5, 1000):
        if wanted:
            result = runmark('find', '--format', 'json', '--limit', str(limit), *options, *DB)
            got = [r['run_id'] for r in result.json()]
            if got != wanted[-limit:]:
                tap.same(got, wanted[-limit:], 'limit %d of %s' % (limit, ascii(options)))
tap.ok(True, 'limits')

# The records come out as they went in.
result = runmark('find', '--format', 'json', '--since', '1y', *DB)
out = {r['run_id']: r for r in result.json()}
wrong = [(r['exe']['path'], name, out[r['run_id']].get(name), filled(r).get(name)) for r in runs
         for name in set(filled(r)) | set(without_nulls(out[r['run_id']]))
         if without_nulls(out[r['run_id']]).get(name) != filled(r).get(name)]
tap.same(wrong, [], 'the JSON of %d runs equals the records put in' % len(runs))
tap.same(control_characters(result.out), [], 'JSON has no control characters')
tap.ok(b'U+' not in result.err and result.err == b'', 'JSON has nothing beside it', result.err)

# CSV
result = runmark('find', '--format', 'csv', '--since', '1y', *DB)
rows = list(csv.DictReader(io.StringIO(result.out.decode(), newline='')))
by_id = {row['run_id']: row for row in rows}
tap.same([row['run_id'] for row in rows], ids(runs), 'CSV has a row for every run')
tap.ok(all(None not in row and None not in row.values() for row in rows),
       'CSV: every row has as many cells as the heading')


def cell(data):
    """What CSV shows of bytes: whole characters, and nothing that a spreadsheet runs."""
    text = data.decode(errors='replace')
    return "'" + text if text[:1] in ('=', '+', '-', '@', '\t', '\r', '\n') and text else text


def argv_of(run):
    """The exact bytes of the arguments."""
    exact_ = run.get('argv_b64') or [None] * len(run['argv'])
    return [base64.b64decode(b64) if b64 else text.encode() for text, b64 in zip(run['argv'], exact_)]


wrong = [(r['exe']['path'], column, by_id[r['run_id']][column], value)
         for r in runs for column, value in (
             ('program', cell(exe(r))), ('cwd', cell(exact(r, 'cwd'))),
             ('script', cell(exact(r['script'], 'path') or b'')), ('start', r['start']),
             ('end', r['end'] or ''), ('uid', str(r['uid'])), ('user', r['user'] or ''),
             ('job_id', job(r, 'id') or ''), ('pid', str(r['pid'])),
             ('max_rss', str(r['usage']['max_rss']) if r['usage'] else ''),
             ('host', r['host'])) if by_id[r['run_id']][column] != value]
tap.same(wrong, [], 'CSV cells hold what the records do')
wrong = [(row['arguments'], argv) for row, argv in
         ((by_id[r['run_id']], [data.decode(errors='replace') for data in argv_of(r)]) for r in runs if r['argv'])
         if shlex.split(row['arguments']) != argv or "\\'" in row['arguments']]
tap.same(wrong, [], 'arguments are quoted as a shell reads them, apostrophes without backslashes')
tap.ok(not any(c and c[0] in '=+-@\t\r' for row in rows for c in row.values()),
       'no cell of CSV is a formula')
tap.same(runmark('find', '--format', 'csv', '--user', 'nobody-here', *DB).out,
         runmark('find', '--format', 'csv', *DB).out.split(b'\n')[0] + b'\n',
         'an empty CSV has its heading')
tap.same(runmark('find', '--format', 'csv', '--columns', 'pid,exit', '--exe', 'false', *DB).out,
         b'pid,exit\r\n%d,1\r\n' % runs[42]['pid'], 'CSV of chosen columns')

# Tables
result = runmark('find', '--since', '1y', '--columns', '+arguments,cwd,script,incomplete', *DB)
tap.same(control_characters(result.out), [], 'a table has no control characters')
tap.same(result.out.count(b'\n'), len(runs) + 1, 'a table has a line for every run')
tap.ok(b'x' * 131072 in result.out and '…'.encode() not in result.out,
       'nothing is cut where no terminal is')
tap.ok(b'two\\nlines\\x0d\\n' in result.out and b'\\e[31mred' in result.out,
       'control characters are escaped', result.out[-3000:])
tap.ok(b'%d runs since' % len(runs) in result.err, 'the footer counts', result.err)
result = runmark('find', *DB)
tap.ok(b'in 7 days, since' in result.err, 'the default window is stated', result.err)
result = runmark('find', '--limit', '5', *DB)
tap.ok(result.err.startswith(b'the newest 5 runs'), 'a limit that cut is stated', result.err)
result = runmark('find', '--exe', 'false', *DB)
tap.same(result.out.split(b'\n')[1].split()[-2:], [b'/bin/false', runs[42]['run_id'].encode()],
         'the table names program and run')


def width(line):
    return sum(0 if unicodedata.combining(c) or unicodedata.category(c) in ('Cf', 'Mn', 'Me') else
               2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in line)


for columns in (60, 80, 100, 150, 211):
    result = on_terminal(columns, 'find', '--since', '1y', *DB)
    lines = result.out.decode().split('\n')
    tap.ok(len(lines) == len(runs) + 2 and max(map(width, lines)) <= columns,
           'a table fits a terminal of %d columns' % columns, max(lines, key=width))
result = on_terminal(100, 'find', '--since', '1y', '--columns', 'start,program,arguments', *DB)
tap.ok('…'.encode() in result.out and result.out.count(b'\n') == len(runs) + 1,
       'long text is cut on a terminal', result.out[:500])
tap.same(control_characters(result.out), [], 'cutting leaves no control characters')

# Exit statuses and wrong usage
empty = os.path.join(dir_, 'empty.db')
newer = os.path.join(dir_, 'newer.db')
garbage = os.path.join(dir_, 'garbage.db')
sqlite3.connect(empty).execute('CREATE TABLE t (x)').connection.commit()
shutil.copy(db_path, newer)
future = sqlite3.connect(newer)
future.execute('INSERT INTO schema_version VALUES (99, 0, ?)', ('99.0',))
future.commit()
future.close()
with open(garbage, 'wb') as file:
    file.write(os.urandom(8191))
statuses = [
    (['--db', 'sqlite:' + dir_ + '/none.db'], 3, b'No such file or directory; runmark-ingest'),
    (['--db', 'sqlite:' + empty], 3, b'no such table'),
    (['--db', 'sqlite:' + newer], 3, b'schema version 99'),
    (['--db', 'sqlite:' + garbage], 3, b'not a database'),
    (['--db', 'sqlite:' + dir_], 3, b'Is a directory; name the file in it with --db sqlite:PATH'),
    (['--db', 'mysql://x@/z?socket=' + dir_ + '/s'], 3, b'is the server up'),
    (['--db', db_path], 3, b'names no database: it must read sqlite:PATH'),
    (['--db', ''], 2, b'--db takes'),
    (['--watermark', 'x'], 2, b'--watermark takes a UUID'),
    (['--build-id', 'xyz'], 2, b'--build-id takes hex digits'),
    (['--build-id', 'abc'], 2, b'--build-id takes hex digits'),
    (['--job', '.0'], 2, b'--job takes'),
    (['--since', 'soon'], 2, b'--since takes a time'),
    (['--since', '1d', '--until', '2d'], 2, b'--since is not before --until'),
    (['--columns', 'usr'], 2, b'nearest is user'),
    (['--usr', 'x'], 2, b'nearest is --user'),
    (['x'], 2, b'takes options only'),
]
for options, status, said in statuses:
    result = runmark('find', *options)
    tap.ok(result.status == status and said in result.err and result.err.count(b'\n') == 1
           and result.out == b'', 'find %s: %d' % (' '.join(options), status),
           result.status, result.err)
tap.same(runmark('find', '--exe', 'false', env={'RUNMARK_DB': 'sqlite:' + db_path}).status, 0,
         'RUNMARK_DB names the database')

# A reader that leaves, a full disk, a user that may only read
done = subprocess.run('%s find --format json --since 1y --db "sqlite:%s" | head -c 1' %
                      (RUNMARK, db_path), shell=True, stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE, env=environment(), check=False)
tap.same((done.stdout, done.stderr), (b'{', b''), 'a reader that leaves is no error')
read, write = os.pipe()
os.close(read)
for options in ([], ['--format', 'json'], ['--format', 'csv', '--limit', '2']):
    done = subprocess.run([RUNMARK, 'find', *options, *DB], stdout=write, stderr=subprocess.PIPE,
                          env=environment(), restore_signals=False, check=False)
    tap.same((done.returncode, done.stderr.count(b'rror')), (0, 0),
             'nor is a closed pipe: ' + ' '.join(options))
for command in (['find'], ['find', '--limit', '1'], ['report', 'software']):
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([RUNMARK, *command, *DB], stdout=full, stderr=subprocess.PIPE,
                              env=environment(), check=False)
    tap.ok(done.returncode == 3 and b'No space left' in done.stderr, 'a full disk is: ' + ' '.join(command),
           done.returncode, done.stderr)
if os.geteuid() == 0:
    os.chmod(dir_, 0o755)
    os.chmod(db_path, 0o644)
    nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')
    result = runmark('find', '--format', 'json', *DB, prefix=nobody)
    tap.same((len(result.json()), result.status), (len(week), 0),
             'a user reads a database that he cannot write')
    writer = sqlite3.connect(db_path)
    writer.execute('DELETE FROM run WHERE run_id = ?',
                   (bytes.fromhex(runs[0]['run_id'].replace('-', '')),))
    writer.commit()
    os.chmod(db_path + '-wal', 0o644)
    os.chmod(db_path + '-shm', 0o644)
    result = runmark('find', '--format', 'json', *DB, prefix=nobody)
    tap.same((len(result.json()), result.status), (len(week) - 1, 0),
             'also while the loader has it open, with what it committed')
    writer.close()
    os.chmod(db_path, 0o600)
    result = runmark('find', *DB, prefix=nobody)
    tap.ok(result.status == 3 and b'Permission denied; its owner' in result.err, 'but not without permission',
           result.err)
else:
    tap.skip('a user that may only read', 'not root')

shutil.rmtree(dir_)
tap.done()
