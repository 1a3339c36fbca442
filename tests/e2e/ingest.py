# SPDX-License-Identifier: BSD-2-Clause
"""For the tests of runmark-ingest: making spools, running it, reading the database back into records."""
import base64
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mariadb
import tap

INGEST = os.path.abspath(os.path.join(os.environ.get('BUILD', 'build'), 'bin/runmark-ingest'))
LONG = os.environ.get('RUNMARK_TEST_LONG') == '1'


# tests/make-spool has no .py, and must leave no cache beside it.
sys.dont_write_bytecode = True


def load_module(path, name):
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


make_spool = load_module(os.path.abspath('tests/make-spool'), 'make_spool')
Spool, put_text, put_texts = make_spool.Spool, make_spool.put_text, make_spool.put_texts
time_text = make_spool.time_text


@contextlib.contextmanager
def temporary(parent=None):
    path = tempfile.mkdtemp(prefix='runmark-ingest-', dir=parent)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith('RUNMARK_')}


class Result:
    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout, process.stderr
        self.counts = {}
        for count, name in re.findall(r'(\d+) ([a-z ]+)', self.out):
            self.counts[re.sub(r'\b(file|run|link|record|line|set)s\b', r'\1', name)] = int(count)

    def __repr__(self):
        return 'status %d\n%s%s' % (self.status, self.out, self.err)


def url_of(db):
    """db: the path of an SQLite database, or one of mariadb.py."""
    return db.url if isinstance(db, mariadb.Database) else 'sqlite:' + db


def ingest(db, *arguments, **options):
    return Result(subprocess.run([INGEST, '--db', url_of(db), *arguments], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 errors='backslashreplace', env=environment(), **options))


def generate(directory, *arguments):
    """Counts of the records that tests/make-spool put there."""
    out = subprocess.run(['tests/make-spool', directory, *map(str, arguments)], check=True,
                         stdout=subprocess.PIPE).stdout
    return json.loads(out)


class Kind:
    """A kind of database: new(name) gives an empty one, which may be the last one emptied."""

    def __init__(self, name, new):
        self.name, self.new = name, new


@contextlib.contextmanager
def kinds(work, test, durable=False):
    """Those that there are here; what is missing is skipped. durable: of MariaDB, each commit is on the disk."""
    with contextlib.ExitStack() as stack:
        found = [Kind('SQLite', lambda name: '%s/%s.db' % (work, name))]
        why = mariadb.missing()
        if why:
            tap.skip(test + ': with MariaDB', why)
        else:
            server = stack.enter_context(mariadb.server(work + '/mariadb', durable=durable))
            db = server.database('runmark')
            made = ingest(db, '--migrate')
            tap.ok(made.status == 0 and not made.err, 'MariaDB: --migrate makes the database', made)
            found.append(Kind('MariaDB', lambda name: db.empty()))
        yield found


@contextlib.contextmanager
def opened(db):
    if isinstance(db, mariadb.Database):
        with contextlib.closing(db.connect()) as connection:
            yield connection
        return
    connection = sqlite3.connect(db)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()


def query(db, sql, *values):
    with opened(db) as connection:
        return list(connection.execute(sql, values))


def number(db, sql, *values):
    return query(db, sql, *values)[0][0]


def is_sound(db):
    """The server's own check of all tables, or what it says."""
    if not isinstance(db, mariadb.Database):
        said = number(db, 'PRAGMA integrity_check')
        return said == 'ok' or said
    tables = [row[0] for row in query(db, "SELECT table_name FROM information_schema.tables WHERE "
                                      "table_schema = database() AND table_type = 'BASE TABLE'")]
    bad = [tuple(row) for row in query(db, 'CHECK TABLE ' + ', '.join(tables)) if row[3] != 'OK']
    return not bad or bad


def counts(db):
    """Rows of the tables that records go to."""
    return {table: number(db, 'SELECT count(*) FROM ' + table)
            for table in ('run', 'run_text', 'link', 'link_text', 'node_record', 'spool_file',
                          'quarantine', 'spool_problem')}


def dump(db):
    """Everything that is in it, but times of loading and the numbers of rows: equal for equal content."""
    with opened(db) as connection:
        drop = {'object_set', 'env_set', 'program', 'job', 'user_ref', 'spool_file', 'input_set'}

        def rows(sql):
            found = [tuple(row[key] for key in row.keys() if key not in drop)
                     for row in connection.execute(sql)]
            return sorted(found, key=repr)
        return {
            'runs': rows('SELECT * FROM run_view'), 'links': rows('SELECT * FROM link_view'),
            'objects': rows('SELECT s.hash, s.members, m.position, o.path, o.build_id, m.inode '
                            'FROM object_set s LEFT JOIN object_set_member m ON m.object_set = s.id '
                            'LEFT JOIN object_view o ON o.id = m.object'),
            'env': rows('SELECT s.hash, s.members, n.name, m.value FROM env_set s '
                        'LEFT JOIN env_set_member m ON m.env_set = s.id '
                        'LEFT JOIN env_name n ON n.id = m.name'),
            'inputs': rows('SELECT l.link_id, m.position, m.kind, o.path FROM link l '
                           'JOIN input_set_member m ON m.input_set = l.input_set '
                           'JOIN object_view o ON o.id = m.object'),
            'nodes': rows('SELECT i.instance, n.seq, n.event, c.kind, c.name, c.value '
                          'FROM node_record n JOIN instance i ON i.id = n.instance '
                          'LEFT JOIN node_count c ON c.instance = n.instance AND c.seq = n.seq'),
            'files': rows('SELECT name, number, first_seq, last_seq, previous, mended, whole, '
                          'covered, "lines", records, quarantined FROM spool_file'),
            'file_counts': rows('SELECT f.name, c.kind, c.name, c.stated, c.found '
                                'FROM spool_count c JOIN spool_file f ON f.id = c.spool_file'),
        }


# --- rows back into records

def text_uuid(data):
    return str(uuid.UUID(bytes=data)) if data else None


def text_hex(data):
    return data.hex() if data is not None else None


def seconds(us):
    return None if us is None else us / 1000000


def number_text(value):
    return None if value is None else str(value % (1 << 64))


def texts(row, name, record, key=None):
    """argv or the like, as in the record."""
    record[key or name] = None if row[name] is None else json.loads(row[name])
    if row[name + '_b64'] is not None:
        record[(key or name) + '_b64'] = json.loads(row[name + '_b64'])


def path(record, name, data):
    if data is None:
        record[name] = None
    else:
        put_text(record, name, data)


def job_of(row):
    if row['job_id'] is None:
        return None
    return {'manager': row['job_manager'], 'id': row['job_id'], 'sluid': row['sluid'],
            'array_id': row['array_id'], 'array_task': row['array_task'], 'step': row['step'],
            'task': row['task'], 'from': row['job_from']}


def who_of(row):
    return {'seq': str(row['seq']), 'host': row['host'], 'cluster': row['cluster'],
            'boot_id': text_uuid(row['boot_id']), 'user': row['user'], 'uid': row['uid'],
            'gid': row['gid'], 'pid': row['pid'], 'job': job_of(row),
            'incomplete': json.loads(row['incomplete'] or '[]')}


def exit_of(row):
    if row['exit_signal'] is not None:
        return {'signal': row['exit_signal'], 'name': row['exit_name'],
                'core': bool(row['exit_core']), 'oom': bool(row['exit_oom'])}
    return None if row['exit_code'] is None else {'code': row['exit_code']}


def run_of(row):
    """The run record that a row of run_view came from."""
    record = {**who_of(row), 'run_id': text_uuid(row['run_id']), 'source': row['source'],
              'origin': row['origin'], 'ppid': row['ppid'],
              'parent_run_id': text_uuid(row['parent_run_id']), 'euid': row['euid'],
              'login_uid': row['login_uid'], 'start': time_text(row['start_us']),
              'end': None if row['end_us'] is None else time_text(row['end_us']),
              'elapsed_s': seconds(row['elapsed_us']), 'exit': exit_of(row), 'usage': None,
              'object_set': text_hex(row['object_set_hash']), 'env_set': text_hex(row['env_set_hash'])}
    path(record, 'cgroup', row['cgroup'])
    path(record, 'cwd', row['cwd'])
    texts(row, 'argv', record)
    exe = {'build_id': text_hex(row['build_id']), 'watermark': text_uuid(row['watermark']),
           'watermark_state': row['watermark_state'], 'device': row['device'],
           'inode': number_text(row['inode']), 'fstype': row['fstype'],
           'owner_uid': row['owner_uid'], 'size': row['size'],
           'mtime': None if row['mtime_us'] is None else time_text(row['mtime_us'])}
    path(exe, 'path', row['exe'])
    path(exe, 'requested', row['requested'])
    record['exe'] = exe
    record['script'] = None
    if row['script'] is not None:
        record['script'] = {}
        path(record['script'], 'path', row['script'])
    if row['user_us'] is not None:
        record['usage'] = {'user_s': seconds(row['user_us']), 'system_s': seconds(row['system_us']),
                           **{name: row[name] for name in (
                               'max_rss', 'read_bytes', 'write_bytes', 'minor_faults',
                               'major_faults', 'forks')}}
    record['container'] = None
    if row['container_id'] is not None:
        record['container'] = {'runtime': row['container_runtime'], 'id': row['container_id']}
    if row['next_run_id'] is not None:
        record['next_run_id'] = text_uuid(row['next_run_id'])
    record['mpi'] = None
    if row['mpi_rank'] is not None:
        record['mpi'] = {'rank': row['mpi_rank'], 'size': row['mpi_size'],
                         **({'from': row['mpi_from']} if row['mpi_from'] else {})}
    return record


def link_of(row):
    """The link record that a row of link_view came from; inputs left out."""
    record = {**who_of(row), 'link_id': text_uuid(row['link_id']),
              'watermark': text_uuid(row['watermark']), 'modules': row['modules'],
              'time': time_text(row['time_us']), 'elapsed_s': seconds(row['elapsed_us']),
              'own_s': seconds(row['own_us']),
              'compiler': {'name': row['compiler_name'], 'version': row['compiler_version'],
                           'text': row['compiler_text']},
              'compilers': json.loads(row['compilers'] or '[]')}
    output = {'build_id': text_hex(row['build_id']), 'size': row['size'], 'type': row['type']}
    path(output, 'path', row['output'])
    linker = {'version': row['linker_version']}
    path(linker, 'path', row['linker'])
    record['output'], record['linker'], record['driver'] = output, linker, None
    if row['driver'] is not None:
        record['driver'] = {}
        path(record['driver'], 'path', row['driver'])
        texts(row, 'driver_argv', record['driver'], 'argv')
    texts(row, 'link_line', record)
    path(record, 'cwd', row['cwd'])
    return record


def records_of(directory, kind):
    """Records of that kind in all files, as they stand there, without what the database doesn't keep."""
    found = []
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding='utf-8', errors='surrogateescape') as file:
            for line in file:
                record = json.loads(line)
                if record['schema'] == 'runmark.%s/1' % kind:
                    del record['schema']
                    if record.get('job'):
                        record['job'].pop('cgroup', None)
                    record.pop('inputs', None)
                    found.append(record)
    return found


def difference(got, wanted):
    """The first fields that differ of two lists of records, sorted by their id."""
    def key(record):
        return record.get('run_id') or record['link_id']
    got, wanted = sorted(got, key=key), sorted(wanted, key=key)
    if len(got) != len(wanted):
        return '%d records instead of %d' % (len(got), len(wanted))
    for one, other in zip(got, wanted):
        for name in sorted(set(one) | set(other)):
            if one.get(name, '(absent)') != other.get(name, '(absent)'):
                return '%s %s: %r instead of %r' % (key(one), name, one.get(name), other.get(name))
    return ''


def b64(data):
    return base64.b64encode(data).decode()
