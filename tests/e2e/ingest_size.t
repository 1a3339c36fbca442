#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""However big the input (a line, a file, what a small file unpacks to, a folder): the loader takes 64 MiB at most,
and what is good of it is loaded."""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap

MIB, PEAK_MAX = 1 << 20, 64 << 10
LINE_MAX = 4 * MIB
RUNS = 7
# Runs a program and prints its peak memory in KiB. Of a small process: a child inherits its parent's peak.
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(done.stdout.decode())
sys.exit(done.returncode)
"""


def make(work, between=(), **options):
    """The lines of a file with RUNS runs and between, which are made from the Spool, in their midst."""
    os.makedirs(work + '/made', exist_ok=True)
    spool = i.Spool(work + '/made', rng=random.Random(work), **options)
    spool.open()
    for n in range(RUNS):
        spool.record('run', spool.run())
        if n == RUNS // 2:
            for one in between:
                one(spool)
    with open(spool.close(), 'rb') as file:
        return file.readlines()


def load(db, path, wanted, name):
    """Loads path. wanted: runs and lines in quarantine then."""
    process = subprocess.run([sys.executable, '-S', '-c', PEAK, i.INGEST, '--db', i.url_of(db), path],
                             stdout=subprocess.PIPE, text=True, env=i.environment())
    peak, _, out = process.stdout.partition('\n')
    quarantined = i.number(db, 'SELECT sum(quarantined) FROM spool_file')
    tap.equal((process.returncode, i.number(db, 'SELECT count(*) FROM run'), quarantined), (0, *wanted),
              '%s: what is good is loaded' % name)
    tap.ok(int(peak) <= PEAK_MAX, '%s: in at most 64 MiB (%d KiB)' % (name, int(peak)), out)


def pack(path, *options):
    subprocess.run(['zstd', '-q', '--rm', *options, path, '-o', path + '.zst'], check=True)
    return path + '.zst'


def test_line(work, kind):
    """A line of 2 GiB, beyond what 31 bits count: a hole in the file. Packed, a small file that unpacks to it."""
    lines, size = make(work), (2 << 30) + 11
    path = work + '/line.jsonl'
    with open(path, 'wb') as file:
        file.write(lines[0])
        file.truncate(len(lines[0]) + size)
        file.seek(0, 2)
        file.write(b'\n')
        file.writelines(lines[1:])
    db = kind.new('line')
    load(db, path, (RUNS, 1), 'a line of 2 GiB')
    tap.equal(i.number(db, 'SELECT size FROM quarantine'), size, 'its size is known')
    packed = pack(path)
    tap.ok(os.path.getsize(packed) < MIB, 'packed, it is small (%d KiB)' % (os.path.getsize(packed) >> 10))
    load(kind.new('line_packed'), packed, (RUNS, 1), 'a zstd bomb of one line')


def test_lines(work, kind):
    """A bomb of short lines: all are counted, the first ones are kept."""
    lines, bad = make(work), 499979
    path = work + '/lines.jsonl'
    with open(path, 'wb') as file:
        file.writelines(lines[:3])
        file.write(b'\n' * bad)
        file.writelines(lines[3:])
    db = kind.new('lines')
    load(db, pack(path), (RUNS, bad), 'a zstd bomb of %d lines' % bad)
    tap.equal(i.number(db, 'SELECT count(*) FROM quarantine'), 10000, '10000 of them are kept')


def test_window(work, kind):
    """Unpacking that asks for 128 MiB at once is refused; that is said of the file."""
    path = work + '/window.jsonl'
    with open(path, 'wb') as file:
        subprocess.run(['zstd', '-q', '--long=27'], input=b''.join(make(work)), stdout=file, check=True)
    db = kind.new('window')
    load(db, path, (0, 0), 'a zstd window of 128 MiB')
    tap.ok(i.number(db, "SELECT count(*) FROM spool_problem WHERE fact = 'compression'") == 1, 'it is told')


def test_rich(work, kind):
    """Good lines as big as can be, in all their shapes, behind others that fill what the loader remembers."""
    def paths(spool):
        for n in range(20011):
            run = spool.run()
            run['exe'] = dict(run['exe'], path='/home/alice/%0100d' % n)
            spool.record('run', run)
    between = [paths, lambda spool: spool.record('run', spool.run(argv=['a'] * 190027)),
               lambda spool: spool.record('run', spool.run(argv=['x' * (LINE_MAX - 3001)]))]
    for n in range(2):
        between.append(lambda spool, n=n: spool.set(env={'A%d' % n: 'x' * (LINE_MAX - 307)}))
        between.append(lambda spool, n=n: spool.set(objects=[
            {'path': '/lib/%d/%d' % (n, m), 'build_id': None, 'watermark': None} for m in range(10007)]))
    path = work + '/rich.jsonl'
    with open(path, 'wb') as file:
        file.writelines(make(work, between))
    db = kind.new('rich')
    load(db, pack(path, '--zstd=wlog=23'), (RUNS + 20011 + 2, 0), 'lines of 4 MiB, and %d paths' % 20011)
    tap.equal((i.number(db, 'SELECT count(*) FROM object'), i.number(db, 'SELECT max(length(argv)) FROM run_text')),
              (2 * 10007, LINE_MAX - 3001 + 4), 'their objects and arguments are there')


def test_big_file(work, kind):
    """A file of 2 GB (RUNMARK_TEST_LONG, else 67 MB) of runs."""
    size, lines = (2000 if i.LONG else 67) * 1000 * 1000, make(work)
    run = json.loads(lines[1])
    path, number, written = work + '/big.jsonl', 0, 0
    rest = json.dumps({key: value for key, value in run.items() if key not in ('seq', 'run_id')})[1:]
    with open(path, 'w', encoding='utf-8') as file:
        file.write(lines[0].decode())
        while written < size:
            number += 1
            written += file.write('{"seq":"%d","run_id":"01a1fe59-8a5a-80e3-b1aa-%012x",%s\n' % (number, number, rest))
    db = kind.new('big')
    load(db, path, (number, 0), '%d runs in one file of %d MB' % (number, written / 1e6))


def test_folder(work, kind):
    """A folder of 100,000 files that are known, a few that are new, and some that are none of ours."""
    spool = i.Spool(work, rng=random.Random(2))
    spool.open()
    spool.record('run', spool.run())
    first = spool.close()
    db, count, new = kind.new('folder'), 100003, 7
    i.ingest(db, first)
    folder, (mark,) = work + '/folder', i.query(db, 'SELECT * FROM spool_file')
    os.mkdir(folder)
    stem = os.path.basename(first)[:-len('000001.jsonl')]
    for n in range(2, 2 + new):
        os.link(first, '%s/%s%06d.jsonl' % (folder, stem, n))
    for n in range(2 + new, count + 2):
        os.mknod('%s/%s%06d.jsonl' % (folder, stem, n))
    for n in range(1009):
        os.mknod('%s/.%s%06d.jsonl.tmp' % (folder, stem, n))
    columns = [name for name in mark.keys() if name not in ('id', 'name')]
    names = ['%s%06d.jsonl' % (stem, n) for n in range(2 + new, count + 2)]
    sql = 'INSERT INTO spool_file (name, %s) VALUES ' % ', '.join('"%s"' % name for name in columns)
    row = '(?' + ''.join(', ' + ('NULL' if mark[name] is None else repr(mark[name])) for name in columns) + ')'
    with i.opened(db) as connection:
        execute = getattr(connection, 'query', None) or (lambda sql, *values: connection.execute(sql, values))
        for at in range(0, len(names), 997):
            part = names[at:at + 997]
            execute(sql + ', '.join([row] * len(part)), *part)
        execute('COMMIT')
    load(db, folder, (1, 0), 'a folder of %d files' % count)
    tap.equal(i.number(db, 'SELECT count(*) FROM spool_file'), count + 1, 'each is known')


# what differs between databases is done with each
EVERY_KIND, READING = (test_lines, test_rich, test_big_file), (test_line, test_window, test_folder)

with i.temporary() as directory, i.kinds(directory, 'size of the input') as kinds:
    for kind in kinds:
        for test in EVERY_KIND + (READING if kind is kinds[0] else ()):
            with i.temporary(directory) as work, tap.about(kind.name):
                test(work, kind)
tap.done()
