#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark report, but for coverage: every figure of every report, against an oracle that computes it from the
# records (report_oracle.py); filters, order, formats.
import sys
sys.dont_write_bytecode = True
import csv
import io
import os
import random
import sqlite3
from cli_tap import control_characters, on_terminal, runmark
import ingest
import report_oracle
from ingest import Spool, time_text
from report_oracle import Oracle, in_order
import tap

S = 1000000
T0 = (1795255200 - 20 * 86400) * S
DAY = 86400 * S
RUNS, GROUPS = 997, 97
MARK = '0193%04x-0000-7000-8000-000000000000'

VIEWS = {
    'software': ('software', 'program', 'module'), 'libraries': ('library', 'module', 'build-id', 'user', 'job'),
    'users': ('user', 'account', 'software'), 'compilers': ('version', 'compiler', 'program'),
    'linkers': ('version', 'linker', 'program'), 'self-built': ('built', 'evidence', 'software', 'program', 'user'),
    'bins': ('run-time', 'software', 'user'), 'failures': ('software', 'program', 'end', 'user', 'host'),
    'jobs': ('job', 'software'),
}
SORTS = {'self-built': {'built': 'built_by', 'evidence': 'built_by'}, 'bins': {'run-time': 'run_time'},
         'failures': dict.fromkeys(VIEWS['failures'], 'failed')}


def program(path, number, owner=0, stamped=False, build_id=True):
    return {'path': path, 'requested': path, 'build_id': '%040x' % number if build_id else None,
            'watermark': MARK % number if stamped else None, 'watermark_state': 'stamped' if stamped else 'none',
            'device': '8:1', 'inode': str(number), 'fstype': 'ext4', 'owner_uid': owner, 'size': 7,
            'mtime': time_text(T0)}


PROGRAMS = [program('/usr/bin/ls', 1), program('/usr/bin/python3.11', 2), program('/opt/py/bin/python3.9', 3),
            program('/apps/gromacs/2023/bin/gmx', 4, owner=5000, stamped=True),
            program('/apps/vasp/6/bin/vasp_std', 5, owner=5000),
            program('/home/alice/a.out', 6, owner=1000, stamped=True), program('/home/alice/b.out', 7, owner=1000),
            program('/home/bob/sim', 8, owner=1001, stamped=True),
            program('/home/bob/copy', 9, owner=1001, stamped=True, build_id=False),
            program('/home/alice/a.out (deleted)', 16, owner=1000),
            program('/~00aa/77/old', 10, owner=None), program('/scratch/what', 11, owner=None),
            program('/home/alice/two\nlines\x1b[31m', 12, owner=1000), program('/usr/local/tool', 13, stamped=True)]
SOFTWARE = {'/usr/bin/python3.11': 'Python', '/opt/py/bin/python3.9': 'Python', '/apps/gromacs/2023/bin/gmx': 'GROMACS'}
MODULES = {'/apps/gromacs/2023/bin/gmx': 'gromacs/2023', '/apps/vasp/6/bin/vasp_std': 'vasp/6',
           '/apps/mpi/lib/libmpi.so.40': 'openmpi/4.1', '/apps/mpi/lib/libopen-rte.so.40': 'openmpi/4.1'}
LIBRARIES = [{'path': path, 'build_id': build_id and '%040x' % build_id, 'watermark': None, 'device': '8:1',
              'inode': str(i)} for i, (path, build_id) in enumerate((
                  ('/usr/lib/libc.so.6', 101), ('/usr/lib/libm.so.6', 102), ('/apps/mpi/lib/libmpi.so.40', 103),
                  ('/apps/mpi/lib/libopen-rte.so.40', None), ('/usr/lib/libc.so.6', 104),
                  ('/home/bob/lib/libmine.so', 105), ('/usr/lib/libz.so.1', 106)))]
USERS = [('alice', 1000), ('bob', 1001), ('carol', 1002), (None, 1003), (None, None), ('~00aa', None), ('root', 0)]
PEOPLE = {'~00aa': 'carol'}
JOBS = [(100 + i, 'c1' if i % 3 else 'c2') for i in range(23)]
FIELDS = ('JobIDRaw', 'JobID', 'Cluster', 'User', 'Account', 'Partition', 'Submit', 'Start', 'End', 'State')


def links(spool):
    def output(exe, **more):
        return {'path': exe['path'], 'build_id': exe['build_id'], 'size': 7, 'type': 'pie', **more}

    def put(at, exe, user, uid, compiler, version, linker='/usr/bin/ld.bfd', text='GNU ld 2.40', **changes):
        spool.record('link', spool.link(**{
            'watermark': exe['watermark'], 'output': output(exe), 'user': user, 'uid': uid,
            'time': time_text(T0 + at * S), 'linker': {'path': linker, 'version': text},
            'compiler': {'name': compiler, 'version': version, 'text': ''} if compiler else None, **changes}))
    gmx, a_out, b_out, sim, copy, tool = (PROGRAMS[i] for i in (3, 5, 6, 7, 8, 13))
    put(100, gmx, 'swmgr', 5000, 'GCC', '12.2.0')
    put(200, a_out, 'alice', 1000, 'GCC', '12.2.0')
    put(150, a_out, 'bob', 1001, 'GCC', '11.1.0')  # the same bytes, made before
    put(300, a_out, 'mallory', 1009, 'clang', '9', output={**output(a_out), 'build_id': '66' * 20})  # copied its mark
    put(400, b_out, 'alice', 1000, None, None, '/usr/bin/ld.lld', 'LLD 14')  # no mark: by build-id
    put(500, sim, 'bob', 1001, 'clang', '14.0.6', '/usr/bin/ld.lld', 'LLD 14')
    put(550, copy, 'alice', 1000, 'clang', '14.0.6')  # build-id not known of the program
    put(600, tool, 'root', 0, 'GCC', '12.2.0', job={'manager': 'slurm', 'id': '101', 'sluid': None, 'array_id': None,
                                                    'array_task': None, 'step': '0', 'task': '0', 'from': 'cgroup'})
    put(9 * 86400, tool, 'bob', 1001, 'GCC', '12.2.0')  # after the window


def fill(directory, rng):
    clusters = (('n001', 'c1'), ('n002', 'c1'), ('n010', 'c2'), ('m001', 'c1'))
    spools = {}
    for host, cluster in clusters:
        spools[host] = Spool(directory, host, cluster, rng=rng, start_us=T0)
        spools[host].open()
    links(spools['n001'])
    for i in range(RUNS + GROUPS):
        host, cluster = rng.choice(clusters)
        spool = spools[host]
        start = T0 + (i % 31) * DAY // 4 + rng.randrange(DAY // 4) if i % 7 else T0 + DAY + rng.randrange(4000 * S)
        user, uid = rng.choice(USERS)
        here = [job for job in JOBS if job[1] == cluster]
        job = rng.choice(here + [None])
        objects = rng.choice(([], LIBRARIES[:2], LIBRARIES[:4], LIBRARIES[2:], LIBRARIES[4:6] + LIBRARIES[:1]))
        changes = {
            'user': user, 'uid': uid, 'euid': uid, 'exe': rng.choice(PROGRAMS),
            'object_set': spool.set(objects=objects) if rng.random() < .9 else None,
            # what an array's task starts outside of its environment doesn't tell the array
            'job': job and {'manager': 'slurm', 'id': str(job[0]), 'sluid': None, 'array_id': '97' if job[0] % 3 and i % 4 else None,
                            'array_task': str(job[0]) if job[0] % 3 and i % 4 else None, 'step': '0', 'task': '0', 'from': 'cgroup'}}
        if i >= RUNS:
            exits = rng.choice(({0: 11}, {0: 5, 1: 3}, {1: 2, (9, 'SIGKILL'): 1}, {0: 1, (11, 'SIGSEGV'): 4}))
            group = spool.group(exits, start, start + rng.choice((10000, 7 * S)), **changes)
            group['exe'] = {name: value for name, value in group['exe'].items() if name != 'requested'}
            spool.record('group', group)
            continue
        elapsed = round(rng.choice((.5, 29.999999, 30, 119.5, 120, 700, 5000, 20000, 100000)) * rng.choice((1, .5)), 6)
        code = rng.choice((0,) * 9 + (1, 2, 127))
        run = spool.run(**changes, elapsed_s=elapsed, exit={'code': code}, start=time_text(start),
                        end=time_text(start + round(elapsed * S)))
        run['run_id'] = str(spool.uuid(8, start // 1000))
        if i % 17 == 0:
            run['exit'] = {'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': i % 2 == 0}
        if i % 29 == 0:
            run['usage'] = None
        else:
            run['usage'].update(user_s=round(elapsed * .7, 6), system_s=round(elapsed * .01, 6))
        if i % 41 == 0:
            spool.record('start', spool.start(run))
        if i % 82:
            spool.record('run', run)
    edges(spools['n001'])
    for spool in spools.values():
        spool.close()


def edges(spool):
    """Runs that reach over a window's ends, and begin at them."""
    for at in (-5, 0, 3600 * 24 - 1, 3600 * 24):
        start = T0 + at * S
        run = spool.run(start=time_text(start), end=time_text(start + 10 * S), elapsed_s=10)
        run['run_id'] = str(spool.uuid(8, start // 1000))
        spool.record('run', run)


def account(work, db):
    """Imports accounting. (id, cluster) -> (account, queue, user)."""
    known = {}
    with open(work + '/sacct', 'w', encoding='utf-8') as file:
        file.write('|'.join(FIELDS) + '\n')
        for i, (number, cluster) in enumerate(JOBS[:19]):
            for submission in range(1 + i % 3):  # queued again: the last counts
                name, queue = 'acct%d' % ((i + submission) % 5), 'q%d' % (i % 2)
                file.write('|'.join((str(number), str(number), cluster, 'alice' if i % 4 else '', name, queue,
                                     '2026-10-01T10:0%d:00' % submission, '2026-10-01T11:00:00',
                                     '2026-10-01T12:00:00', 'COMPLETED')) + '\n')
                known[str(number), cluster] = (name, queue, 'alice' if i % 4 else None)
    return ingest.ingest(db, '--sacct', work + '/sacct'), known


def name_files(db):
    """What the site's rules would have filled in."""
    with sqlite3.connect(db) as connection:
        for column, names in (('software', SOFTWARE), ('module', MODULES)):
            for path, name in names.items():
                connection.execute('UPDATE path SET %s = ? WHERE path = ?' % column, (name, path.encode()))
        ids = dict(connection.execute('SELECT name, id FROM user_name'))
        for alias, name in PEOPLE.items():
            connection.execute('INSERT INTO pseudonym (alias, user) VALUES (?, ?)', (ids[alias], ids[name]))
    connection.close()


def options(asked):
    words = []
    for name, value in asked.items():
        words += ['--' + name, time_text(value) if name in ('since', 'until') else value]
    return words


def rounded(row):
    """Numbers are printed with 15 digits or 17."""
    return {name: float('%.15g' % value) if isinstance(value, float) else value for name, value in row.items()}


def difference(got, wanted):
    for one, other in zip(got, wanted):
        if one != other:
            return {k: (one[k], other.get(k)) for k in one if one[k] != other.get(k)}, one
    return len(got), len(wanted)


with ingest.temporary() as work:
    spool, db = work + '/spool', work + '/a.db'
    os.mkdir(spool)
    fill(spool, random.Random(7))
    result = ingest.ingest(db, spool)
    tap.ok(result.status == 0 and result.counts.get('quarantined', 0) == 0, 'loaded', result)
    result, known = account(work, db)
    tap.equal(result.status, 0, 'accounting is imported')
    name_files(db)
    oracle = Oracle(spool, SOFTWARE, MODULES, known, PEOPLE)
    WINDOW = {'since': T0, 'until': T0 + 8 * DAY}

    def ask(report, *words, **asked):
        return runmark('report', report, '--db', 'sqlite:' + db, *options(asked), *words)

    def same(report, by, sort=None, **asked):
        """The report's rows are the oracle's, to the last figure and in order."""
        words = ['--by', by, '--format', 'json'] + (['--sort', sort] if sort else [])
        done = ask(report, *words, **asked)
        wanted, got = oracle.report(report, by, **asked), done.json()
        if got:
            names = [name for name in got[0] if name not in ('report', 'by')]
            wanted = [{name: row[name] for name in names} for row in wanted]
        wanted = in_order(wanted, sort or SORTS.get(report, {}).get(by, 'core_hours'))
        got = [rounded({name: row[name] for name in row if not name.endswith('_b64')}) for row in got]
        wanted = [rounded({'report': report, 'by': by, **row}) for row in wanted]
        filters = ' '.join('--%s %s' % pair for pair in asked.items() if pair[0] not in ('since', 'until'))
        return tap.ok(done.status == (0 if wanted else 1) and got == wanted,
                      'report %s --by %s %s%s' % (report, by, filters, ' --sort ' + sort if sort else ''),
                      (done.status, done.err, difference(got, wanted)))

    for report, views in VIEWS.items():
        for by in views:
            more = {'lib': 'libmpi.so'} if (report, by) in (('libraries', 'user'), ('libraries', 'job')) else {}
            same(report, by, **WINDOW, **more)
    FILTERS = ({'user': 'alice'}, {'user': '1003'}, {'host': 'n0*'}, {'host': 'm001'}, {'cluster': 'c2'},
               {'account': 'acct2'}, {'queue': 'q1'}, {'exe': 'gmx'}, {'lib': 'libc.so'}, {'lib': 'libmine.so'},
               {'user': 'alice', 'host': 'n001', 'account': 'acct2'}, {'user': 'nobody'}, {'account': 'none'},
               {'software': 'Python'}, {'module': 'openmpi/4.1'}, {'module': 'gromacs/2023', 'user': 'bob'})
    for asked in FILTERS:
        for report, by in (('software', 'program'), ('libraries', 'library'), ('users', 'user'), ('linkers', 'version'),
                           ('failures', 'software'), ('jobs', 'job')):
            same(report, by, **WINDOW, **asked)
    for name, since, until in (('the first second', T0, T0 + S), ('a day', T0, T0 + DAY),
                               ('another', T0 + DAY, T0 + 2 * DAY), ('before all', T0 - DAY, T0 - 5 * S),
                               ('a run that reaches in', T0 - 5 * S, T0)):
        same('software', 'program', since=since, until=until)
        same('jobs', 'job', since=since, until=until)
    for sort in ('runs', 'users', 'software', 'module', 'program', 'failed', 'cpu_hours', 'node_hours', 'last'):
        same('software', 'program', sort=sort, **WINDOW)

    # sums: what lies in two windows is what lies in both together; and what XALT's views add up to
    halves = [sum(row['core_hours'] for row in ask('software', '--format', 'json', since=a, until=b).json())
              for a, b in ((T0, T0 + 3 * DAY), (T0 + 3 * DAY, T0 + 8 * DAY), (T0, T0 + 8 * DAY))]
    tap.ok(abs(halves[0] + halves[1] - halves[2]) < 1e-6, 'windows add up', halves)
    total = ingest.number(db, 'SELECT sum(run_time * num_cores) / 3600 FROM xalt_run WHERE start_time >= ? '
                          'AND start_time < ?', T0 / S, T0 / S + 8 * 86400)
    tap.ok(abs(total - halves[2]) < 1e-6, "core hours are those of XALT's view", (total, halves))
    found = [row for row in ask('users', '--format', 'json', **WINDOW).json()]
    tap.equal({row['user'] for row in found}, {'alice', 'bob', 'carol', '1003', '~00aa', 'root', None},
              'who is told by a pseudonym is a line of his own')

    # formats
    for report, views in VIEWS.items():
        rows = ask(report, '--format', 'json', **WINDOW).json()
        sheet = list(csv.DictReader(io.StringIO(ask(report, '--format', 'csv', **WINDOW).out.decode(), newline='')))
        tap.ok(len(rows) == len(sheet) and all(
            one[name] == ('' if row[name] is None else '%.15g' % row[name] if not isinstance(row[name], str)
                          else row[name]) for row, one in zip(rows, sheet) for name in one
            if name not in ('compiler', 'linker') or row['link_known']), '%s: CSV has what JSON has' % report,
               difference(rows, sheet))
        table = ask(report, '--limit', '0', **WINDOW)
        tap.ok(len(table.out.decode().splitlines()) == len(rows) + 1 and not control_characters(table.out),
               '%s: so many lines in a table' % report, table.out)
    tap.ok('(no link known)' in ask('compilers', **WINDOW).out.decode(), 'that no link is known is said')
    narrow = on_terminal(60, 'report', 'software', '--by', 'program', '--db', 'sqlite:' + db, *options(WINDOW))
    tap.ok(all(len(line) <= 60 for line in narrow.out.decode().splitlines()) and not control_characters(narrow.out),
           'a narrow terminal', narrow.out)
    some = ask('jobs', '--by', 'software', **WINDOW)
    tap.ok(len(some.out.decode().splitlines()) == 51 and 'the first 50 of' in some.err.decode() and
           '--limit 0' in some.err.decode(), 'a table has 50 lines unless asked', some.err)
    tap.equal(len(ask('jobs', '--by', 'software', '--limit', '7', '--format', 'csv', **WINDOW).out.splitlines()), 8,
              '--limit 7')
    footer = ask('software', **WINDOW).err.decode()
    runs = sum(row.count for row in oracle.rows if T0 <= row.start < T0 + 8 * DAY)
    people = len({oracle.person(row.user, row.uid) for row in oracle.rows})
    tap.ok('{:,} runs of {} users'.format(runs, people) in footer and 'no known end' in footer and
           'report coverage' in footer, 'the footer states runs, persons, window and what is open', footer)
    empty = ask('software', since=T0 - 9 * DAY, until=T0 - 8 * DAY)
    tap.ok(empty.status == 1 and not empty.out and 'nothing from' in empty.err.decode(), 'nothing is said to be so')

    # wrong usage
    for words, said in ((['sofware'], 'nearest is software'), (['jobs', '--by', 'x'], 'job, software'),
                        (['users', '--sort', 'core_hour'], 'nearest is core_hours'),
                        (['libraries', '--by', 'user'], 'needs --lib'), (['libraries', '--by', 'job'], 'needs --lib'),
                        (['coverage', '--user', 'alice'], 'takes no --user'),
                        (['coverage', '--limit', '3'], 'takes no --limit')):
        done = runmark('report', *words)
        tap.ok(done.status == 2 and said in done.err.decode(), 'wrong: %s' % said, done.err)
    helped = runmark('help', 'report').out.decode()
    tap.ok(all('  %s ' % report in helped and ', '.join(views) in helped for report, views in VIEWS.items()),
           'help lists them', helped)
tap.done()
