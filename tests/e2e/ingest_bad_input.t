#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad lines go to quarantine with file, line and reason, and the rest is loaded; what is missing is noticed;
databases that cannot be used are refused with one clear sentence."""
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap

LINE_MAX = 4 * 1024 * 1024


def make(directory, runs=7, files=1, compress=False, **options):
    """Files of one instance with that many runs each."""
    os.makedirs(directory, exist_ok=True)
    # Another boot, and so other names, for each directory.
    spool = i.Spool(directory, compress=compress, rng=random.Random(directory), **options)
    for _ in range(files):
        spool.open()
        for _ in range(runs):
            spool.record('run', spool.run())
        spool.close()
    return spool


def change(line, path, value):
    """line with the field at path ("exe.size") set, or left out if value is ..."""
    record = json.loads(line)
    target, *names = record, *path.split('.')
    for name in names[:-1]:
        target = target[name]
    if value is ...:
        del target[names[-1]]
    else:
        target[names[-1]] = value
    return json.dumps(record).encode() + b'\n'


# what takes the place of the good line, the field that is named, what the reason begins with
BAD_LINES = [
    (lambda line: line[:len(line) // 2] + b'\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: b'\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: b'\0\0\0\0\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: line[:20] + b'\xff' + line[21:], None, 'is not a JSON object in UTF-8'),
    (lambda line: line[:-1] + b' garbage\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: b'hello, I am a log file\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: b'[1,2]\n', None, 'is not a JSON object in UTF-8'),
    (lambda line: b'[' * 1000003 + b'\n', None, 'is nested deeper than 16'),
    (lambda line: b'{"a":' * 17 + b'1' + b'}' * 17 + b'\n', None, 'is nested deeper than 16'),
    (lambda line: b'{"a":[' + b'1,' * 1900003 + b'1]}\n', None, 'holds too many values'),
    (lambda line: b'{"x":"' + b'x' * LINE_MAX + b'"}\n', None, 'is longer than 4194304 bytes'),
    (lambda line: b'{"message":"foreign"}\n', 'schema', 'is not that of a Runmark record'),
    (lambda line: b'{"schema":"other.run/1"}\n', 'schema', 'is not that of a Runmark record'),
    (lambda line: change(line, 'run_id', '12'), 'run_id', 'is not a UUID'),
    (lambda line: change(line, 'seq', ...), 'seq', 'is not a number'),
    (lambda line: change(line, 'seq', '18446744073709551615'), 'seq', 'is not a number'),
    (lambda line: change(line, 'start', 'yesterday'), 'start', 'is not a time'),
    (lambda line: change(line, 'start', '2026-02-30T00:00:00.000000Z'), 'start', 'is not a time'),
    (lambda line: change(line, 'exe', None), 'exe', 'is missing'),
    (lambda line: change(line, 'exe', []), 'exe', 'is not an object'),
    (lambda line: change(line, 'exe.path', 'x' * 4097), 'exe.path', 'is longer than 4096 bytes'),
    (lambda line: change(line, 'user', 'x' * 256), 'user', 'is longer than 255 bytes'),
    (lambda line: change(line, 'uid', 4294967296), 'uid', 'is more than 4294967295'),
    (lambda line: change(line, 'uid', -1), 'uid', 'is not a whole number'),
    (lambda line: change(line, 'pid', 1.5), 'pid', 'is not a whole number'),
    (lambda line: change(line, 'elapsed_s', -0.1), 'elapsed_s', 'is not a duration'),
    (lambda line: change(line, 'exit', {'code': 'none'}), 'exit.code', 'is not a whole number'),
    (lambda line: change(line, 'argv', 'ls -l'), 'argv', 'is neither an array'),
    (lambda line: change(line, 'cwd_b64', '*'), 'cwd', 'has a _b64 that is not base64'),
    (lambda line: change(line, 'object_set', 'abc'), 'object_set', 'is not'),
    (lambda line: b'{"schema":"runmark.set/1","hash":"%s","objects":[{"path":7}]}\n' % (b'a' * 32),
     'objects[0].path', 'is not a text'),
    (lambda line: b'{"schema":"runmark.set/1","hash":"%s","env":{"A":7}}\n' % (b'a' * 32), 'env',
     'is not a text'),
    (lambda line: b'{"schema":"runmark.set/1","hash":"%s"}\n' % (b'a' * 32), None, 'a set with'),
    (lambda line: b'{"schema":"runmark.set/1","env":{}}\n', 'hash', 'is missing'),
    (lambda line: b'{"schema":"runmark.file/1"}\n', 'part', 'is neither header nor trailer'),
]


def test_lines(work, kind):
    spool = make(work + '/lines', runs=2 * len(BAD_LINES) + 1)
    path, db = spool.names[0], kind.new('lines')
    with open(path, 'rb') as file:
        lines = file.readlines()
    wanted, texts = [], {}
    for n, (spoil, field, reason) in enumerate(BAD_LINES):
        at = 2 + 2 * n
        lines[at] = spoil(lines[at])
        wanted.append((path, at + 1, field, reason))
        texts[at + 1] = lines[at][:-1]
    with open(path, 'wb') as file:
        file.writelines(lines)
    result = i.ingest(db, path)
    tap.equal((result.status, result.counts['run'], result.counts['line quarantined']),
              (0, len(BAD_LINES) + 1, len(BAD_LINES)), 'the rest is loaded, with status 0')
    tap.ok('%s: %d lines could not be loaded' % (path, len(BAD_LINES)) in result.err,
           'a warning says so', result)
    rows = i.query(db, 'SELECT file, line, field, reason, size, text FROM quarantine ORDER BY line')
    for row, want in zip(rows, wanted):
        got = tuple(row)[:4]
        tap.ok(got[:3] == want[:3] and got[3].startswith(want[3]), 'quarantined: line %d, %s: %s' %
               (want[1], want[2], want[3]), '%r instead of %r' % (got, want))
    tap.equal(len(rows), len(wanted), 'each of them once')
    tap.ok(all(row['size'] == len(texts[row['line']]) for row in rows), 'with their sizes')
    kept = {row['line']: row['text'] for row in rows}
    tap.ok(all(kept[line] == (text if len(text) <= LINE_MAX else None)
               for line, text in texts.items()), 'with their bytes, but for one that is too long')
    tap.equal(i.number(db, 'SELECT sum(records) FROM missing_record'), len(BAD_LINES),
              'the records that they were are known to be missing')
    listed = i.ingest(db, '--quarantine')
    first = '%s:%d: %s' % (wanted[0][0], wanted[0][1], wanted[0][3])
    tap.ok(listed.status == 0 and listed.out.count('\n') == len(wanted) and
           listed.out.startswith(first), '--quarantine lists them', listed)
    result = i.ingest(db, '--remove', path)
    tap.ok(os.path.exists(path) and 'is kept' in result.err,
           'a file with a line that is in no database is not removed', result)


def test_repair(work, kind):
    """A quarantined line is written out, mended, and loaded as a file of another name."""
    spool = make(work + '/repair')
    db, path, out = kind.new('repair'), spool.names[0], work + '/repair/mended.jsonl'
    with open(path, 'rb') as file:
        lines = file.readlines()
    good, bad = lines[3], change(lines[3], 'pid', 'x')
    lines[3], lines[5] = bad, b'{"x":"' + b'x' * LINE_MAX + b'"}\n'
    with open(path, 'wb') as file:
        file.writelines(lines)
    i.ingest(db, path)
    result = i.ingest(db, '--export', out)
    with open(out, 'rb') as file:
        written = file.read()
    tap.ok(result.status == 0 and written == bad and '1 line' in result.err, '--export writes it out, and says '
           'what was not kept', (result, written[:99]))
    tap.equal(os.stat(out).st_mode & 0o777, 0o600, '... for nobody else to read')
    result = i.ingest(db, '--export', out)
    tap.ok(result.status == 3 and 'File exists' in result.err, '... and over no other file', result)
    tap.equal(i.ingest(db, '--export', '-').out, bad.decode(), '... or to standard output')
    with open(out, 'wb') as file:
        file.write(good)
    result = i.ingest(db, work + '/repair')
    tap.equal((result.counts['run'], i.number(db, 'SELECT count(*) FROM run')), (1, 6),
              'a mended line loads')


def test_unknown(work, kind):
    """Readers skip kinds and fields that they do not know."""
    spool = make(work + '/unknown')
    db, path = kind.new('unknown'), spool.names[0]
    with open(path, 'rb') as file:
        lines = file.readlines()
    lines[1] = change(lines[1], 'new_field', {'a': [1]})
    lines.insert(2, b'{"schema":"runmark.future/1","seq":"8"}\n')
    with open(path, 'wb') as file:
        file.writelines(lines)
    result = i.ingest(db, path)
    tap.equal((result.status, result.counts['run'], result.counts['line of unknown kind'] if
               'line of unknown kind' in result.counts else result.counts.get('line of an unknown kind'),
               result.counts['line quarantined']), (0, 7, 1, 0), 'unknown kinds are skipped')


def problems(db):
    return [tuple(row) for row in
            i.query(db, 'SELECT fact, first_seq, last_seq, missing FROM spool_problem '
                    'ORDER BY spool_file, position')]


def without(numbers):
    return lambda lines: [line for n, line in enumerate(lines, 1) if n not in numbers]


# how a file of header, 7 runs (lines 2 to 8), trailer is spoilt; problems that are stored; runs loaded
SPOILT = {
    'nothing': (lambda lines: lines, [], 7),
    'a line in the middle is missing': (
        without({4}), [('lines', None, None, 1), ('counts', None, None, 1), ('seq', 3, 3, 1)], 6),
    'lines at the ends are missing': (
        without({2, 8}), [('lines', None, None, 2), ('counts', None, None, 2), ('seq', 1, 1, 1),
                          ('seq', 7, 7, 1)], 5),
    'the trailer is missing': (lambda lines: lines[:-1], [('trailer', None, None, None)], 7),
    'cut in a line': (lambda lines: lines[:5] + [lines[5][:99]], [('trailer', None, None, None)], 4),
    'the header is missing': (without({1}), [('header', None, None, None), ('lines', None, None, 1)], 7),
    'empty': (lambda lines: [], [('header', None, None, None), ('trailer', None, None, None)], 0),
    'a line twice': (lambda lines: lines[:3] + [lines[2]] + lines[3:],
                     [('lines', None, None, None), ('counts', None, None, None),
                      ('seq', None, None, None)], 7),
    'other order': (lambda lines: [lines[0], *lines[7:0:-1], lines[8]], [], 7),
    'lines behind the trailer': (lambda lines: lines[:3] + [lines[8]] + lines[3:8],
                                 [('trailer', None, None, None), ('lines', None, None, 5)], 7),
}


def test_missing_lines(work, kind):
    for compress in (False, True):
        for name, (spoil, wanted, runs) in SPOILT.items():
            directory = '%s/%s %d' % (work, name, compress)
            spool = make(directory)
            path, db = spool.names[0], kind.new(os.path.basename(directory))
            with open(path, 'rb') as file:
                lines = spoil(file.readlines())
            with open(path, 'wb') as file:
                file.writelines(lines)
            if compress:
                subprocess.run(['zstd', '-q', '--rm', path], check=True)
            result = i.ingest(db, directory)
            tap.equal((result.status, problems(db), i.number(db, 'SELECT count(*) FROM run')),
                      (0, wanted, runs), '%s%s: stored' % (name, ', compressed' if compress else ''))
            tap.equal(i.number(db, 'SELECT whole FROM spool_file'), int(name in (
                'nothing', 'other order')), '%s: whole or not' % name)


def test_cut_compression(work, kind):
    """What can be decompressed is loaded, and loaded again when the file has come whole."""
    spool = make(work + '/zstd', runs=5003, compress=True)
    path, db = spool.names[0], kind.new('zstd')
    with open(path, 'rb') as file:
        whole = file.read()
    with open(path, 'wb') as file:
        file.write(whole[:len(whole) // 2])
    result = i.ingest(db, '--remove', path)
    facts = [row[0] for row in problems(db)]
    tap.ok(result.status == 0 and 0 < i.number(db, 'SELECT count(*) FROM run') < 5003 and
           facts == ['compression', 'trailer'] and os.path.exists(path),
           'a compressed file that was cut: loaded as far as it goes, and kept', (result, facts))
    with open(path, 'wb') as file:
        file.write(whole)
    result = i.ingest(db, '--remove', path)
    tap.equal((i.number(db, 'SELECT count(*) FROM run'), problems(db), os.path.exists(path),
               i.number(db, 'SELECT count(*) FROM quarantine')), (5003, [], False, 0),
              'when it has come whole, all is loaded, and nothing is wrong any more')


def test_missing_files(work, kind):
    spool = make(work + '/files', files=7)
    db = kind.new('files')
    names = [os.path.basename(name) for name in spool.names]
    # Another instance after the first, on the same boot.
    second = i.Spool(work + '/files', boot_id=spool.boot_id, previous=names[6], rng=spool.rng)
    second.open()
    second.record('run', second.run())
    second.close()
    for n in (1, 2, 4):
        os.rename(spool.names[n], '%s/held%d' % (work, n))
    os.rename(spool.names[6], work + '/held6')
    result = i.ingest(db, work + '/files')
    missing = [row[0] for row in i.query(db, 'SELECT name FROM missing_file ORDER BY name')]
    tap.equal((result.status, sorted(missing)), (0, sorted(names[n] for n in (2, 4, 6))),
              'the files that others name as the one before them are missing')
    tap.ok(all('the spool file %s is missing' % name in result.err for name in missing),
           'a warning names them', result)
    gaps = [tuple(row) for row in i.query(db, 'SELECT first_seq, last_seq, records '
                                          'FROM missing_record ORDER BY first_seq')]
    tap.equal(gaps, [(8, 21, 14), (29, 35, 7)], 'and the records that were in them')
    for n in (1, 2, 4, 6):
        os.rename('%s/held%d' % (work, n), spool.names[n])
    result = i.ingest(db, work + '/files')
    tap.equal((i.number(db, 'SELECT count(*) FROM missing_file'),
               i.number(db, 'SELECT count(*) FROM missing_record'), result.err), (0, 0, ''),
              'when they have come, nothing is missing')


def refused(result, *words):
    """One line on standard error, with all the words, status 3."""
    return result.status == 3 and result.err.count('\n') == 1 and all(
        word in result.err for word in words)


def test_databases(work):
    spool = make(work + '/good')
    db = work + '/newer.db'
    i.ingest(db, '--migrate')
    with sqlite3.connect(db) as connection:
        connection.execute("INSERT INTO schema_version VALUES (7, 0, '9.9.9')")
    before = os.stat(db).st_mtime_ns
    result = i.ingest(db, spool.names[0])
    tap.ok(refused(result, 'schema 7', 'newer', 'install'), 'a newer schema is refused', result)
    result = i.ingest(db, '--quarantine')
    tap.ok(refused(result, 'schema 7'), '... for reading, too', result)
    tap.equal(os.stat(db).st_mtime_ns, before, '... and not touched')

    with open(work + '/text.db', 'w') as file:
        file.write('This is a text, ' * 997)
    tap.ok(refused(i.ingest(work + '/text.db', spool.names[0]), 'not an SQLite database'),
           'a file that is no database')
    with sqlite3.connect(work + '/other.db') as connection:
        connection.execute('CREATE TABLE mine (a)')
    tap.ok(refused(i.ingest(work + '/other.db', spool.names[0]), "not one of Runmark's", '--db'),
           "somebody else's database")
    result = i.ingest(work + '/none/x.db', spool.names[0])
    tap.ok(refused(result, 'directory must exist', '--db'), 'a directory that is missing', result)
    with open(work + '/trash.db', 'wb') as file:
        file.write(b'SQLite format 3\0' + os.urandom(9999))
    result = i.ingest(work + '/trash.db', spool.names[0])
    tap.ok(refused(result, 'database'), 'a damaged database', result)
    result = i.ingest(work + '/empty.db', '--quarantine')
    tap.ok(result.status == 3 and result.err.count('\n') == 1, '--quarantine of no database', result)

    for url in ('/a/b.db', 'sqlite:', 'mysql://u:p@h/d', 'oracle:x', ''):
        process = subprocess.run([i.INGEST, '--db', url, spool.names[0]], text=True,
                                 stderr=subprocess.PIPE, env=i.environment())
        tap.ok(process.returncode == 2 and process.stderr.count('\n') == 1,
               'refused as wrong usage: --db %r' % url, process)


def test_unwritable(work):
    if os.geteuid() != 0:
        tap.skip('an unwritable database', 'only root can mount')
        return
    spool = make(work + '/unwritable')
    mount = work + '/mount'
    os.mkdir(mount)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'runmark-test', mount], check=True)
    try:
        big = make(work + '/big', runs=7001)
        result = i.ingest(mount + '/a.db', spool.names[0])
        tap.equal(result.status, 0, 'a small file fits the small disk')
        result = i.ingest(mount + '/a.db', '--remove', work + '/big')
        tap.ok(refused(result, 'no space is left'), 'a full disk is said', result)
        tap.ok(os.path.exists(big.names[0]), '... the file stays')
        tap.equal((i.number(mount + '/a.db', 'SELECT count(*) FROM run'),
                   i.number(mount + '/a.db', 'PRAGMA integrity_check')), (7, 'ok'),
                  '... and nothing of it is in the database')
        subprocess.run(['mount', '-o', 'remount,size=64m', mount], check=True)
        result = i.ingest(mount + '/a.db', '--remove', work + '/big')
        tap.equal((result.status, i.number(mount + '/a.db', 'SELECT count(*) FROM run')), (0, 7008),
                  '... with space again it loads')
        subprocess.run(['mount', '-o', 'remount,ro', mount], check=True)
        make(work + '/more', host='n002')
        result = i.ingest(mount + '/a.db', work + '/more')
        tap.ok(refused(result, 'cannot be written', 'Read-only'), 'a read-only disk is said', result)
    finally:
        subprocess.run(['umount', mount], check=True)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
    result = i.ingest(work + '/limited.db', work + '/big', preexec_fn=limit)
    tap.ok(refused(result, 'limited.db fails', 'I/O'), 'a limit of file sizes is said', result)


def test_names(work):
    """Only whole files of a directory are taken."""
    spool = make(work + '/names')
    name = spool.names[0]
    directory = os.path.dirname(name)
    for other in ('.hidden.jsonl', 'x.jsonl.tmp', 'x.json', 'README'):
        shutil.copy(name, os.path.join(directory, other))
    os.symlink(name, directory + '/link.jsonl')
    os.mkdir(directory + '/directory.jsonl')
    os.mkfifo(directory + '/fifo.jsonl')
    result = i.ingest(work + '/names.db', directory)
    tap.equal((result.status, result.counts['file'], result.err), (0, 1, ''),
              'temporary, hidden and other files are left alone')
    result = i.ingest(work + '/names.db', directory + '/fifo.jsonl')
    tap.ok(refused(result, 'neither a regular file'), 'a FIFO is not waited for', result)
    result = i.ingest(work + '/names.db', directory + '/none.jsonl')
    tap.ok(refused(result, 'none.jsonl'), 'a file that is not there', result)
    result = i.ingest(work + '/names.db', work + '/nowhere/')
    tap.ok(result.status == 3, 'a directory that is not there', result)


def test_validate(work):
    """tests/validate can fail."""
    spool = make(work + '/validate')
    path = spool.names[0]
    run = lambda: subprocess.run(['tests/validate', path], text=True, stdout=subprocess.PIPE)
    tap.equal((run().returncode, run().stdout), (0, ''), 'tests/validate: what is made is valid')
    with open(path, 'rb') as file:
        lines = file.readlines()
    for spoil in (lambda line: change(line, 'uid', -1), lambda line: change(line, 'exe.size', '7'),
                  lambda line: change(line, 'exit', {'code': 1, 'signal': 2}),
                  lambda line: change(line, 'end', None), lambda line: change(line, 'seq', ...),
                  lambda line: change(line, 'exe.watermark_state', 'stamped'),
                  lambda line: change(line, 'incomplete', ['argv']),
                  lambda line: line[:-2] + b'\n', lambda line: b'{}\n',
                  lambda line: change(line, 'schema', 'runmark.ran/1')):
        with open(path, 'wb') as file:
            file.writelines([*lines[:3], spoil(lines[3]), *lines[4:]])
        result = run()
        tap.ok(result.returncode == 1 and result.stdout.startswith(path + ':4: '),
               'tests/validate: ' + (result.stdout.strip()[len(path):] or 'nothing')[:70])


EVERY_KIND = (test_lines, test_repair, test_unknown, test_missing_lines, test_cut_compression,
              test_missing_files)

with i.temporary() as directory, i.kinds(directory, 'bad input') as kinds:
    for kind in kinds:
        for test in EVERY_KIND:
            with i.temporary(directory) as work, tap.about(kind.name):
                test(work, kind)
    for test in (test_databases, test_unwritable, test_names, test_validate):
        test(directory)
tap.done()
