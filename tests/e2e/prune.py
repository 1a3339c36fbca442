# SPDX-License-Identifier: BSD-2-Clause
"""For the tests of runmark-ingest --prune: persons with everything that could tell of them, and a search of
all columns of all tables for what must be gone."""
import contextlib
import os
import random
import subprocess
import time

import ingest
import mariadb
from ingest import INGEST, Result, Spool, environment, opened

DAY = 86400
NOW_US = int(time.time()) * 1000000
OLD_DAYS, YOUNG_DAYS, ANCIENT_DAYS = 200, 7, 800
LIBRARIES = [{'path': '/usr/lib/lib%s.so.1' % name, 'build_id': ('%02x' % i) * 20, 'watermark': None,
              'device': '8:1', 'inode': str(500 + i)} for i, name in enumerate('abc', 1)]
SYSTEM = {'path': '/usr/bin/true', 'requested': '/usr/bin/true', 'build_id': '5a' * 20, 'watermark': None,
          'watermark_state': 'none', 'device': '8:1', 'inode': '77', 'fstype': 'ext4', 'owner_uid': 0,
          'size': 4096, 'mtime': None}
PROGRAM_MARK = '01890a5d-ac96-774b-bcce-b302099a8057'


class Person:
    """name None: only the uid is known."""

    def __init__(self, name, uid, days, said=None):
        self.name, self.uid, self.days = name, uid, days
        self.said = said or name or 'uid%d' % uid

    def home(self, *parts):
        return '/'.join(('/home', self.said, *parts))


# Names and numbers that occur nowhere else. Who left is known by old records alone.
ALICE = Person('alicewhostays', 7130001, (OLD_DAYS, YOUNG_DAYS))
BOB = Person('bob.wholeft', 7130002, (OLD_DAYS,))
CAROL = Person('carolwhocame', 7130003, (YOUNG_DAYS,))
NOBODY = Person(None, 7130004, (OLD_DAYS,), said='eve_unnamed')
PERSONS = (ALICE, BOB, CAROL, NOBODY)
GONE = (BOB, NOBODY)


class Sqlite:
    kind = 'sqlite'

    def __init__(self, path):
        self.path, self.url = path, 'sqlite:' + path

    def query(self, sql, *values):
        with opened(self.path) as connection:
            rows = connection.execute(sql, values).fetchall()
            connection.commit()
            return rows

    def number(self, sql, *values):
        return self.query(sql, *values)[0][0]

    def tables(self):
        return [row[0] for row in self.query("SELECT name FROM sqlite_master WHERE type = 'table' "
                                             "AND name NOT LIKE 'sqlite_%' ORDER BY name")]

    def dump(self):
        return ingest.dump(self.path)


class Maria:
    kind = 'mariadb'

    def __init__(self, database):
        self.database, self.url = database, database.url
        self.query, self.number = database.query, database.number

    def tables(self):
        return [row[0] for row in self.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = database() "
            "AND table_type = 'BASE TABLE' ORDER BY table_name")]


def run_ingest(db, conf, *arguments, **options):
    return Result(subprocess.run([INGEST, '--db', db.url, *arguments], text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, errors='backslashreplace',
                                 env={**environment(), 'RUNMARK_CONF': conf}, **options))


def configure(folder, name='runmark.conf', **keys):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('[retention]\n')
        for key, value in {'key': os.path.join(folder, 'pseudonym.key'), **keys}.items():
            file.write('%s = %s\n' % (key, value))
    return path


def exe(person, number):
    """The same program for the same number: in a home, in a shared folder, temporary, installed."""
    paths = (person.home('bin', 'solver'), '/scratch/%s/run/solver' % person.said,
             '/tmp/build-%s-7/solver' % person.said, '/run/user/%d/solver' % person.uid,
             '/srv/data_%s/solver' % person.said, '/opt/app/bin/app', '/usr/bin/true')
    if not person.name:  # nobody could know whose the others are
        paths = (paths[0], person.home('run'), '/tmp/build/solver', *paths[3:4], person.home('data'), *paths[5:])
    path = paths[number % len(paths)]
    if path == '/usr/bin/true':
        return SYSTEM
    mark = PROGRAM_MARK if number % len(paths) == 0 and person is ALICE else None
    return {**SYSTEM, 'path': path, 'requested': path, 'build_id': '%040x' % (number % len(paths) + 1),
            'watermark': mark, 'watermark_state': 'stamped' if mark else 'none', 'fstype': 'nfs4',
            'inode': str(person.uid + 1000 + number % len(paths)), 'owner_uid': person.uid}


def who(person):
    return {'user': person.name, 'uid': person.uid, 'euid': person.uid, 'gid': person.uid,
            'login_uid': person.uid}


def image(spool, person, number):
    """What a run and a group share."""
    objects = list(LIBRARIES)
    if number % 3 == 1:
        objects.append({**LIBRARIES[0], 'path': person.home('lib', 'libown.so'),
                        'inode': str(person.uid + 17)})
    env = {'LOADEDMODULES': 'gcc/12', 'VIRTUAL_ENV': person.home('venv%d' % (number % 5)),
           'LD_LIBRARY_PATH': '/usr/lib:' + person.home('lib')}
    container = {'runtime': 'apptainer', 'id': 'c%d' % (number % 3),
                 'image': person.home('image.sif')} if number % 5 == 2 else None
    cgroup = ('/user.slice/user-%d.slice/session-%d.scope' % (person.uid, number % 7) if number % 2 else
              '/slurm/uid_%d/job_%d/step_0' % (person.uid, number))
    return {'object_set': spool.set(objects=objects), 'env_set': spool.set(env=env),
            'container': container, 'cgroup': cgroup,
            'script': {'path': person.home('job.sh')} if number % 3 == 0 else None,
            'incomplete': ['cwd: %s is gone' % person.home('x')] if number % 11 == 0 else []}


def put_run(spool, person, number):
    spool.record('run', spool.run(
        **who(person), **image(spool, person, number), exe=exe(person, number),
        argv=['solver', '--of', person.home('in'), str(number)], cwd=person.home('case')))


def put_group(spool, person, number):
    start = spool.now_us
    about = who(person)
    del about['login_uid']
    spool.record('group', spool.group({0: 5, 1: 2}, start, start + 1000000, **about,
                                      **image(spool, person, number),
                                      exe={name: value for name, value in exe(person, number).items()
                                           if name != 'requested'}))


def put_link(spool, person, number):
    inputs = [{'path': '/usr/lib/crt1.o', 'kind': 'object', 'build_id': None, 'watermark': None},
              {'path': person.home('src', 'a%d.o' % (number % 3)), 'kind': 'object', 'build_id': None,
               'watermark': None}]
    link = spool.link(
        user=person.name, uid=person.uid, gid=person.uid, inputs=inputs, cwd=person.home('src'),
        output={'path': person.home('bin', 'solver'), 'build_id': '%040x' % 1, 'size': 77, 'type': 'pie'},
        linker={'path': person.home('tools', 'ld'), 'version': 'GNU ld 2.40'},
        driver={'path': person.home('tools', 'gcc'), 'argv': ['gcc', person.home('a.c')]},
        link_line=['ld', '-o', person.home('bin', 'solver')], modules='gcc/12' + (':%s/1' % person.name if person.name else ''),
        job={'manager': 'slurm', 'id': str(number), 'cgroup': '/slurm/uid_%d/job_1' % person.uid},
        incomplete=['output.path: %s' % person.home('y')] if number % 2 else [])
    if person is ALICE:
        link['watermark'] = PROGRAM_MARK
    spool.record('link', link)


def make(folder, persons=PERSONS, runs=23, seed=1, days=None, files=1, node=True):
    """Spool files with so many runs of each person and age; in days, for each age that a person has."""
    os.makedirs(folder, exist_ok=True)
    names = []
    for age in sorted({age for person in persons for age in person.days}, reverse=True):
        if days and age not in days:
            continue
        spool = Spool(folder, host='n%03d' % age, rng=random.Random(seed * 1000 + age),
                      start_us=NOW_US - age * DAY * 1000000)
        for file in range(files):
            spool.open()
            if node:
                spool.record('node', spool.node('periodic'))
            for person in persons:
                if age not in person.days:
                    continue
                for number in range(file * runs // files, (file + 1) * runs // files):
                    put_run(spool, person, number)
                    if number % 5 == 0:
                        put_group(spool, person, number)
                    if number % 7 == 0:
                        put_link(spool, person, number)
            names.append(spool.close())
    return names


def words_of(person):
    return [word.encode() for word in {person.name, person.said} - {None}]


def find(db, persons):
    """Where a person can still be read: all columns of all tables."""
    found = set()
    words = [word for person in persons for word in words_of(person)]
    numbers = {person.uid for person in persons}
    texts = words + [str(number).encode() for number in numbers]
    for table in db.tables():
        for row in db.query('SELECT * FROM %s' % table):
            for column in row.keys():
                value = row[column]
                data = value.encode('utf-8', 'surrogateescape') if isinstance(value, str) else value
                if isinstance(value, int) and value in numbers:
                    found.add((table, column, value))
                elif isinstance(data, bytes) and any(text in data for text in texts):
                    found.add((table, column, data[:80]))
    return sorted(found, key=repr)


def rows_of(db, persons, before_us):
    """Records of these persons from then on, as they can be seen."""
    names = tuple(person.name for person in persons)
    found = []
    for view, at in (('run_view', 'start_us'), ('run_group_view', 'start_us'), ('link_view', 'time_us')):
        drop = {'object_set', 'env_set', 'program', 'job', 'user_ref', 'spool_file', 'input_set'}
        for row in db.query('SELECT * FROM %s WHERE %s >= ?' % (view, at), before_us):
            if row['user'] in names:
                found.append((view, *(row[key] for key in row.keys() if key not in drop)))
    return sorted(found, key=repr)


DICTIONARIES = {  # table: columns that refer to it
    'user_name': ('run.user', 'run_group.user', 'link.user', 'pseudonym.alias', 'pseudonym.user'),
    'program': ('run.program', 'run_group.program'),
    'object_set': ('run.object_set', 'run_group.object_set', 'object_set_member.object_set'),
    'env_set': ('run.env_set', 'run_group.env_set', 'env_set_member.env_set'),
    'input_set': ('link.input_set', 'input_set_member.input_set'),
    'object': ('object_set_member.object', 'input_set_member.object'),
    'path': ('program.path', 'object.path', 'link.output', 'link.linker', 'link.driver', 'package.path'),
    'cgroup': ('run.cgroup', 'run_group.cgroup', 'link.cgroup'),
    'container': ('run.container', 'run_group.container'),
    'job': ('run.job', 'run_group.job', 'link.job'),
    'host': ('run.host', 'run_group.host', 'link.host', 'boot.host'),
    'boot': ('run.boot', 'run_group.boot', 'link.boot', 'instance.boot'),
    'env_name': ('env_set_member.name',),
    'spool_file': ('spool_count.spool_file', 'spool_problem.spool_file'),
}


def dangling(db):
    """Columns that refer to a row which is not there, with how many do."""
    found = {}
    for table, columns in DICTIONARIES.items():
        for column in columns:
            of, name = column.split('.')
            count = db.number('SELECT count(*) FROM %s x WHERE x.%s IS NOT NULL AND NOT EXISTS '
                              '(SELECT 1 FROM %s d WHERE d.id = x.%s)' % (of, name, table, name))
            if count:
                found[column] = count
    for table in ('object_set', 'env_set', 'input_set'):
        count = db.number('SELECT count(*) FROM %s s WHERE s.members IS NULL OR s.members <> (SELECT '
                          'count(*) FROM %s_member m WHERE m.%s = s.id)' % (table, table, table))
        if count:
            found[table + '.members'] = count
    return found


def unreferred(db):
    """Rows of sets and dictionaries that nobody refers to."""
    found = {}
    for table in ('program', 'object_set', 'env_set', 'input_set', 'object', 'path', 'cgroup', 'user_name'):
        tests = ['NOT EXISTS (SELECT 1 FROM %s x WHERE x.%s = d.id)' % tuple(column.split('.'))
                 for column in DICTIONARIES[table]
                 if column != '%s_member.%s' % (table, table) and not column.startswith('pseudonym')]
        if table == 'user_name':
            tests.append('NOT EXISTS (SELECT 1 FROM accounting a WHERE a.user = d.name)')
        count = db.number('SELECT count(*) FROM %s d WHERE %s' % (table, ' AND '.join(tests)))
        if count:
            found[table] = count
    return found


def persons_by_sql(db, table):
    """Distinct persons, as reports count them; who has no name is known by uid."""
    return db.number('SELECT count(DISTINCT coalesce(p.user, r.user)) FROM %s r '
                     'LEFT JOIN pseudonym p ON p.alias = r.user' % table) + db.number(
        'SELECT count(DISTINCT r.uid) FROM %s r WHERE r.user IS NULL' % table)


def content(db):
    """All that is there, without the numbers of rows and the times of work: equal for equal content."""
    def rows(sql):
        return sorted((tuple(row) for row in db.query(sql)), key=repr)
    tables = {table: db.number('SELECT count(*) FROM ' + table) for table in db.tables()
              if table not in ('prune_log', 'prune_state')}
    drop = {'object_set', 'env_set', 'program', 'job', 'user_ref', 'spool_file', 'input_set'}
    views = {}
    for view in ('run_view', 'run_group_view', 'link_view'):
        views[view] = sorted((tuple(row[key] for key in row.keys() if key not in drop)
                              for row in db.query('SELECT * FROM ' + view)), key=repr)
    return {
        'rows': tables, **views,
        'objects': rows('SELECT s.hash, s.members, m.position, o.path, o.build_id, m.device, m.inode '
                        'FROM object_set s JOIN object_set_member m ON m.object_set = s.id '
                        'JOIN object_view o ON o.id = m.object'),
        'env': rows('SELECT s.hash, s.members, n.name, m.value FROM env_set s '
                    'JOIN env_set_member m ON m.env_set = s.id JOIN env_name n ON n.id = m.name'),
        'inputs': rows('SELECT l.link_id, m.position, m.kind, o.path FROM link l '
                       'JOIN input_set_member m ON m.input_set = l.input_set '
                       'JOIN object_view o ON o.id = m.object'),
        'paths': rows('SELECT path, name, software, module FROM path'),
        'users': rows('SELECT name FROM user_name'),
        'pseudonyms': rows('SELECT a.name, u.name FROM pseudonym p JOIN user_name a ON a.id = p.alias '
                           'JOIN user_name u ON u.id = p.user'),
        'accounting': rows('SELECT job_id, user, uid, account FROM accounting'),
    }


@contextlib.contextmanager
def databases(folder):
    """(kind, maker of a new database in a folder) of SQLite, and of MariaDB where there is a server."""
    kinds = [('sqlite', lambda inner: Sqlite(os.path.join(inner, 'r.db')))]
    with contextlib.ExitStack() as stack:
        if not mariadb.missing():
            server = stack.enter_context(mariadb.server(os.path.join(folder, 'server')))
            count = iter(range(1, 1000))
            kinds.append(('mariadb', lambda inner: Maria(server.database('r%d' % next(count)))))
        yield kinds
