#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Queries as sites wrote them against XALT's tables, on the views of the same names: in SQLite and in MariaDB, with
figures that are computed here from the records."""
import collections
import datetime
import json
import os
import re
import sqlite3
import subprocess
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import mariadb
import tap

RUNMARK = os.path.join(os.path.dirname(i.INGEST), 'runmark')
ZONE = 'XST-05:30'  # of runmark-ingest: local days are others than those of UTC
AHEAD = datetime.timedelta(hours=5, minutes=30)
PAGE = 'userspace/man/runmark-xalt.7'
MODULES = {b'/usr/bin/python': 'python/3', b'/apps/': 'site/1.0', b'libfftw': 'fftw/3.3', b'libhdf5': 'hdf5/1.14'}
COLUMNS = {
    'xalt_run': 'run_id job_id run_uuid date syshost uuid hash_id account exec_type start_time end_time run_time '
                'probability num_cores num_nodes num_threads num_gpus queue sum_runs sum_time user exec_path module_name '
                'cwd cmdline container',
    'xalt_link': 'link_id uuid hash_id date link_program link_path link_module_name link_line cwd build_user '
                 'build_syshost build_epoch exec_path',
    'xalt_object': 'obj_id object_path syshost hash_id module_name timestamp lib_type',
    'join_run_object': 'join_id obj_id run_id date', 'join_link_object': 'join_id obj_id link_id date',
    'xalt_env_name': 'env_id env_name', 'join_run_env': 'join_id env_id run_id date env_value',
    'xalt_function': 'func_id function_name', 'join_link_function': 'join_id func_id link_id date',
    'xalt_pkg': 'pkg_id run_id program pkg_name pkg_version pkg_path', 'xalt_user': 'usr_id user anon_user',
    'xalt_account': 'acct_id account anon_user field_of_science',
    'xalt_field_of_science': 'fos_id account field_of_science directorate',
    'xalt_total_env': 'envT_id run_id date env_blob'}


def module_of(path):
    return next((module for part, module in MODULES.items() if part in path), None)


def local(text):
    return datetime.datetime.fromisoformat(text[:19]) + AHEAD


class Truth:
    """What the records say, run by run: a group is one, of several runs."""

    def __init__(self, folders, sacct):
        self.sets, self.runs, self.links, starts = {}, {}, {}, {}
        for folder in folders:
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), encoding='utf-8') as file:
                    for record in map(json.loads, file):
                        self.take(record, starts)
        for key, record in starts.items():
            self.runs.setdefault(key, record)
        with open(sacct, encoding='utf-8') as file:
            names, *rows = (line.rstrip('\n').split('|') for line in file)
        submitted = {}
        for row in sorted((dict(zip(names, row)) for row in rows), key=lambda row: int(row['Submit'])):
            submitted[row['JobIDRaw']] = row['Account'], row['Partition']
        self.accounts = {row[names.index('Account')] for row in rows} | {'first', 'second', 'third'}
        self.runs = [self.run(record, submitted) for record in self.runs.values()]

    def take(self, record, starts):
        kind = record['schema'].split('.')[1].split('/')[0]
        if kind == 'set':
            self.sets[record['hash']] = record
        elif kind in ('run', 'group'):
            self.runs[record.get('run_id') or record['group_id']] = record
        elif kind == 'start':
            starts[record['run_id']] = record
        elif kind == 'link':
            self.links[record['link_id']] = record

    def run(self, record, submitted):
        job, elapsed = record['job'] or {}, record.get('elapsed_s') or 0
        account, queue = submitted.get(job.get('id'), (None, None))
        seconds = elapsed['sum'] if isinstance(elapsed, dict) else elapsed
        run = collections.namedtuple('run', 'id group date user path uuid module hours runs job account queue objects env '
                                            'argv cwd host')
        path = record['exe']['path'].encode()
        return run(record.get('run_id') or record['group_id'], 'group_id' in record, local(record['start']), record['user'],
                   record['exe']['path'], record['exe']['watermark'], module_of(path),
                   seconds * record.get('cores', 1) / 3600, record.get('count', 1), job.get('id'), account, queue,
                   [o['path'] for o in self.sets.get(record['object_set'], {'objects': ()})['objects']],
                   self.sets.get(record['env_set'], {'env': {}})['env'], record.get('argv'), record.get('cwd'), record['host'])


def total(rows, key, value):
    sums = collections.Counter()
    for row in rows:
        sums[key(row)] += value(row)
    return sums


def queries(truth):
    """Name, statement, rows that it must give. Nothing in the statements is of one server."""
    day = datetime.datetime(2026, 11, 21)
    late = [r for r in truth.runs if r.date >= day]
    stamped = collections.Counter(r.uuid for r in truth.runs if r.uuid)
    one = stamped.most_common(1)[0][0]
    linked = {link['watermark']: link for link in truth.links.values()}
    programs = total(truth.runs, lambda r: r.path, lambda r: r.hours)
    users = collections.defaultdict(set)
    for r in truth.runs:
        users[r.path].add(r.user)
    modules, libraries = collections.Counter(), collections.defaultdict(set)
    for r in late:
        for path in r.objects:
            module = module_of(path.encode())
            modules[module] += bool(module)
            libraries[path].add(r.user)
    top = sorted(programs.items(), key=lambda item: -item[1])[:7]
    busy = programs.most_common(1)[0][0]
    yield ('runs by day', "SELECT DATE(date) AS day, COUNT(*) AS runs, SUM(sum_runs) AS all_runs FROM xalt_run "
           "WHERE syshost = 'c1' GROUP BY DATE(date) ORDER BY day",
           [(str(d), n, s) for (d, n), (_, s) in zip(
               sorted(total(truth.runs, lambda r: r.date.date(), lambda r: 1).items()),
               sorted(total(truth.runs, lambda r: r.date.date(), lambda r: r.runs).items()))])
    yield ('runs of one day', "SELECT COUNT(*), SUM(sum_runs) FROM xalt_run WHERE syshost LIKE 'c1' AND "
           "date >= '2026-11-21 00:00:00' AND date < '2026-11-22'",
           [(len(late), sum(r.runs for r in late))])
    yield ('top programs by core hours', "SELECT exec_path, ROUND(SUM(run_time*num_cores/3600), 6) AS corehours FROM xalt_run "
           "WHERE syshost = 'c1' GROUP BY exec_path ORDER BY corehours DESC LIMIT 7",
           [(path, round(hours, 6)) for path, hours in top])
    for queue in ('night', 'short'):
        hours = total([r for r in late if r.queue == queue], lambda r: r.account, lambda r: r.hours)
        yield ('accounts of queue ' + queue, "SELECT account, ROUND(SUM(run_time*num_cores/3600), 6) FROM xalt_run "
               "WHERE syshost = 'c1' AND date >= '2026-11-21' AND queue = '%s' GROUP BY account ORDER BY account" % queue,
               sorted((account, round(n, 6)) for account, n in hours.items()))
    yield ('core hours in all', "SELECT ROUND(SUM(run_time*num_cores/3600), 6), ROUND(SUM(sum_time), 6), COUNT(DISTINCT run_id), "
           "COUNT(*) FROM xalt_run",
           [(round(sum(r.hours for r in truth.runs), 6), round(sum(r.hours * 3600 for r in truth.runs if r.path != '/cores') +
                                                               5.0, 6), len(truth.runs), len(truth.runs))])
    yield ('users of an executable', "SELECT COUNT(*), COUNT(DISTINCT user) FROM xalt_run WHERE exec_path = '%s'" % busy,
           [(sum(r.path == busy for r in truth.runs), len(users[busy]))])
    yield ('executables by users', "SELECT exec_path, COUNT(DISTINCT user) AS users FROM xalt_run WHERE exec_path LIKE '/usr/%' "
           "GROUP BY exec_path ORDER BY users DESC, exec_path LIMIT 11",
           sorted(((p, len(u)) for p, u in users.items() if p.startswith('/usr/')), key=lambda x: (-x[1], x[0]))[:11])
    yield ('modules of programs', "SELECT module_name, COUNT(*) FROM xalt_run WHERE module_name IS NOT NULL GROUP BY module_name",
           sorted(total([r for r in truth.runs if r.module], lambda r: r.module, lambda r: 1).items()))
    yield ('libraries by module', "SELECT xalt_object.module_name, COUNT(*) FROM xalt_run, join_run_object, xalt_object "
           "WHERE xalt_run.run_id = join_run_object.run_id AND join_run_object.obj_id = xalt_object.obj_id "
           "AND xalt_object.syshost = 'c1' AND xalt_object.module_name IS NOT NULL "
           "AND xalt_run.date >= '2026-11-21' GROUP BY xalt_object.module_name ORDER BY xalt_object.module_name",
           sorted((m, n) for m, n in modules.items() if n))
    yield ('users of a library', "SELECT o.object_path, COUNT(DISTINCT r.user) FROM xalt_object o "
           "JOIN join_run_object j ON o.obj_id = j.obj_id JOIN xalt_run r ON r.run_id = j.run_id "
           "WHERE o.lib_type = 'so' AND r.date >= '2026-11-21' GROUP BY o.object_path ORDER BY o.object_path",
           sorted((path, len(who)) for path, who in libraries.items()))
    yield ('runs of a watermark', "SELECT run_uuid, user, date FROM xalt_run WHERE uuid = '%s' ORDER BY run_uuid" % one,
           sorted((r.id, r.user, str(r.date)) for r in truth.runs if r.uuid == one))
    yield ('who linked it', "SELECT build_user, link_program, exec_path, date FROM xalt_link WHERE uuid = '%s' "
           "ORDER BY date" % next(iter(linked)),
           [(link['user'], os.path.basename(link['driver']['path']), link['output']['path'], str(local(link['time'])))
            for link in truth.links.values() if link['watermark'] == next(iter(linked))])
    compilers = total([r for r in truth.runs if r.uuid in linked],
                      lambda r: os.path.basename(linked[r.uuid]['driver']['path']), lambda r: r.hours)
    yield ('core hours by compiler', "SELECT l.link_program, ROUND(SUM(r.run_time*r.num_cores/3600), 6) FROM xalt_run r "
           "JOIN xalt_link l ON r.uuid = l.uuid GROUP BY l.link_program ORDER BY l.link_program",
           sorted((name, round(n, 6)) for name, n in compilers.items()))
    inputs = total([o for link in truth.links.values() for o in link['inputs']], lambda o: o['path'], lambda o: 1)
    yield ('libraries that are linked', "SELECT o.object_path, COUNT(*) FROM xalt_link l, join_link_object j, xalt_object o "
           "WHERE l.link_id = j.link_id AND j.obj_id = o.obj_id GROUP BY o.object_path ORDER BY o.object_path",
           sorted(inputs.items()))
    names = total([name for link in truth.links.values() for name in (link.get('symbols') or {}).get('imported_names', ())],
                  lambda name: name, lambda name: 1)
    yield ('functions', "SELECT f.function_name, COUNT(*) FROM xalt_function f "
           "JOIN join_link_function j ON f.func_id = j.func_id JOIN xalt_link l ON l.link_id = j.link_id GROUP BY f.function_name ORDER BY f.function_name", sorted(names.items()))
    env = total([r for r in truth.runs if 'OMP_NUM_THREADS' in r.env], lambda r: r.env['OMP_NUM_THREADS'].encode(),
                lambda r: 1)
    yield ('an environment variable', "SELECT j.env_value, COUNT(*) FROM xalt_env_name n "
           "JOIN join_run_env j ON j.env_id = n.env_id JOIN xalt_run r ON r.run_id = j.run_id WHERE n.env_name = 'OMP_NUM_THREADS' GROUP BY j.env_value "
           "ORDER BY j.env_value", sorted(env.items()))
    yield ('packages', "SELECT p.program, p.pkg_name, p.pkg_version, p.pkg_path, r.user FROM xalt_pkg p JOIN xalt_run r "
           "ON r.run_id = p.run_id ORDER BY p.pkg_name",
           [('python', 'numpy', '1.24', '/usr/lib/numpy.py', 'peter'), ('python', 'scipy', None, None, 'mary')])
    yield ('what XALT alone knows', "SELECT run_uuid, hash_id, exec_type, num_nodes, num_threads, num_gpus, probability "
           "FROM xalt_run WHERE hash_id IS NOT NULL", [('01a1fd87-5b75-77d7-8337-fcd2345319ae', '00' * 19 + 'ff', 'script', 2, 300, 4, 0.5)])
    yield ('what it does not know of others', "SELECT COUNT(*) FROM xalt_run WHERE hash_id IS NULL AND exec_type = 'binary' AND "
           "num_nodes = 1 AND num_threads = 1 AND num_gpus = 0 AND probability = 1", [(len(truth.runs) - 1,)])
    yield ('a run that has not ended', "SELECT end_time, run_time, container FROM xalt_run WHERE exec_path = '/open'",
           [(0.0, 0.0, 'podman')])
    yield ('a job that was queued again', "SELECT account, queue, COUNT(*) FROM xalt_run WHERE job_id = '4711' "
           "GROUP BY account, queue", [('second', 'night', 1)])
    yield ('users', "SELECT COUNT(*) FROM xalt_user u WHERE user IN (SELECT user FROM xalt_run)",
           [(len({r.user for r in truth.runs}),)])
    yield ('accounts', "SELECT COUNT(*), COUNT(DISTINCT account) FROM xalt_account",
           [(len(truth.accounts),) * 2])


def special(folder):
    """What make-spool has none of."""
    os.mkdir(folder)
    spool = i.Spool(folder, 'n900', rng=i.make_spool.random.Random(7))
    spool.open()

    def put(kind='run', **given):
        run = spool.run(**given)
        spool.record(kind, spool.start(run) if kind == 'start' else run)
        return run

    def exe(path):
        return {**spool.run()['exe'], 'path': path}
    job = {'manager': 'slurm', 'id': '4711', 'sluid': None, 'array_id': None, 'array_task': None, 'step': '0', 'task': '0',
           'from': 'cgroup'}
    made = {'peter': put(user='peter', exe=exe('/usr/bin/python3')), 'mary': put(user='mary', exe=exe('/usr/bin/python3'))}
    put(exe=exe('/cores'), cores=97, elapsed_s=5.0)
    put('start', exe=exe('/open'), container={'runtime': 'podman', 'id': 'c0ffee'}, job=job)
    put(exe=exe('/odd/a.so.out'), argv=['a"\\\n', 'é', ''], cwd="/o'dd/é")
    spool.record('link', spool.link(symbols={'imported': 2, 'exported': 0, 'imported_names': ['MPI_Init', 'd"\\é'],
                                             'exported_names': []},
                                    inputs=[{'path': '/x/' + name, 'kind': 'object', 'build_id': None, 'watermark': None}
                                            for name in ('a.o', 'liba.a', 'liba.so.1.2', 'a.so', 'a.so.c', 'noso')]))
    spool.record('link', spool.link(driver=None, symbols={'imported': 1, 'exported': 0, 'imported_names': ['MPI_Init'],
                                                          'exported_names': []}))
    spool.close()
    return made


class Sqlite:
    """One of the two servers, for the tests below."""
    name = 'SQLite'

    def __init__(self, work):
        self.path = work + '/db'
        self.url = 'sqlite:' + self.path

    def query(self, sql, *values):
        with i.opened(self.path) as connection:
            rows = connection.execute(sql, values).fetchall()
            connection.commit()
            return rows

    def plan(self, sql):
        return '\n'.join(row[3] for row in self.query('EXPLAIN QUERY PLAN ' + sql))


class Maria:
    name = 'MariaDB'

    def __init__(self, server):
        self.database = server.database('runmark')
        self.url = self.database.url

    def query(self, sql, *values):
        return self.database.query(sql, *values)

    def plan(self, sql):
        return '\n'.join('%s %s %s' % (row['table'], row['type'], row['key']) for row in self.query('EXPLAIN ' + sql))


def run_ingest(db, *arguments):
    return subprocess.run([i.INGEST, '--db', db.url, *arguments], env={**i.environment(), 'TZ': ZONE}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def load(db, folders, sacct, made):
    """Loaded, with what other parts of the loader fill: modules, and what only XALT's own records have."""
    for arguments in [['--migrate']] + [[folder] for folder in folders] + [['--sacct', name] for name in sacct]:
        done = run_ingest(db, *arguments)
        if not tap.equal(done.returncode, 0, '%s takes %s' % (db.name, os.path.basename(arguments[-1]))):
            tap.ok(False, 'loaded', done.stdout)
    for row in db.query('SELECT id, path FROM path'):
        if module_of(row['path']):
            db.query('UPDATE path SET module = ? WHERE id = ?', module_of(row['path']), row['id'])
    xalt = uuid.UUID('01a1fd87-5b75-77d7-8337-fcd2345319ae').bytes
    peter, mary = (uuid.UUID(made[name]['run_id']).bytes for name in ('peter', 'mary'))
    db.query('INSERT INTO run_xalt (run_id, run_uuid, hash_id, exec_type, nodes, threads, gpus, probability) '
             "VALUES (?, ?, ?, 'script', 2, 300, 4, 0.5)", peter, xalt, bytes(19) + b'\xff')
    for number, path in ((1, b'/usr/lib/numpy.py'), (2, b'')):
        if not db.query('SELECT id FROM path WHERE path = ?', path):
            db.query('INSERT INTO path (path, name) VALUES (?, ?)', path, path.split(b'/')[-1])
        db.query('INSERT INTO package (run_ref, program, name, version, path) SELECT ?, ?, ?, ?, id FROM path WHERE path = ?',
                 *((xalt, 'python', 'numpy', '1.24', path) if number == 1 else (mary, 'python', 'scipy', '', path)))


def plain(row):
    return tuple(round(value, 6) if isinstance(value, float) else value for value in row)


def check_columns(db):
    for view, columns in COLUMNS.items():
        if isinstance(db, Sqlite):
            with i.opened(db.path) as connection:
                got = [c[0] for c in connection.execute('SELECT * FROM %s LIMIT 0' % view).description]
        else:
            got = [row[0] for row in db.query('SHOW COLUMNS FROM ' + view)]
        tap.equal(got, columns.split(), '%s: %s has its columns' % (db.name, view))


def check_texts(db, truth):
    """Command lines: compressed as XALT keeps them, where the server can."""
    what = 'UNCOMPRESS(%s)' if isinstance(db, Maria) else '%s'
    rows = db.query("SELECT run_uuid, cwd, %s AS line FROM xalt_run WHERE date >= '2026-11-21'" % what % 'cmdline')
    got = {row['run_uuid']: (row['cwd'], json.loads(row['line']) if row['line'] else None) for row in rows}
    want = {r.id: (r.cwd, r.argv) for r in truth.runs if r.date >= datetime.datetime(2026, 11, 21) and r.job != 'xalt'}
    want['01a1fd87-5b75-77d7-8337-fcd2345319ae'] = want.pop(next(r.id for r in truth.runs if r.user == 'peter'))
    tap.ok(got == want, db.name + ': arguments and folders are those of the records',
           [(k, v, want.get(k)) for k, v in got.items() if want.get(k) != v][:3])
    rows = db.query('SELECT uuid, %s AS line FROM xalt_link' % what % 'link_line')
    tap.equal(sorted((row['uuid'], json.loads(row['line'])) for row in rows),
              sorted((link['watermark'], link['driver']['argv'] if link['driver'] else link['link_line'])
                     for link in truth.links.values()), db.name + ': and of links, of the compiler where there was one')


def check_types(db):
    types = {os.path.basename(row[0]): row[1] for row in db.query(
        "SELECT object_path, lib_type FROM xalt_object WHERE object_path LIKE '/x/%'")}
    tap.equal(types, {'a.o': 'o', 'liba.a': 'a', 'liba.so.1.2': 'so', 'a.so': 'so', 'a.so.c': 'so', 'noso': '--'},
              db.name + ': kinds of objects by their names')


PLANS = (
    ("date >= '2026-11-21 12:00:00' AND date < '2026-11-21 12:01:00'", 'local_time'),
    ("uuid = '01a1fd87-5b75-77d7-8337-fcd2345319ae'", 'watermark_text'),
)


def check_plans(db):
    """No scan of all runs."""
    for where, index in PLANS:
        plan = db.plan('SELECT SUM(run_time*num_cores/3600) FROM xalt_run WHERE ' + where)
        if isinstance(db, Sqlite):  # what was found is scanned, as r
            good = index in plan and [line for line in plan.splitlines() if 'SCAN' in line] == ['SCAN r']
        else:
            good = index in plan and 'r ALL' not in plan.splitlines()
        tap.ok(good, '%s: %s reads by an index' % (db.name, where.split()[0]), plan)


def examples():
    """The statements of the manual page."""
    with open(PAGE, encoding='utf-8') as file:
        blocks = re.findall(r'^\.Bd .*?\n(.*?)^\.Ed', file.read(), re.S | re.M)
    return [re.sub(r'\s+', ' ', block.replace('\\e', '\\')).strip().rstrip(';') for block in blocks if 'SELECT' in block]


def check_examples(servers):
    for sql in examples():
        answers = []
        for db in servers:
            if 'UNCOMPRESS' in sql and isinstance(db, Sqlite):
                continue
            try:
                answers.append(sorted(map(repr, map(plain, db.query(sql)))))
            except (sqlite3.Error, mariadb.Error) as error:
                answers.append(str(error))
        if not answers:
            tap.skip('manual: ' + sql[:70], 'SQLite cannot uncompress')
            continue
        tap.ok(all(isinstance(a, list) and a and a == answers[0] for a in answers), 'manual: ' + sql[:70], answers)


def check_twins(servers, truth):
    """The same statement gives the same rows, and those that the records give."""
    for name, sql, want in queries(truth):
        if not want or not any(want[0]):
            tap.ok(False, name + ': has something to find', repr(want))
        for db in servers:
            got = [plain(row) for row in db.query(sql)]
            tap.equal(got, [plain(row) for row in want], '%s: %s' % (db.name, name))


PARTS = ', SUM(sum_runs), SUM(run_time*num_cores/3600), COUNT(DISTINCT user) FROM '
JOINED = ('(SELECT DISTINCT r.run_id, r.sum_runs, r.run_time, r.num_cores, r.user, o.%s FROM xalt_run r JOIN join_run_object j '
          'ON r.run_id = j.run_id JOIN xalt_object o ON o.obj_id = j.obj_id) x GROUP BY %s')
# what runmark report is asked, the name of its column, and the same asked of the views
REPORTS = (
    (('software', '--by', 'program'), 'program', 'SELECT exec_path' + PARTS + 'xalt_run GROUP BY exec_path'),
    (('software', '--by', 'program', '--queue', 'short'), 'program',
     'SELECT exec_path' + PARTS + "xalt_run WHERE queue = 'short' GROUP BY exec_path"),
    (('software', '--by', 'module'), 'module', 'SELECT module_name' + PARTS + 'xalt_run GROUP BY module_name'),
    (('users',), 'user', 'SELECT user' + PARTS + 'xalt_run GROUP BY user'),
    (('users', '--by', 'account'), 'account', 'SELECT account' + PARTS + 'xalt_run GROUP BY account'),
    (('libraries',), 'library', 'SELECT object_path' + PARTS + JOINED % (2 * ('object_path',))),
    (('libraries', '--by', 'module'), 'module', 'SELECT module_name' + PARTS + JOINED % (2 * ('module_name',))),
)


def check_reports(db):
    """runmark says the same."""
    for arguments, name, sql in REPORTS:
        done = subprocess.run([RUNMARK, 'report', *arguments, '--db', db.url, '--since', '2025-01-01', '--limit', '0',
                               '--format', 'json'], env=i.environment(), stdout=subprocess.PIPE, check=False)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        got = sorted((str(r[name]), r['runs'], r.get('users', 1), r['core_hours']) for r in said)
        want = sorted((str(key), int(runs), users, hours) for key, runs, hours, users in db.query(sql))
        bad = [(a, b) for a, b in zip(got, want) if a[:3] != b[:3] or abs(a[3] - b[3]) > 1e-9]
        tap.ok(want and len(got) == len(want) and not bad, '%s: report %s' % (db.name, ' '.join(arguments)), bad[:5])


def check_all(work, server):
    spool, odd = work + '/spool', work + '/odd'
    i.generate(spool, '--runs', 2999, '--files', 7, '--hosts', 3, '--groups', 97, '--links', 53, '--starts', 5,
               '--objects', '2,5,11', '--sacct', work + '/sacct')
    made = special(odd)
    with open(work + '/again', 'w', encoding='utf-8') as file:
        file.write('JobIDRaw|Cluster|State|Account|Partition|Submit|Start|End|ElapsedRaw\n'
                   '4711|c1|REQUEUED|first|day|1795250000|1795250010|1795250020|10\n'
                   '4711|c1|RUNNING|second|night|1795251000|1795251010|Unknown|10\n'
                   '4711||RUNNING|third|other|1795252000|1795252010|Unknown|10\n')
    truth = Truth((spool, odd), work + '/sacct')
    truth.runs = [r._replace(account='second', queue='night') if r.job == '4711' else r for r in truth.runs]
    servers = [Sqlite(work)] + ([Maria(server)] if server else [])
    for db in servers:
        load(db, (spool, odd), (work + '/sacct', work + '/again'), made)
        check_columns(db)
        check_types(db)
        check_texts(db, truth)
        check_plans(db)
        check_reports(db)
    check_twins(servers, truth)
    check_examples(servers)


with i.temporary() as folder:
    why = mariadb.missing()
    if why:
        tap.skip('the same in MariaDB', why)
        check_all(folder, None)
    else:
        with mariadb.server(folder + '/mariadb') as running:
            check_all(folder, running)
tap.done()
