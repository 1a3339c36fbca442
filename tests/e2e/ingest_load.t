#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is loaded is what the records say, whatever bytes they hold; once, in whatever order they come."""
import json
import os
import random
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap

ALL_BYTES = bytes(range(1, 256))
ODD = [b'', b'\n', b'"\'\\', b'\xff\xfe', 'é€😀'.encode(), b'\x1b[31m\x07', b'a' * 4096, ALL_BYTES,
       b'%s%n', b"'; DROP TABLE run; --", b'\xed\xa0\x80', b'\xc0\x80', b'NULL', b'\\0', b' ']


def odd_runs(spool):
    """Runs with bytes and numbers at their limits."""
    for data in ODD:
        run = spool.run()
        i.put_text(run['exe'], 'path', b'/' + data[:4095])
        i.put_text(run['exe'], 'requested', data)
        i.put_text(run, 'cwd', data)
        i.put_texts(run, 'argv', [data, b'x', data * 3])
        run['script'] = {}
        i.put_text(run['script'], 'path', data)
        yield run
    exe = dict(spool.run()['exe'])
    for change in (
            {'argv': []}, {'argv': None}, {'user': None}, {'login_uid': None}, {'cgroup': None},
            {'user': 'ü' * 64, 'uid': 4294967295, 'euid': 4294967295},
            {'exit': {'signal': 11, 'name': 'SIGSEGV', 'core': True, 'oom': False}},
            {'exit': {'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': True}},
            {'exit': {'signal': 37, 'name': 'SIGRTMIN+3', 'core': False, 'oom': False}},
            {'exit': None, 'next_run_id': '00000000-0000-8000-8000-000000000002'},
            {'exit': {'code': 255}}, {'container': {'runtime': 'podman', 'id': '0' * 64}},
            {'end': None, 'exit': None, 'usage': None, 'elapsed_s': None,
             'incomplete': ['end: node lost', 'exit: node lost', 'usage: node lost']},
            {'start': '1970-01-01T00:00:00.000000Z', 'end': '2100-12-31T23:59:59.999999Z',
             'elapsed_s': 4133980799.999999},
            {'exe': {**exe, 'inode': '18446744073709551615', 'device': '4095:1048575'}},
            {'exe': {**exe, 'size': 9007199254740992, 'owner_uid': 4294967295}},
            {'exe': {**exe, 'path': '/only/path', 'build_id': None, 'watermark': None,
                     'watermark_state': 'unknown', 'device': None, 'inode': None, 'fstype': None,
                     'owner_uid': None, 'size': None, 'mtime': None}},
            {'parent_run_id': '00000000-0000-8000-8000-000000000001', 'ppid': 2147483647},
            {'mpi': {'rank': 0, 'size': 1000003}},
            {'object_set': spool.set(objects=[]), 'env_set': spool.set(env={})},
            {'job': {'manager': 'slurm', 'id': '7', 'sluid': 'sABC', 'array_id': '5',
                     'array_task': '3', 'step': 'batch', 'task': None, 'from': 'cgroup'}}):
        yield spool.run(**change)


def odd_links(spool):
    yield spool.link()
    yield spool.link(driver=None, inputs=[], watermark=None, modules=None, compilers=[])
    for data in ODD:
        link = spool.link()
        i.put_text(link['output'], 'path', b'/' + data[:4095])
        i.put_text(link, 'cwd', data)
        i.put_texts(link, 'link_line', [b'ld', data])
        i.put_texts(link['driver'], 'argv', [data, b'gcc'])
        yield link


def read_back(db, kind):
    if kind == 'run':
        return [i.run_of(row) for row in i.query(db, 'SELECT * FROM run_view WHERE state = 1')]
    return [i.link_of(row) for row in i.query(db, 'SELECT * FROM link_view')]


def test_content(work, kind):
    """Every field of every record is found again."""
    os.mkdir(work + '/odd')
    spool = i.Spool(work + '/odd', cluster='')
    spool.open()
    for run in odd_runs(spool):
        spool.record('run', run)
    for link in odd_links(spool):
        spool.record('link', link)
    spool.record('node', spool.node('start', lost={'ring_full_exec': 7}))
    spool.close(lost={'spool_quota': 3})
    tap.equal(subprocess.run(['tests/validate', *spool.names]).returncode, 0,
              'the records are valid by their schemas')
    db = kind.new('odd')
    result = i.ingest(db, work + '/odd')
    tap.equal((result.status, result.err), (0, ''), 'odd records load without a word')
    tap.equal(i.difference(read_back(db, 'run'), i.records_of(work + '/odd', 'run')), '',
              'every run reads as it was written')
    tap.equal(i.difference(read_back(db, 'link'), i.records_of(work + '/odd', 'link')), '',
              'every link reads as it was written')
    tap.equal([tuple(row) for row in i.query(db, 'SELECT kind, name, value FROM node_count '
                                             "WHERE kind = 'lost'")],
              [('lost', 'ring_full_exec', 7)], 'counters of the node record')
    tap.equal(i.number(db, "SELECT stated FROM spool_count WHERE kind = 'lost'"), 3,
              'losses of the trailer')
    tap.equal(i.number(db, 'SELECT min(whole) FROM spool_file'), 1, 'the file is whole')
    tap.equal(i.number(db, 'SELECT count(*) FROM missing_record'), 0, 'no record is missing')


def test_sets(work, kind):
    """Objects in order with what belongs to them, exact bytes of the environment."""
    os.mkdir(work + '/sets')
    spool = i.Spool(work + '/sets')
    spool.open()
    objects = [{'path': '/lib/b.so', 'build_id': 'ab', 'watermark': None, 'device': '8:1', 'inode': '9'},
               {'path': '/lib/a.so', 'build_id': None,
                'watermark': '00000000-0000-7000-8000-000000000001'},
               {'path': '/lib/b.so', 'build_id': 'ab', 'watermark': None}]
    objects.append({'build_id': None, 'watermark': None})
    i.put_text(objects[-1], 'path', b'/lib/\xff')
    env = {'A': 'x\n', 'B': '\ufffd', 'C': ''}
    key = spool.set(env=env, env_b64={'B': i.b64(b'\xff\n')})
    spool.record('run', spool.run(object_set=spool.set(objects=objects), env_set=key))
    spool.close()
    db = kind.new('sets')
    tap.equal(i.ingest(db, work + '/sets').status, 0, 'sets load')
    rows = i.query(db, 'SELECT o.path, o.build_id, o.watermark, m.device, m.inode '
                   'FROM run r JOIN object_set_member m ON m.object_set = r.object_set '
                   'JOIN object_view o ON o.id = m.object ORDER BY m.position')
    tap.equal([tuple(row) for row in rows],
              [(b'/lib/b.so', b'\xab', None, '8:1', 9),
               (b'/lib/a.so', None, bytes(6) + b'\x70\0\x80\0\0\0\0\0\0\1', None, None),
               (b'/lib/b.so', b'\xab', None, None, None), (b'/lib/\xff', None, None, None, None)],
              'objects, in their order')
    rows = i.query(db, 'SELECT n.name, m.value FROM run r JOIN env_set_member m '
                   'ON m.env_set = r.env_set JOIN env_name n ON n.id = m.name ORDER BY 1')
    tap.equal([tuple(row) for row in rows], [('A', b'x\n'), ('B', b'\xff\n'), ('C', b'')],
              'environment, exactly')


def test_forms(work, kind):
    """The same records give the same database: again, compressed, in any order, by other names."""
    plain, packed = work + '/plain', work + '/packed'
    options = ('--runs', 499, '--links', 11, '--starts', 3, '--hosts', 2, '--files', 11)
    made = i.generate(plain, *options)
    i.generate(packed, *options, '--zstd')
    db = kind.new('plain')
    result = i.ingest(db, plain)
    tap.equal((result.status, result.counts['file'], result.counts['run'], result.counts['link']),
              (0, 11, 499, 11), 'the summary counts')
    first = i.dump(db)
    tap.equal(i.counts(db), {'run': 499, 'run_text': 499, 'link': 11, 'link_text': 11,
                             'node_record': 11, 'spool_file': 11, 'quarantine': 0,
                             'spool_problem': 0}, 'each record once')
    tap.equal(i.number(db, 'SELECT count(*) FROM run WHERE state = 0'), 0,
              'runs complete their start records (%d)' % made['start'])
    result = i.ingest(db, plain)
    tap.equal((result.status, result.counts['file known before']), (1, 11),
              'again: nothing to load, status 1')
    tap.equal(i.dump(db), first, 'again: nothing changes')
    result = i.ingest(db, packed)
    tap.equal(result.status, 1, 'a compressed copy is the same file')

    db = kind.new('packed')
    i.ingest(db, packed)
    tap.equal(i.dump(db), first, 'compressed files load alike')

    db = kind.new('shuffled')
    files = [os.path.join(plain, name) for name in os.listdir(plain)]
    for seed in range(3):
        random.Random(seed).shuffle(files)
    for file in files[:4]:
        i.ingest(db, file)
    i.ingest(db, *files)
    tap.equal(i.dump(db), first, 'in any order, file by file')

    renamed = work + '/renamed'
    os.mkdir(renamed)
    for n, file in enumerate(files):
        shutil.copy(file, '%s/again%d.jsonl' % (renamed, n))
    result = i.ingest(db, renamed)
    tap.equal((result.counts['file'], result.counts['run'], result.counts['link']), (11, 0, 0),
              'under other names: no record is new')
    got = i.dump(db)
    tap.equal([got[name] for name in ('runs', 'links', 'objects', 'env', 'nodes')],
              [first[name] for name in ('runs', 'links', 'objects', 'env', 'nodes')],
              'under other names: no record changes')


def test_merge(work, kind):
    """start then run, run then start, the same run from two files."""
    for order in ('start run', 'run start', 'start', 'start start', 'run run'):
        directory = work + '/merge ' + order
        os.mkdir(directory)
        db = kind.new(order)
        spool = i.Spool(directory)
        run = spool.run(exit={'code': 7})
        for record in order.split():
            spool.open()
            if record == 'start':
                spool.record('start', spool.start(run))
            else:
                spool.record('run', run)
            result = i.ingest(db, spool.close())
            tap.ok(result.status == 0, '%s: loads' % order, result)
            run = {**run, 'cwd': '/later'}
        rows = i.query(db, 'SELECT state, exit_code, cwd FROM run_view')
        wanted = (0, None) if 'run' not in order else (1, 7)
        # A run takes the place of its start; otherwise the first stays.
        cwd = b'/later' if order == 'start run' else b'/home/alice'
        tap.equal([tuple(row) for row in rows], [(*wanted, cwd)], '%s: one row' % order)


def test_batches(work, kind):
    """Starts and runs of the same few ids, again and again in one file: as if put in one after another."""
    rng = random.Random(7)
    os.mkdir(work + '/batches')
    spool = i.Spool(work + '/batches', rng=rng)
    spool.open()
    runs = [spool.run() for _ in range(211)]
    state, wanted, counts = {}, {}, {'run': 0, 'start record': 0, 'record known before': 0}
    for n in range(2503):
        run = {**rng.choice(runs), 'cwd': '/%d' % n}
        name = rng.choice(('start record', 'run'))
        key = run['run_id']
        if key in state and not (name == 'run' and state[key] == 0):
            counts['record known before'] += 1
        else:
            counts[name] += 1
            state[key], wanted[key] = int(name == 'run'), run['cwd'].encode()
        spool.record('start' if name != 'run' else 'run', spool.start(run) if name != 'run' else run)
    spool.close()
    db = kind.new('batches')
    result = i.ingest(db, work + '/batches')
    tap.equal({name: result.counts.get(name) for name in counts}, counts, 'each record is what it was in its turn')
    tap.equal({i.text_uuid(row[0]): (row[1], row[2]) for row in i.query(db, 'SELECT run_id, state, cwd FROM run_view')},
              {key: (state[key], cwd) for key, cwd in wanted.items()}, '... and each run is the right one')


def test_late(work, kind):
    """A set that comes after the run that refers to it, in another file."""
    directory = work + '/late'
    os.mkdir(directory)
    db = kind.new(os.path.basename(directory))
    spool = i.Spool(directory)
    spool.open()
    key = spool.set(objects=[{'path': '/lib/x.so', 'build_id': None, 'watermark': None}])
    spool.record('run', spool.run(object_set=key))
    path = spool.close()
    with open(path) as file:
        lines = file.readlines()
    with open(path, 'w') as file:
        file.writelines(line for line in lines if 'runmark.set' not in line)
    i.ingest(db, path)
    tap.equal(tuple(i.query(db, 'SELECT hash, members FROM object_set')[0]),
              (bytes.fromhex(key), None), 'a set that has not come is known by its hash')
    with open(directory + '/other.jsonl', 'w') as file:
        file.writelines(lines)
    i.ingest(db, directory + '/other.jsonl')
    tap.equal(i.number(db, 'SELECT members FROM object_set'), 1, 'the set comes later')
    tap.equal(i.number(db, 'SELECT o.path FROM run r JOIN object_set_member m '
                       'ON m.object_set = r.object_set JOIN object_view o ON o.id = m.object'),
              b'/lib/x.so', 'the run has its objects then')


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_cluster(work, kind):
    """What make-spool says that it made, by user, program and end, is what the database has."""
    summary, accounting, db = work + '/summary.json', work + '/sacct', kind.new('cluster')
    made = i.generate(work + '/cluster', '--runs', 4999, '--hosts', 7, '--files', 23, '--days', 30,
                      '--objects', '0,2,41', '--links', 97, '--groups', 53, '--starts', 11,
                      '--summary', summary, '--sacct', accounting)
    result = i.ingest(db, work + '/cluster')
    tap.equal((result.status, result.counts['line quarantined']), (0, 0), 'a month is loaded')
    with open(summary) as file:
        said = json.load(file)
    for what, column in (('users', 'user'), ('programs', 'exe')):
        got = {text(row[0]): {'runs': row[1], 'elapsed_us': row[2], 'cpu_us': row[3]} for row in i.query(
            db, 'SELECT %s, count(*), sum(elapsed_us), sum(user_us + system_us) FROM run_view '
            'GROUP BY 1' % column)}
        tap.equal(got, said[what], 'its %d %s, with their times' % (len(got), what))
    tap.equal({row[0]: row[1] for row in i.query(
        db, 'SELECT host, count(*) FROM run_view GROUP BY 1')}, said['hosts'], 'its hosts')
    tap.equal((i.number(db, 'SELECT count(*) FROM run WHERE job IS NOT NULL'), made['link'],
               i.number(db, 'SELECT sum(runs) FROM run_group'),
               i.number(db, 'SELECT count(*) FROM run WHERE failed = 1')),
              (said['in_jobs'], said['links'], said['grouped'],
               sum(count for exit, count in said['exits'].items() if exit not in ('null', '{"code":0}'))),
              'runs in jobs, links, grouped and failed runs')
    tap.equal(i.number(db, 'SELECT count(*) FROM run a WHERE next_run_id IS NOT NULL AND NOT EXISTS '
                       '(SELECT 1 FROM run b WHERE b.run_id = a.next_run_id)') <= 23, True,
              'what follows a run is there, but for the last of a file')
    i.ingest(db, '--sacct', accounting)
    tap.equal(i.number(db, 'SELECT count(*) FROM job j WHERE NOT EXISTS (SELECT 1 FROM accounting a WHERE '
                       'a.job_id = j.job_id AND a.manager = j.manager AND a.cluster = j.cluster)'), 0,
              'every job has its accounting')


with i.temporary() as directory, i.kinds(directory, 'loading') as kinds:
    for kind in kinds:
        for test in (test_content, test_sets, test_forms, test_merge, test_batches, test_late, test_cluster):
            with i.temporary(directory) as work, tap.about(kind.name):
                test(work, kind)
tap.done()
