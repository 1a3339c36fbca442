#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What users may leave where XALT writes: stored right, or passed over, or in the quarantine with its reason, once; all
else is loaded."""
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap
import xalt

GIB = 1 << 30
ODD = bytes(range(1, 256)).decode('utf-8', 'surrogateescape')


def load(db, *paths, **options):
    return i.ingest(db, '--xalt', *paths, **options)


def with_number(value):
    return xalt.run(0, numbers={'num_cores': value})


def changed(old, new):
    """The text of a run with a part of it changed: what no program would write."""
    data = xalt.text_of(xalt.run(0))
    assert old in data, old
    return data.replace(old, new)


# name, record or text, field, part of the reason
REFUSED = [
    ('no JSON', b'run', '', 'is not a JSON object'),
    ('empty', b'', '', 'is empty'),
    ('cut', xalt.text_of(xalt.run(0))[:-9], '', 'is not a JSON object'),
    ('two records', xalt.text_of(xalt.run(0)) * 2, '', 'is not a JSON object'),
    ('an array', b'[1]', '', 'is not a JSON object'),
    ('nothing of XALT\'s', b'{"schema":"runmark.run/1"}', '', 'is no record of XALT'),
    ('a NUL byte', changed(b'alice', b'al\0ce'), '', 'holds a NUL byte'),
    ('a bomb of brackets', b'{"userT":' + b'[' * 100000, '', 'is nested deeper than 16'),
    ('a bomb of objects', b'{"a":' * 5000 + b'1' + b'}' * 5000, '', 'is nested deeper than 16'),
    ('a bomb of values', b'{"userT":[' + b'1,' * 1900000 + b'1]}', '', 'holds too many values'),
    ('not a number', changed(b'"num_cores":8.0', b'"num_cores":NaN'), '', 'is not a JSON object'),
    ('no UUID', xalt.run(0, user={'run_uuid': '../../etc/passwd'}), 'run_uuid', 'is not a UUID'),
    ('no start', xalt.run(0, numbers={'start_time': None}), 'start_time', 'is missing'),
    ('a start before 1970', xalt.run(0, numbers={'start_time': -1}), 'start_time', 'is not a time'),
    ('a start after time', xalt.run(0, numbers={'start_time': 1e18}), 'start_time', 'is not a time'),
    ('an end that is a list', xalt.run(0, numbers={'end_time': [1]}), 'end_time', 'is not a number'),
    ('negative cores', with_number(-1), 'num_cores', 'is not a whole number'),
    ('half a core', with_number(0.5), 'num_cores', 'is not a whole number'),
    ('very many cores', with_number(1e300), 'num_cores', 'is not a whole number'),
    ('infinite cores', changed(b'"num_cores":8.0', b'"num_cores":1e999'), 'num_cores', 'is not a number'),
    ('cores in words', with_number('many'), 'num_cores', 'is not a number'),
    ('a user who is a number', xalt.run(0, user={'user': 1000}), 'user', 'is not a text'),
    ('a user of 256', xalt.run(0, user={'user': 'u' * 256}), 'user', 'longer than 255'),
    ('an account of 256', xalt.run(0, user={'account': 'a' * 256}), 'account', 'longer than 255'),
    ('a job id of 256', xalt.run(0, user={'job_id': '1' * 256}), 'job_id', 'longer than 255'),
    ('a program of 4,097', xalt.run(0, user={'exec_path': '/' + 'p' * 4096}), 'exec_path', 'longer than 4096'),
    ('a library of 4,097', xalt.run(0, libA=[['/l', '0'], ['/' + 'l' * 4096, '0']]), 'libA[1]', 'longer than 4096'),
    ('a library that is none', xalt.run(0, libA=[{}]), 'libA', 'has a member that is no path'),
    ('a variable of 256', xalt.run(0, envT={'V' * 256: ''}), 'envT', 'has a name longer than 255'),
    ('a sum that is none', xalt.run(0, hash_id='xyz'), 'hash_id', 'is not at most'),
    ('a link without a time', xalt.link(0, build_epoch='unknown'), 'build_epoch', 'is missing'),
    ('a package without a run', xalt.package('none'), 'xalt_run_uuid', 'is not a UUID'),
    ('a package without a name', xalt.package(xalt.uuid7(1, 1), package_name=''), 'package_name', 'is missing'),
]
# a change of a run's userT, and what the column is then
STORED = [
    ({'user': 'u' * 64}, 'user', 'u' * 64),
    ({'user': "'; DROP TABLE run; --"}, 'user', "'; DROP TABLE run; --"),
    ({'account': 'a' * 200}, 'account', 'a' * 200),
    ({'exec_path': '/' + 'p' * 4095}, 'exe', b'/' + b'p' * 4095),
    ({'exec_path': '/back\\slash/"quote\'s"/a\tb\nc'}, 'exe', b'/back\\slash/"quote\'s"/a\tb\nc'),
    ({'exec_path': '/' + ODD}, 'exe', b'/' + bytes(range(1, 256))),
    ({'cwd': ODD}, 'cwd', bytes(range(1, 256))),
    ({'exec_path': '/\U0001f600/\u00e9'}, 'exe', '/\U0001f600/\u00e9'.encode()),
    ({'user': 'unknown', 'account': 'unknown', 'cwd': 'unknown'}, 'user', None),
    ({'job_id': 'unknown'}, 'job_id', None),
    ({'scheduler': None}, 'job_manager', 'unknown'),
    ({'container': 'singularity'}, 'container_runtime', 'singularity'),
]
TIMES = [(0.0, 0), (86399.9999, 86399999900), (4102444800.5, 4102444800500000), (8999999999.0, 8999999999000000)]


def test_refused(work, kind):
    tree, db = '%s/refused-%s' % (work, kind.name), kind.new('refused')
    paths = [xalt.write(tree, record, 'run.%03d.json' % n) for n, (_, record, _, _) in enumerate(REFUSED)]
    good = xalt.write(tree, xalt.run(7))
    result = load(db, tree)
    tap.ok(result.status == 0 and result.counts['run'] == 1 and
           result.counts['record quarantined'] == len(REFUSED), 'what is good is loaded, what is bad is not', result)
    rows = {row['file']: row for row in i.query(db, 'SELECT * FROM quarantine')}
    for path, (name, record, field, reason) in zip(paths, REFUSED):
        row = rows.get(path)
        text = (record if isinstance(record, bytes) else xalt.text_of(record)) + b'\n'
        tap.ok(row and (row['field'] or '') == field and reason in row['reason'] and row['line'] == 1 and
               row['text'] == text and row['spool_file'] is None, 'quarantined: ' + name, row and dict(row))
    before = [tuple(row) for row in i.query(db, 'SELECT * FROM quarantine ORDER BY id')]
    load(db, tree)
    tap.ok([tuple(row) for row in i.query(db, 'SELECT * FROM quarantine ORDER BY id')] == before,
           'imported again, it stands there once')
    listed = i.ingest(db, '--quarantine')
    tap.ok(listed.status == 0 and paths[5] + ':1: ' in listed.out, '--quarantine lists it', listed)
    xalt.write(tree, xalt.run(8), os.path.basename(paths[0]))
    xalt.write(tree, b'other', os.path.basename(paths[1]))
    result = load(db, tree)
    rows = {row['file']: row['reason'] for row in i.query(db, 'SELECT * FROM quarantine')}
    tap.ok(result.counts['run'] == 1 and paths[0] not in rows and rows[paths[1]] == 'is not a JSON object' and
           len(rows) == len(REFUSED) - 1, 'repaired, it is loaded and leaves; broken in another way, it says so', result)
    return good


def test_stored(work, kind):
    tree, db = '%s/stored-%s' % (work, kind.name), kind.new('stored')
    for n, (change, _, _) in enumerate(STORED):
        xalt.write(tree, xalt.run(n, user={'job_id': 'j%d' % n, **change}))
    for n, (start, _) in enumerate(TIMES):
        run = xalt.run(100 + n, numbers={'start_time': start, 'end_time': 0})
        run['userT']['run_uuid'] = '00000000-0000-4000-8000-%012d' % n
        xalt.write(tree, run)
    result = load(db, tree)
    tap.ok(result.status == 0 and result.counts['run'] == len(STORED) + len(TIMES) and
           result.counts['record quarantined'] == 0, 'odd values are loaded', result)
    for n, (change, column, wanted) in enumerate(STORED):
        start = round((xalt.START + n) * 1e6)
        got = i.query(db, 'SELECT r.*, a.account FROM run_view r LEFT JOIN accounting a ON a.job_id = r.job_id '
                      'WHERE abs(r.start_us - ?) < 2', start)
        tap.ok(len(got) == 1 and got[0][column] == wanted, 'stored exactly: %.40r' % change,
               [(row[column]) for row in got])
    for n, (start, wanted) in enumerate(TIMES):
        row = i.query(db, 'SELECT r.* FROM run r JOIN run_xalt x ON x.run_id = r.run_id WHERE x.run_uuid = ?',
                      bytes.fromhex('000000000000400080000000%08d' % n))
        tap.ok(row and row[0]['start_us'] == wanted and int.from_bytes(row[0]['run_id'][:6], 'big') == wanted // 1000,
               'a start of %s s; its id is in the order of time' % start, [dict(r) for r in row])


def test_secrets(work):
    run = xalt.run(0)
    run['cmdlineA'] = ['./a.out', '--password', 'hunter2', '--n=4']
    db = work + '/secret.db'
    load(db, xalt.write(work + '/secret', run))
    tap.equal(i.number(db, 'SELECT argv FROM run_text'), '["./a.out","--password","[scrubbed]","--n=4"]',
              'secrets of command lines are replaced')
    with open(work + '/name.conf', 'w', encoding='ascii') as file:
        file.write('[privacy]\nargv = name\n')
    db = work + '/name.db'
    i.subprocess.run([i.INGEST, '--db', 'sqlite:' + db, '--xalt', work + '/secret'], check=True,
                     stdout=i.subprocess.DEVNULL, env={**i.environment(), 'RUNMARK_CONF': work + '/name.conf'})
    tap.equal(i.number(db, 'SELECT argv FROM run_text'), '["./a.out"]', 'or all but the name, as the site says')


def test_odd_files(work, good):
    tree, db = work + '/odd', work + '/odd.db'
    xalt.write(tree + '/d', xalt.run(1))
    os.symlink(good, tree + '/run.link.json')
    os.symlink(os.path.dirname(good), tree + '/linked')
    os.symlink('/nonexistent', tree + '/run.dangling.json')
    os.symlink('run.loop.json', tree + '/run.loop.json')
    os.mkfifo(tree + '/run.fifo.json')
    os.mkdir(tree + '/run.folder.json')
    with socket.socket(socket.AF_UNIX) as bound:
        at = os.getcwd()
        os.chdir(tree)
        bound.bind('run.socket.json')
        os.chdir(at)
    with open(tree + '/run.huge.json', 'wb') as file:
        file.write(b'{')
        file.truncate(GIB)
    start = time.monotonic()
    result = load(db, tree, timeout=60)
    tap.ok(result.status == 0 and result.counts['run'] == 1 and result.counts['record quarantined'] == 1 and
           '5 files with names of records' in result.err and time.monotonic() - start < 20,
           'links, FIFOs and sockets are neither followed nor waited for', result)
    tap.equal([(row['size'], row['text'], row['reason']) for row in i.query(db, 'SELECT * FROM quarantine')],
              [(GIB, None, 'is longer than 4194304 bytes')], 'a file of 1 GiB is not read')
    for name, path, part in (('link', tree + '/run.link.json', 'symbolic link'), ('FIFO', tree + '/run.fifo.json',
                             'neither a regular file nor a directory'), ('name of nothing', tree + '/no', 'No such file')):
        result = load(work + '/x.db', path, timeout=60)
        tap.ok(result.status == 3 and part in result.err, 'a %s given itself fails and says why' % name, result)


def test_long_line(work):
    """Of a log: read through, never held."""
    log, db = work + '/long', work + '/long.db'
    with open(log, 'wb') as file:
        file.write(b'XALT_LOGGING_c1: V:4 kind:run key:k nb:2 idx:0 value:')
        for _ in range(GIB >> 20):
            file.write(b'x' * (1 << 20))
        file.write(b'\n' + b'\n'.join(xalt.lines_of(xalt.run(1))) + b'\n\0\n\xff\n')
    reader = 'import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]).returncode; ' \
             'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r)'
    done = i.subprocess.run([sys.executable, '-c', reader, i.INGEST, '--db', 'sqlite:' + db, '--xalt', log], text=True,
                            stdout=i.subprocess.PIPE, stderr=i.subprocess.PIPE, env=i.environment())
    os.unlink(log)
    peak = int(done.stdout.split()[-1])
    tap.ok(done.returncode == 0 and '1 run,' in done.stdout and '1 record quarantined' in done.stdout and peak < 65536,
           'a line of 1 GiB: quarantined without its text, the rest is loaded, in %d KiB' % peak, done)


def test_usage(work):
    for words, part in ((['--xalt'], 'needs a file or directory'), (['--xalt', '--follow', 'x'], 'takes only --db'),
                        (['--xalt', '--remove', 'x'], 'takes only --db'), (['--xalt', '--sacct', 'x', 'y'], '--sacct')):
        result = i.ingest(work + '/u.db', *words)
        tap.ok(result.status == 2 and part in result.err, ' '.join(words) + ' is wrong usage', result)
    os.mkdir(work + '/nothing')
    tap.equal(load(work + '/u.db', work + '/nothing').status, 1, 'where nothing is, the status says so')


def main():
    with i.temporary() as work, i.kinds(work, 'bad input from XALT') as kinds:
        for kind in kinds:
            print('# ' + kind.name)
            good = test_refused(work, kind)
            test_stored(work, kind)
        test_secrets(work)
        test_odd_files(work, good)
        test_long_line(work)
        test_usage(work)
    tap.done()


main()
