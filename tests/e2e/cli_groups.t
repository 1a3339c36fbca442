#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Groups, open runs and windows of time, from spool files through the loader to find and show.
import sys
sys.dont_write_bytecode = True
import itertools
import os
import random
import subprocess
import uuid
from cli_tap import runmark, without_nulls
import ingest
from ingest import Spool, time_text
import tap

S = 1000000
HOUR = 3600 * S
T0 = 1795255200 * S  # 2026-11-21T10:00:00Z
W = '01a1fd85-696d-7000-8000-000000000001'
JOB = {'manager': 'slurm', 'id': '77', 'sluid': None, 'array_id': None, 'array_task': None, 'step': '0',
       'task': None, 'from': 'cgroup', 'cgroup': '/slurm/job_77/step_0'}


def find(db, *options, status=None):
    done = runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--format', 'json', *options)
    if status is not None:
        tap.equal(done.status, status, 'find ' + ' '.join(options))
    return done.json()


def ids(records):
    return [r.get('group_id') or r['run_id'] for r in records]


def groups(work):
    spool, db = work + '/groups', work + '/groups.db'
    os.mkdir(spool)
    one = Spool(spool, 'n001', start_us=T0)
    one.open()
    libs = one.set(objects=[{'path': '/usr/lib/libm.so.6', 'build_id': 'cc' * 20, 'watermark': None,
                             'device': '8:1', 'inode': '5'}])
    env = one.set(env={'LOADEDMODULES': 'gcc/12'})
    exe = {'path': '/home/bob/conftest', 'build_id': 'bb' * 20, 'watermark': W, 'watermark_state': 'stamped',
           'device': '8:1', 'inode': '78', 'fstype': 'nfs4', 'owner_uid': 1001, 'size': 4711,
           'mtime': time_text(T0 - HOUR)}
    made = [
        one.group({0: 4001, 1: 3, (11, 'SIGSEGV'): 2}, T0, T0 + 300 * S, job=JOB, cgroup='/slurm/job_77/step_0/task_0',
                  exe=exe, user='bob', uid=1001, euid=1001, gid=1001, object_set=libs, env_set=env),
        one.group({0: 23}, T0 + 20 * S, T0 + 40 * S, script={'path': '/home/bob/configure'}),
        one.group({1: 2}, T0 + 30 * S, T0 + 31 * S, user=None, uid=4242),
    ]
    for group in made:
        one.record('group', group)
    run = one.run(start=time_text(T0 + 25 * S), end=time_text(T0 + 26 * S), exe={**exe, 'requested': './conftest'},
                  user='bob', uid=1001)
    one.record('run', run)
    link = one.link(watermark=W, output={'path': '/home/bob/conftest', 'build_id': 'bb' * 20, 'size': 4711,
                                         'type': 'exec'})
    one.record('link', link)
    path = one.close()
    checked = subprocess.run(['tests/validate', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tap.equal((checked.returncode, checked.stdout if checked.returncode else ''), (0, ''), 'the records are valid')
    tap.equal(ingest.ingest(db, spool).counts.get('group', 3), 3, 'groups are loaded')

    big, configure, bad = (g['group_id'] for g in made)
    run_id = run['run_id']
    for options, wanted in (
            ([], [big, configure, run_id, bad]), (['--user', 'bob'], [big, run_id]), (['--user', '4242'], [bad]),
            (['--job', '77'], [big]), (['--job', '77.0'], [big]), (['--job', '77.1'], []), (['--exe', 'conftest'], [big, run_id]),
            (['--exe', '/usr/bin/*'], [configure, bad]), (['--lib', 'libm'], [big]), (['--watermark', W], [big, run_id]),
            (['--build-id', 'bb' * 20], [big, run_id]), (['--build-id', 'cc' * 20], [big]), (['--failed'], [big, bad]),
            (['--signal', 'SEGV'], [big]), (['--signal', 'KILL'], []), (['--host', 'n00*'], [big, configure, run_id, bad]),
            (['--host', 'n002'], []), (['--running'], []), (['--limit', '2'], [run_id, bad]),
            (['--failed', '--user', 'bob', '--limit', '1'], [big]),
            (['--since', '2026-11-21T10:04:00Z', '--until', '2026-11-21T10:04:10Z'], [big]),
            (['--since', '2026-11-21T10:05:01Z'], []), (['--until', '2026-11-21T10:00:10Z'], [big])):
        tap.equal(ids(find(db, *options)), wanted, 'find ' + ' '.join(options))

    got = {r['group_id']: r for r in find(db) if 'group_id' in r}
    for group in made:
        want = dict(group, schema='runmark.group/1', objects=None, env=None, seq=got[group['group_id']]['seq'])
        if group['group_id'] == big:
            want['objects'] = [{'path': '/usr/lib/libm.so.6', 'build_id': 'cc' * 20, 'device': '8:1', 'inode': '5'}]
            want['env'] = {'LOADEDMODULES': 'gcc/12'}
        if want['job']:
            want['job'] = dict(want['job'], cgroup=want['cgroup'])
        tap.equal(without_nulls(got[group['group_id']]), without_nulls(want), 'a group is printed as it came, its sets filled in')

    table = runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01')
    lines = [line.split() for line in table.out.decode().splitlines()]
    runs = lines[0].index('RUNS')
    tap.ok(lines[0][:2] == ['START', 'USER'] and 'x4001, 1 x3, SIGSEGV x2' in table.out.decode() and
           ' 4006 ' in table.out.decode() and runs > 0, 'a line with its count', table.out)
    tap.ok(b'4032 runs in 4 lines since' in table.err, 'what is found is counted in runs', table.err)
    sheet = runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--format', 'csv', '--columns',
                    'runs,elapsed,user_s,max_rss,run_id').out.decode().splitlines()
    tap.equal(sheet[1], '4006,8.012,4.006,2097152,' + big, 'sums of times, the greatest of sizes')
    one_run = runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--limit', '1', '--user', 'bob')
    tap.ok(one_run.err.startswith(b'the newest run since'), 'one run is not "1 runs"', one_run.err)

    shown = runmark('show', W, '--db', 'sqlite:' + db, '--format', 'json').json()[0]
    tap.equal((shown['runs_total'], ids(shown['runs']), [r['verified'] for r in shown['runs']]),
              (4007, [big, run_id], [True, True]), 'show counts members, and verifies groups')
    text = runmark('show', W, '--db', 'sqlite:' + db).out.decode()
    tap.ok('\n4007 runs\n' in text and '4006' in text, 'show says so', text)
    text = runmark('show', W, '--db', 'sqlite:' + db, '--limit', '1').out.decode()
    tap.ok('\n4007 runs, the newest:\n' in text, 'the newest is one', text)
    text = runmark('show', big, '--db', 'sqlite:' + db).out.decode()
    tap.ok(text.startswith('group\n') and 'libm.so.6' in text and 'LOADEDMODULES' in text and 'linked' in text,
           'show takes the id of a group', text)


def boot(directory, host, at, booted, records=(), **options):
    """A boot's only file: a node record at its begin and end, records in between."""
    spool = Spool(directory, host, start_us=at, rng=random.Random('%s %d' % (host, at)), **options)
    spool.open()
    extra = {'booted': time_text(booted)} if booted else {}
    spool.record('node', spool.node('start', **extra))
    made = [spool.record(kind, make(spool)) for kind, make in records]
    spool.now_us = at + 600 * S
    spool.record('node', spool.node(**extra))
    return spool, spool.close(), made


def open_runs(work):
    def start(spool):
        return spool.start(spool.run())

    for order in itertools.permutations(range(3)):
        spool = work + '/open-%d%d%d' % order
        db = spool + '.db'
        os.mkdir(spool)
        paths = []
        _, path, made = boot(spool, 'n001', T0, T0 - 60 * S, [('start', start), ('start', start)])
        paths.append(path)
        lost, ended = made
        # its end came late, in a file of that boot
        late = Spool(spool, 'n001', start_us=T0 + 100 * S, boot_id=lost['boot_id'], rng=random.Random(7))
        late.open()
        run = late.run(**{name: value for name, value in ended.items() if name not in ('schema', 'seq')})
        late.record('run', dict(run, end=time_text(T0 + 500 * S)))
        paths.append(late.close())
        _, path, made = boot(spool, 'n001', T0 + HOUR, T0 + HOUR - 60 * S, [('start', start)])
        paths.append(path)
        running = made[0]
        for index in order:
            tap.equal(ingest.ingest(db, paths[index]).status, 0, 'file %d is loaded' % index)
        found = {r['run_id']: r for r in find(db)}
        got = {name: (found[r['run_id']]['schema'], found[r['run_id']].get('state'),
                      found[r['run_id']].get('seen_until'), found[r['run_id']].get('ended_before'))
               for name, r in (('lost', lost), ('ended', ended), ('running', running))}
        tap.equal(got, {
            'lost': ('runmark.start/1', 'node lost', time_text(T0 + 600 * S), time_text(T0 + HOUR - 60 * S)),
            'ended': ('runmark.run/1', None, None, None),
            'running': ('runmark.start/1', 'running', time_text(T0 + HOUR + 600 * S), None)},
            'files in the order %s: node lost, ended, running' % (order,))
        tap.equal(ids(find(db, '--running')), [running['run_id']], '--running')
        if order != (0, 1, 2):
            continue
        tap.equal(ids(find(db, '--running', '--host', 'n001', '--user', 'alice')), [running['run_id']], 'with others')
        tap.equal(ids(find(db, '--failed')), [], 'node lost is no failure')
        for since, until, wanted in (
                ('10:58:59', None, {lost['run_id'], running['run_id']}), ('10:59:01', None, {running['run_id']}),
                ('10:30:00', '10:31:00', {lost['run_id']}), ('10:08:20', '10:10:00', {lost['run_id'], ended['run_id']}),
                ('10:08:21', '10:10:00', {lost['run_id']}), ('23:00:00', None, {running['run_id']})):
            window = ['--since', '2026-11-21T%sZ' % since] + (['--until', '2026-11-21T%sZ' % until] if until else [])
            tap.equal(set(ids(find(db, *window))), wanted, 'open from %s to %s' % (since, until))
        table = runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--columns', 'exit,elapsed,runs')
        cells = [line.split('  ') for line in table.out.decode().splitlines()]
        cells = {tuple(cell.strip() for cell in line if cell.strip()) for line in cells[1:]}
        tap.equal({c for c in cells if c[0] != '0'}, {('node lost', '>10m00s', '1'), ('running', '>10m00s', '1')},
                  'in a table, with how long at least')
        text = runmark('show', lost['run_id'], '--db', 'sqlite:' + db).out.decode()
        tap.ok('node lost' in text, 'show says so', text)
    lost_by_sql = ingest.query(work + '/open-012.db', 'SELECT run_id FROM run r WHERE state = 0 AND EXISTS '
                               '(SELECT 1 FROM boot_view v WHERE v.host = r.host AND v.booted_us > r.start_us)')
    tap.equal([str(uuid.UUID(bytes=row[0])) for row in lost_by_sql],
              [r['run_id'] for r in find(work + '/open-012.db') if r.get('state') == 'node lost'],
              'SQL by boot_view says the same')
    # without booted (an older runmarkd), and where of the new boot only a start record has come
    spool, db = work + '/old', work + '/old.db'
    os.mkdir(spool)
    boot(spool, 'n001', T0, None, [('start', start)])
    boot(spool, 'n002', T0, None, [('start', start)])
    boot(spool, 'n001', T0 + HOUR, None)
    ingest.ingest(db, spool)
    tap.equal(sorted((r['host'], r['state'], r.get('ended_before')) for r in find(db)),
              [('n001', 'node lost', time_text(T0 + HOUR)), ('n002', 'running', None)], 'an older runmarkd')


def windows(work):
    """Runs and groups of every length against windows: what find says is what a comparison says."""
    rng = random.Random(23)
    spool, db = work + '/windows', work + '/windows.db'
    os.mkdir(spool)
    one = Spool(spool, 'n001', start_us=T0, rng=rng)
    one.open()
    spans = {}
    for number in range(997):
        length = int(10 ** rng.uniform(0, 12.8))  # up to 73 days
        start = T0 - rng.randrange(100 * 24 * HOUR)
        edge = rng.choice((0, HOUR, 8 * HOUR, 64 * HOUR, 512 * HOUR))
        if edge and number % 3 == 0:
            length = edge + rng.randrange(-1, 2)
        who = {'user': rng.choice(('alice', 'bob')), 'job': rng.choice((None, JOB))}
        if number % 5:
            record = one.run(start=time_text(start), end=time_text(start + length), elapsed_s=length / S,
                             run_id=str(one.uuid(8, start // 1000)), **who)
            one.record('run', record)
        else:
            record = one.group({0: 2, 1: 1}, start, start + length, **who)
            one.record('group', record)
        spans[record.get('run_id') or record['group_id']] = (start, start + length, record)
    one.close()
    tap.equal(ingest.ingest(db, spool).status, 0, '997 runs and groups')
    wrong = []
    for number in range(151):
        since = T0 - rng.randrange(100 * 24 * HOUR)
        until = since + int(10 ** rng.uniform(0, 12.8))
        if number % 3 == 0:  # to the microsecond
            since = rng.choice(list(spans.values()))[1] + rng.randrange(-1, 2)
            until = max(since + 1, rng.choice(list(spans.values()))[0] + rng.randrange(-1, 2))
        option, fits = rng.choice((([], lambda r: True), (['--user', 'bob'], lambda r: r['user'] == 'bob'),
                                   (['--job', '77', '--user', 'bob'], lambda r: r['job'] and r['user'] == 'bob'),
                                   (['--host', 'n001'], lambda r: True), (['--exe', '*'], lambda r: True)))
        limit = rng.choice((0, 0, 1, 7, 97))
        wanted = sorted((start, id_) for id_, (start, end, record) in spans.items()
                        if start < until and end >= since and fits(record))
        wanted = [id_ for _, id_ in wanted][-limit if limit else 0:]
        options = ['--since', time_text(since), '--until', time_text(until), '--limit', str(limit), *option]
        got = ids(find(db, *options))
        if got != wanted:
            wrong.append((options, len(got), len(wanted), [x for x in wanted if x not in got][:3]))
    tap.equal(wrong[:3], [], '151 windows find what reaches into them, in order')


with ingest.temporary() as folder:
    groups(folder)
    open_runs(folder)
    windows(folder)
tap.done()
