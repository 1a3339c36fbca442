#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Users see what is their own and nothing of others, however they ask: through runmark, through every view, and by
what tells of rows that are not shown (errors, warnings, plans, the server's own tables). And what the accounts that
load, read and migrate may not do. A real server, real users of this machine, known to it from the kernel."""
import contextlib
import json
import os
import pickle
import pwd
import shutil
import subprocess
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import mariadb
import tap

USERS = ('games', 'news', 'uucp')  # Debian's base-passwd: no file is theirs
A, B, C = USERS
RUNS = 7
SYSTEM = "('information_schema', 'performance_schema', 'mysql', 'sys')"


def mark(user, what):
    """A text that is nowhere else."""
    return 'zq%s%szq' % (user, what)


def watermark(user):
    return str(uuid.UUID(int=0xabcdef << 100 | 7 << 76 | 2 << 62 | USERS.index(user)))


def job(user):
    return {'manager': 'slurm', 'id': str(7701 + USERS.index(user)), 'sluid': None, 'array_id': None, 'array_task': None,
            'step': '0', 'task': '0', 'from': 'cgroup', 'cgroup': '/slurm/' + mark(user, 'cgroup')}


def records(folder):
    """Each user's runs, groups and links: of a program of theirs, and of one that all have."""
    os.mkdir(folder)
    spool = i.Spool(folder, 'n001', rng=i.make_spool.random.Random(5))
    spool.open()
    spool.record('node', spool.node('start'))
    ids = {user: [] for user in USERS}

    def thing(path, watermark_=None):
        return {'path': path, 'build_id': None, 'watermark': watermark_, 'device': '8:1', 'inode': '5'}
    exes = {user: {**spool.run()['exe'], 'path': '/home/%s' % mark(user, 'program'), 'watermark': watermark(user),
                   'watermark_state': 'stamped', 'owner_uid': pwd.getpwnam(user).pw_uid} for user in USERS}
    shared = {**spool.run()['exe'], 'path': '/usr/bin/shared'}
    for number in range(RUNS):
        for user in USERS:
            exe, uid = exes[user], exes[user]['owner_uid']
            own = {'uid': uid, 'euid': uid, 'gid': uid, 'login_uid': uid, 'user': user, 'job': job(user),
                   'cgroup': job(user)['cgroup'], 'container': {'runtime': 'podman', 'id': mark(user, 'container')},
                   'object_set': spool.set(objects=[thing('/lib/libc.so.6'), thing('/home/' + mark(user, 'library') + '.so')]),
                   'env_set': spool.set(env={'SHARED': mark(user, 'value'), mark(user, 'NAME'): '1'})}
            run = spool.run(exe=exe if number % 2 else shared, argv=['a', mark(user, 'argv')], cwd='/' + mark(user, 'cwd'),
                            script={'path': '/' + mark(user, 'script')},
                            parent_run_id=ids[USERS[USERS.index(user) - 1]][-1] if number else None, **own)
            run['incomplete'] = [mark(user, 'incomplete')]
            spool.record('run', run)
            ids[user].append(run['run_id'])
            if number == 3:
                group = spool.group({0: 11}, spool.now_us, spool.now_us + 1000, exe=shared, **own)
                del group['login_uid']
                spool.record('group', group)
                link = spool.link(output={'path': exe['path'], 'build_id': None, 'size': 1, 'type': 'pie'}, user=user, uid=uid,
                                  watermark=watermark(user), driver={'path': '/usr/bin/cc', 'argv': [mark(user, 'driver')]},
                                  link_line=['ld', mark(user, 'line')], cwd='/' + mark(user, 'linkcwd'), job=job(user),
                                  inputs=[{**thing('/home/' + mark(user, 'input') + '.o'), 'kind': 'object'}],
                                  symbols={'imported': 1, 'exported': 0, 'imported_names': [mark(user, 'function')],
                                           'exported_names': []}, modules=mark(user, 'modules'))
                spool.record('link', link)
    spool.line({'schema': 'runmark.run/1', 'seq': '999', 'user': A, 'argv': [mark(A, 'bad'), mark(B, 'bad')]})
    spool.close()
    return ids


def secrets(users, ids):
    """What is of these users alone, as it may stand in a cell or a message."""
    found = set()
    for user in users:
        found |= {'zq' + user, user, ('zq' + user).encode().hex(), ('zq' + user).encode().hex().upper()}
        for text in (*ids[user], watermark(user)):
            found |= {text, text.replace('-', ''), text.replace('-', '').upper()}
    return found


def leaks(text, users, ids):
    return sorted(s for s in secrets(users, ids) if s in text)


def show(value):
    return value.hex() + ' ' + value.decode('utf-8', 'replace') if isinstance(value, bytes) else str(value)


def as_user(name, function):
    """What function returns, called in a process of that user."""
    entry, (reader, writer) = pwd.getpwnam(name), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            result = function()
        except Exception as error:  # pylint: disable=broad-except
            result = error
        with os.fdopen(writer, 'wb') as file:
            pickle.dump(result, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, 'rb') as file:
        result = pickle.load(file)
    os.waitpid(child, 0)
    return result


class Site:
    """A server with the accounts of grants.sql; alice's are their own."""

    def __init__(self, work, server):
        self.work, self.server = work, server
        self.bin = work + '/runmark'
        shutil.copy(os.path.abspath(os.path.join(os.environ.get('BUILD', 'build'), 'bin/runmark')), self.bin)
        os.chmod(self.bin, 0o755)
        self.run_file('', 'schema/mariadb/grants.sql')
        for account in ('migrate', 'load', 'read'):
            self.root("ALTER USER runmark_%s@localhost IDENTIFIED BY '%s' ACCOUNT UNLOCK" % (account, account))
        for user in USERS[:2]:
            self.root('CREATE USER %s@localhost IDENTIFIED VIA unix_socket' % user)
            self.root('GRANT SELECT ON `runmark\\_own`.* TO %s@localhost' % user)

    def root(self, sql, database=''):
        with contextlib.closing(self.server.connect(database)) as connection:
            connection.query("SET sql_mode = ''")
            return connection.query(sql)

    def run_file(self, database, path):
        with open(path, encoding='utf-8') as file:
            text = '\n'.join(line for line in file.read().splitlines() if not line.startswith('--'))
        for statement in text.split(';\n'):
            if statement.strip(' \n;'):
                self.root(statement.strip(' \n;'), database)

    def url(self, account=None, database='runmark'):
        return 'mysql://%slocalhost/%s?socket=%s' % (account + '@' if account else '', database, self.server.socket)

    def ingest(self, account, *arguments):
        return subprocess.run([i.INGEST, '--db', self.url('runmark_' + account), *arguments], text=True, check=False,
                              env={**i.environment(), 'RUNMARK_DB_PASSWORD': account}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def runmark(self, user, *arguments, **env):
        """user None: runmark_read."""
        url = self.url(None if user else 'runmark_read')
        extra = {'user': user, 'group': pwd.getpwnam(user).pw_gid, 'extra_groups': []} if user else {}
        env = {**i.environment(), 'RUNMARK_DB': url, **({} if user else {'RUNMARK_DB_PASSWORD': 'read'}), **env}
        return subprocess.run([self.bin, *arguments], env=env, cwd='/', stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors='replace', check=False, **extra)

    def ask(self, user, *statements, database='runmark_own', claim=None):
        """As that user of the machine: for each statement its rows, or the error; with the warnings, as text."""
        def answers():
            found = []
            with contextlib.closing(self.server.connect(database, claim or user)) as connection:
                for sql in statements:
                    try:
                        rows = [tuple(row) for row in connection.query(sql)]
                    except mariadb.Error as error:
                        rows = str(error)
                    try:
                        warnings = [tuple(row) for row in connection.query('SHOW WARNINGS')]
                    except mariadb.Error as error:
                        warnings = [str(error)]
                    found.append((rows, warnings))
            return found
        return as_user(user, answers)


def text_of(answer):
    rows, warnings = answer
    cells = rows if isinstance(rows, str) else ' '.join(show(cell) for row in rows for cell in row)
    return cells + ' ' + ' '.join(show(cell) for row in warnings for cell in row)


def check_accounts(site, spool):
    """What each of the three may not do."""
    done = site.ingest('migrate', '--migrate')
    tap.equal((done.returncode, done.stdout), (0, ''), 'runmark_migrate makes both databases')
    site.run_file('runmark', 'schema/mariadb/grants_load.sql')
    done = site.ingest('load', spool)
    tap.ok('1 line quarantined' in done.stdout and 'loaded 1 file, %d runs' % (3 * RUNS) in done.stdout, 'runmark_load loads', done)
    done = site.ingest('load', spool)
    tap.ok('1 file known before' in done.stdout, 'and again', done)
    site.root("INSERT INTO package (run_ref, program, name, version, path) SELECT r.run_id, 'python', concat('zq', u.name, 'pkg'), '', "
              "g.path FROM run r JOIN user_name u ON u.id = r.user JOIN program g ON g.id = r.program", 'runmark')
    site.root("INSERT INTO accounting (job_id, cluster, manager, submit_us, stage, state, user, account, queue, imported_us) "
              "SELECT j.job_id, j.cluster, j.manager, 1, 2, 'COMPLETED', u.name, concat('zq', u.name, 'account'), 'q', 1 FROM job j "
              "JOIN (SELECT DISTINCT job, user FROM run) r ON r.job = j.id JOIN user_name u ON u.id = r.user", 'runmark')
    # What a loader that follows a spool asks for at the start is another account's: each must be let in here, and stop there.
    refused = {
        'migrate': ('CREATE DATABASE zq', 'SELECT * FROM mysql.user', 'CREATE USER zq', 'SELECT 1 INTO OUTFILE \'/tmp/zq\'',
                    'GRANT SELECT ON runmark.* TO runmark_load@localhost'),
        'load': ('DROP TABLE run', 'CREATE TABLE zq (a INT)', 'ALTER TABLE run ADD zq INT', 'TRUNCATE run', 'DROP DATABASE runmark',
                 'CREATE VIEW zq AS SELECT 1', 'CREATE INDEX zq ON run (uid)', 'SELECT argv FROM run_text', 'SELECT * FROM run_text',
                 'SELECT script FROM run_group_text', 'SELECT link_line FROM link_text', 'SELECT value FROM env_set_member',
                 'SELECT * FROM run_view', 'SELECT cmdline FROM xalt_run', 'SELECT * FROM pseudonym', 'SELECT * FROM runmark_own.run',
                 'DELETE FROM user_name', 'DELETE FROM path', 'DELETE FROM spool_file', 'UPDATE prune_state SET value = 9',
                 'SELECT * FROM prune_log'),
        'read': ('DELETE FROM run', 'UPDATE run SET uid = 0', 'INSERT INTO user_name (name) VALUES (\'zq\')', 'DROP TABLE run',
                 'CREATE TABLE zq (a INT)', 'TRUNCATE run', 'ALTER TABLE run ADD zq INT', 'LOCK TABLES run WRITE',
                 'SELECT * FROM runmark_own.run', 'SELECT * FROM mysql.user', 'CREATE VIEW zq AS SELECT 1'),
    }
    for account, statements in refused.items():
        with contextlib.closing(site.server.connect('runmark', 'runmark_' + account, account)) as connection:
            for sql in statements:
                try:
                    connection.query(sql)
                    said = 'done'
                except mariadb.Error as error:
                    said = str(error)
                tap.ok('denied' in said, 'runmark_%s may not: %s' % (account, sql), said)
    tap.equal(site.root('SELECT count(*) FROM run_text', 'runmark')[0][0], 3 * RUNS, 'all is still there')
    done = site.runmark(None, 'find', '--since', '2025-01-01', '--format', 'json')
    tap.equal(len(done.stdout.splitlines()), 3 * (RUNS + 1), 'runmark_read reads the runs of all')
    # the views run with its rights, not by its session
    site.root('ALTER USER runmark_migrate@localhost ACCOUNT LOCK')


def commands(ids, user, other):
    since = ('--since', '2025-01-01')
    yield from ((*c, *since, '--format', f) for c in (
        ('find',), ('find', '--user', other), ('find', '--job', job(other)['id']), ('find', '--exe', '/usr/bin/shared'),
        ('find', '--exe', '*zq*'), ('find', '--lib', 'libc.so.6'), ('find', '--lib', '*' + other + '*'), ('find', '--ranks'),
        ('find', '--watermark', watermark(other)), ('find', '--container', 'podman'),
        *(('report', name) for name in ('software', 'libraries', 'users', 'compilers', 'linkers', 'self-built', 'bins',
                                        'failures', 'jobs', 'coverage'))) for f in ('json', 'csv', 'table'))
    yield from ((*c, '--format', f) for c in (('job', job(other)['id']), ('job', job(user)['id']), ('show', ids[other][1]),
                                              ('show', ids[user][1]), ('show', watermark(other)), ('show', watermark(user)))
                for f in ('json', 'table'))


def check_runmark(site, ids):
    for user in (A, B):
        others = [name for name in USERS if name != user]
        answered, bad, broken = 0, [], []
        for arguments in commands(ids, user, others[0]):
            done = site.runmark(user, *arguments)
            asked = ' '.join(arguments)
            found = [s for s in leaks(done.stdout, others, ids) if s not in asked]
            found = [] if is_parent(('run', found), ids, others) else found
            answered += done.returncode == 0
            bad += [(asked, found, done.stdout[:500])] if found else []
            # a report that this runmark doesn't have yet is a wrong use
            broken += [(asked, done.stdout[:300])] if done.returncode > (2 if arguments[0] == 'report' else 1) else []
        tap.ok(not bad, 'runmark tells %s nothing of others' % user, bad[:2])
        tap.ok(not broken, 'and all commands run', broken[:2])
        tap.ok(answered >= 20, 'most find something', answered)
        done = site.runmark(user, 'find', '--since', '2025-01-01', '--format', 'json')
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
        tap.equal(sorted(r['run_id'] for r in found if 'run_id' in r), sorted(ids[user]), "%s's own runs are all there" % user)
        full = site.runmark(None, 'find', '--since', '2025-01-01', '--user', user, '--format', 'json').stdout.splitlines()
        mine = [line for line in done.stdout.splitlines() if line.startswith('{')]
        tap.equal(sorted(mine), sorted(line for line in full if line.startswith('{')), 'and said as to who reads all')
        tap.equal(site.runmark(user, 'find', '--user', others[0], '--since', '2025-01-01').returncode, 1, 'of another: nothing found')
        shown = site.runmark(user, 'show', ids[user][1], '--format', 'json').stdout
        missing = [what for what in ('program', 'argv', 'cwd', 'script', 'library', 'value', 'container')
                   if mark(user, what) not in shown]
        tap.equal(missing, [], 'with arguments, folder, libraries and environment')
    done = site.runmark(C, 'find', '--since', '2025-01-01')
    tap.ok(done.returncode == 3 and 'denied' in done.stdout, 'who has no account is told so', done)


def readable(site, user):
    found = site.ask(user, 'SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ' + SYSTEM,
                     'SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema NOT IN ' + SYSTEM)
    return [tuple(row) for row in found[0][0]], [tuple(row) for row in found[1][0]]


def check_tables(site, ids, user):
    others = [name for name in USERS if name != user]
    tables, columns = readable(site, user)
    tap.equal({schema for schema, _ in tables}, {'runmark_own'}, '%s sees the tables of the own database alone' % user)
    native = {row[0] for row in site.root("SELECT table_name FROM information_schema.tables WHERE table_schema = 'runmark'")}
    names = {name for _, name in tables}
    tap.equal({n for n in native - names if not n.startswith('prune_')}, set(), 'and there all that the site has')
    answers = site.ask(user, *('SELECT * FROM "%s"' % name for name in sorted(names)))
    bad = [(name, leaks(text_of(a), others, ids)) for name, a in zip(sorted(names), answers)]
    tap.equal([b for b in bad if b[1] and not is_parent(b, ids, others)], [], 'no cell of any has a word of others')
    tap.equal([(n, a[0]) for n, a in zip(sorted(names), answers) if isinstance(a[0], str)], [], 'all can be read')
    rows = {name: len(a[0]) for name, a in zip(sorted(names), answers)}
    want = {'run': RUNS, 'run_text': RUNS, 'run_group': 1, 'link': 1, 'link_text': 1, 'user_name': 1, 'job': 1, 'cgroup': 1,
            'container': 1, 'program': 2, 'object_set': 1, 'env_set': 1, 'env_name': 2, 'accounting': 1, 'package': RUNS,
            'quarantine': 0, 'pseudonym': 0, 'xalt_run': RUNS + 1, 'xalt_link': 1, 'join_run_object': 2 * (RUNS + 1),
            'xalt_pkg': RUNS, 'xalt_user': 1, 'xalt_account': 1, 'xalt_function': 1, 'run_view': RUNS, 'link_view': 1, 'host': 1}
    tap.equal({name: rows[name] for name in want}, want, 'all of the own is there')
    uid = str(pwd.getpwnam(others[0]).pw_uid)
    found = site.ask(user, 'SELECT uid, euid, gid, login_uid FROM run', 'SELECT uid FROM run_group', 'SELECT uid FROM link',
                     'SELECT owner_uid FROM program')
    tap.ok(uid not in [str(cell) for rows, _ in found for row in rows for cell in row], "nobody else's uid", found)
    return sorted(names), columns


def is_parent(found, ids, others):
    """A run may have been started by another's: of that one its id is told, and nothing else."""
    parents = {t for other in others for run in ids[other] for t in (run, run.replace('-', ''), run.replace('-', '').upper())}
    return found[0] in ('run', 'run_view') and set(found[1]) <= parents


SWITCHES = ("SET optimizer_switch = 'default'", "SET optimizer_switch = 'derived_merge=off'",
            "SET optimizer_switch = 'condition_pushdown_for_derived=off,materialization=off,semijoin=off'",
            "SET join_cache_level = 8, optimizer_switch = 'join_cache_hashed=on,mrr=on,optimize_join_buffer_size=on'",
            "SET optimizer_search_depth = 1, optimizer_prune_level = 0, max_seeks_for_key = 1")


def sweep(columns):
    """Conditions that tell in an error or a warning what they were given, on each column."""
    for _, table, column in columns:
        name = '"%s"."%s"' % (table, column)
        for test in ("extractvalue(1, concat(0x7e, %s, 0x7e))", "CAST(concat('x', %s) AS SIGNED) = 3"):
            yield 'SELECT 1 FROM "%s" WHERE %s' % (table, test % name)


def attacks(ids, other):
    """The same, in ways that lead to the others' rows."""
    run = "x'%s'" % ids[other][1].replace('-', '')
    for table, key, of in (('run_text', 'run_id', 'argv'), ('run', 'run_id', 'incomplete'), ('run_view', 'run_id', 'argv'),
                           ('xalt_run', 'run_id', 'exec_path'), ('user_name', 'id', 'name'), ('path', 'id', 'path'),
                           ('program', 'id', 'path'), ('env_set_member', 'env_set', 'value'), ('job', 'id', 'job_id'),
                           ('cgroup', 'id', 'path'), ('accounting', 'id', 'account'), ('container', 'id', 'container_id'),
                           ('object', 'id', 'path')):
        values = (run,) if key == 'run_id' else map(str, range(1, 8))
        for value in values:
            for test in ("extractvalue(1, concat(0x7e, \"%s\"))" % of, "CAST(concat('x', \"%s\") AS SIGNED)" % of):
                yield 'SELECT 1 FROM "%s" WHERE "%s" = %s AND %s' % (table, key, value, test)
                yield 'SELECT 1 FROM "%s" WHERE %s AND "%s" = %s' % (table, test, key, value)
                yield 'SELECT 1 FROM host LEFT JOIN "%s" ON "%s"."%s" = %s AND %s' % (table, table, key, value, test)
    yield "SELECT 1 FROM user_name WHERE name = '%s' AND extractvalue(1, concat(0x7e, name))" % other
    yield "SELECT 1 FROM accounting WHERE user = '%s' AND extractvalue(1, concat(0x7e, account))" % other


def check_attacks(site, ids, user, columns):
    others = [name for name in USERS if name != user]
    statements = [*sweep(columns), *(sql for switch in SWITCHES for sql in (switch, *attacks(ids, others[0])))]
    answers = site.ask(user, *statements)
    bad = []
    for sql, answer in zip(statements, answers):
        found = [s for s in leaks(text_of(answer), others, ids) if s not in sql]
        # hex() of a parent's id is that id, see is_parent()
        found = [f for f in found if not ('parent_run_id' in sql and is_parent(('run', [f]), ids, others))]
        bad += [(sql, found, text_of(answer)[:300])] if found else []
    told = sum('zq' + user in text_of(a) for a in answers)
    tap.ok(told > 50, 'conditions tell of rows that they were evaluated for', told)
    tap.ok(not bad, 'which are none of others, in %d statements' % len(statements), bad[:3])


def check_server(site, ids, user, names):
    """What the server itself tells."""
    others = [name for name in USERS if name != user]
    native = [row[0] for row in site.root("SELECT table_name FROM information_schema.tables WHERE table_schema = 'runmark'")]
    statements = ['SELECT * FROM runmark."%s"' % name for name in native]
    answers = site.ask(user, *statements)
    tap.equal([s for s, a in zip(statements, answers) if 'denied' not in str(a[0])], [], "the site's tables are denied, all %d" % len(native))
    statements = [s % name for name in names for s in (
        'SHOW CREATE VIEW "%s"', 'EXPLAIN SELECT * FROM "%s"', 'EXPLAIN FORMAT=JSON SELECT * FROM "%s"', 'ANALYZE FORMAT=JSON SELECT * FROM "%s"',
        'SHOW INDEX FROM "%s"', 'SHOW FULL COLUMNS FROM "%s"', 'EXPLAIN EXTENDED SELECT * FROM "%s"', 'HANDLER "%s" OPEN', 'CHECKSUM TABLE "%s"',
        'DELETE FROM "%s"', 'INSERT INTO "%s" SELECT * FROM user_name')] + [
        'UPDATE user_name SET name = \'zq\'', 'CREATE TABLE zq (a INT)', 'CREATE VIEW zq AS SELECT * FROM run', 'DROP VIEW run',
        'SHOW DATABASES', 'SHOW TABLE STATUS FROM runmark', 'SHOW TABLES FROM runmark', 'SHOW FULL PROCESSLIST', 'SHOW GRANTS',
        'SHOW CREATE DATABASE runmark', 'SHOW EVENTS', 'SHOW TRIGGERS', 'SHOW BINARY LOGS', 'SHOW ENGINE INNODB STATUS',
        'SHOW OPEN TABLES', 'SELECT * FROM mysql.user', 'SELECT * FROM mysql.innodb_index_stats', 'SELECT * FROM mysql.column_stats',
        'SELECT load_file(\'/etc/passwd\')'] + [
        'SELECT * FROM information_schema."%s"' % row[0] for row in
        site.root("SELECT table_name FROM information_schema.tables WHERE table_schema = 'information_schema'")]
    answers = site.ask(user, *statements)
    # the accounts' names alone are no secret where they are one's own; others' accounts would be
    bad = [(s, leaks(text_of(a), others, ids)) for s, a in zip(statements, answers)]
    tap.equal([b for b in bad if b[1] and not is_parent(('run', b[1]), ids, others)], [],
              'SHOW, EXPLAIN, HANDLER and information_schema say nothing of others')
    changed = [s for s, a in zip(statements, answers) if s.split()[0] in ('DELETE', 'INSERT', 'UPDATE', 'CREATE', 'DROP')
               and not isinstance(a[0], str)]
    tap.equal(changed, [], 'nothing can be changed')
    tap.equal(site.root('SELECT count(*) FROM run_text', 'runmark')[0][0], 3 * RUNS, 'and nothing was')


def check_names(site, ids):
    """Who is who: names that are like another's, and claims."""
    claimed = site.ask(A, 'SELECT 1', claim=B)
    tap.ok(isinstance(claimed, mariadb.Error), 'the kernel knows better than %s, who says to be %s' % (A, B), claimed)
    for name in (A.upper(), A + '@x', A + ' x', '%', A[:-1] + '_', A + '%', 'x@' + A):
        site.root("CREATE USER '%s'@localhost IDENTIFIED BY 'p'" % name)
        site.root("GRANT SELECT ON `runmark\\_own`.* TO '%s'@localhost" % name)
        with contextlib.closing(site.server.connect('runmark_own', name, 'p')) as connection:
            got = [connection.query('SELECT count(*) FROM ' + t)[0][0] for t in ('run', 'run_text', 'user_name', 'path', 'accounting')]
        tap.equal(got, [0] * 5, 'an account %s has no rows of %s' % (name, A))
    site.root("CREATE USER ''@localhost IDENTIFIED VIA unix_socket")
    site.root("GRANT SELECT ON `runmark\\_own`.* TO ''@localhost")
    own = site.ask(C, 'SELECT count(*) FROM run', 'SELECT name FROM user_name')
    tap.equal([a[0] for a in own], [[(RUNS,)], [(C,)]], 'one account for all of the machine: each is who the kernel says')
    claimed = site.ask(A, 'SELECT count(*) FROM run', claim=C)
    tap.ok(isinstance(claimed, mariadb.Error), 'and nobody else', claimed)
    tap.equal(len([line for line in site.runmark(C, 'find', '--since', '2025-01-01', '--format', 'json').stdout.splitlines()
                   if line.startswith('{')]), RUNS + 1, 'runmark answers with it')


def check_all(work, server):
    site = Site(work, server)
    ids = records(work + '/spool')
    check_accounts(site, work + '/spool')
    check_runmark(site, ids)
    for user in (A, B):
        names, columns = check_tables(site, ids, user)
        check_server(site, ids, user, names)
    check_attacks(site, ids, B, columns)
    check_names(site, ids)


reason = mariadb.missing() or (os.geteuid() != 0 and 'only root can be several users')
if reason:
    tap.skip("users' own data", reason)
else:
    with i.temporary() as folder, mariadb.server(folder + '/mariadb') as running:
        os.chmod(folder, 0o755)
        check_all(folder, running)
tap.done()
