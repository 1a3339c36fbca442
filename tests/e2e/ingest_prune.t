#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark-ingest --prune: whoever is in old records alone is nowhere any more, and what is young is as it was."""
import contextlib
import fcntl
import glob
import json
import os
import pty
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest  # noqa: E402
import mariadb  # noqa: E402
import prune  # noqa: E402
import tap  # noqa: E402
from prune import ALICE, BOB, CAROL, GONE, NOBODY, DAY, NOW_US, run_ingest  # noqa: E402

RUNMARK = os.path.abspath(os.path.join(os.environ.get('BUILD', 'build'), 'bin/runmark'))
PSEUDONYM = re.compile(r'^~[0-9a-f]{16}$')
AGE = ('--prune', '--pseudonymise-after', '180d')
YOUNG_US = NOW_US - 180 * DAY * 1000000
SACCT = ('JobIDRaw|State|User|UID|Account|Partition|Submit|Start|End\n'
         '101|COMPLETED|{old}|{uid}|{old}|batch|{then}|{then}|{then}\n'
         '102|COMPLETED|{stays}|{stays_uid}|project|batch|{then}|{then}|{then}\n'
         '103|COMPLETED|{stays}|{stays_uid}|project|batch|{now}|{now}|{now}\n'
         '104|CANCELLED|dora.wholeft|7130009|project|batch|{then}|Unknown|{then}\n')


def import_jobs(db, conf):
    then, now = (NOW_US // 1000000 - days * DAY for days in (prune.OLD_DAYS, prune.YOUNG_DAYS))
    text = SACCT.format(old=BOB.name, uid=BOB.uid, stays=ALICE.name, stays_uid=ALICE.uid, then=then, now=now)
    return run_ingest(db, conf, '--sacct', '-', input=text)


def import_untimed(db):
    """What an import of XALT tells of jobs has no times: one of an old run, and one of which no run is known."""
    db.query("INSERT INTO job (cluster, manager, job_id, sluid, array_id, array_task) VALUES ('c', 'slurm', '107', '', '', '')")
    db.query('UPDATE run SET job = (SELECT max(id) FROM job) WHERE user = (SELECT id FROM user_name WHERE name = ?)', BOB.name)
    for number, person in (('107', BOB), ('105', ALICE)):
        db.query("INSERT INTO accounting (job_id, cluster, manager, submit_us, stage, state, user, account, imported_us) "
                 "VALUES (?, 'c', 'slurm', -1, 2, 'UNKNOWN', ?, ?, ?)", number, person.name, person.name, NOW_US)


def import_package(db):
    """What an import of XALT leaves, with a package in a home."""
    run_id = db.query('SELECT run_id FROM run_view WHERE user = ? LIMIT 1', BOB.name)[0][0]
    path = prune_path(db, BOB.home('.local', 'lib', 'numpy'))
    ref = bytes(range(16))
    db.query('INSERT INTO run_xalt (run_id, run_uuid) VALUES (?, ?)', run_id, ref)
    db.query("INSERT INTO package (run_ref, program, name, version, path) VALUES (?, 'python', 'numpy', "
             "'1', ?)", ref, path)


def prune_path(db, path):
    db.query('INSERT INTO path (path, name) VALUES (?, ?)', path.encode(), os.path.basename(path).encode())
    return db.number('SELECT max(id) FROM path')


def quarantine(db, folder, conf):
    """A line of bob's that cannot be loaded, since long."""
    path = os.path.join(folder, 'broken-%s.jsonl' % BOB.name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write('{"schema":"runmark.run/1","user":"%s"}\n' % BOB.name)
    run_ingest(db, conf, path)
    then = NOW_US - prune.OLD_DAYS * DAY * 1000000
    db.query('UPDATE quarantine SET time_us = ?, file = ?', then, BOB.home('broken.jsonl'))
    db.query('UPDATE spool_file SET loaded_us = ? WHERE name LIKE ?', then, 'broken%')
    return db.number('SELECT count(*) FROM quarantine WHERE text IS NOT NULL')


def joins(db):
    """Runs by watermark, and their links: by time."""
    return [(row[0], row[1]) for row in db.query(
        'SELECT l.link_id, r.run_id FROM link l JOIN program g ON g.watermark = l.watermark '
        'JOIN run r ON r.program = g.id ORDER BY l.link_id, r.run_id')]


def by_program(db, table):
    """How many records each build of a program has: is the same when its path is another."""
    return sorted(tuple(row) for row in db.query(
        'SELECT g.build_id, g.watermark, count(*) FROM %s r JOIN program g ON g.id = r.program '
        'GROUP BY g.build_id, g.watermark' % table))


def reports(db):
    """{(report, what the line is of): (runs, persons)}, of lines that name no personal path, and of all runs."""
    found = {}
    for name, label in (('bins', 'run_time'), ('compilers', 'compiler'), ('libraries', 'library'),
                        ('software', 'software')):
        done = subprocess.run([RUNMARK, 'report', name, '--db', db.url, '--since', '2000-01-01', '--limit', '0',
                               '--format', 'json'], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=ingest.environment())
        for line in map(json.loads, done.stdout.splitlines()):
            if not re.search(r'/home/|^/~|^[0-9a-f]{16}$|^solver$|^run$|^data$', line[label] or ''):
                found[name, line[label]] = line['runs'], line['users']
    return found


def fill(db, folder, conf):
    spool = os.path.join(folder, 'spool')
    prune.make(spool)
    tap.equal(run_ingest(db, conf, spool).status, 0, 'records of four persons, old and young, are loaded')
    tap.equal(import_jobs(db, conf).status, 0, 'and their jobs')
    import_untimed(db)
    import_package(db)
    tap.equal(quarantine(db, folder, conf), 1, 'and a line that cannot be')
    return spool


def test_persons(db, folder, conf):
    spool = fill(db, folder, conf)
    known = prune.find(db, GONE)
    columns = {(table, column) for table, column, _ in known}
    tap.ok(len(columns) > 23, 'who left can be read in many columns', sorted(columns))
    before = {table: prune.persons_by_sql(db, table) for table in ('run', 'run_group', 'link')}
    young, joined = prune.rows_of(db, (ALICE, CAROL), YOUNG_US), joins(db)
    programs = {table: by_program(db, table) for table in ('run', 'run_group')}
    reported = reports(db)
    tap.ok(len(reported) > 6 and reported['libraries', '/usr/lib/liba.so.1'][1] == 4,
           'reports count four persons', reported)

    done = run_ingest(db, conf, *AGE)
    tap.ok(done.status == 0 and 'made the key' in done.err, 'pruned, with a new key', done)
    tap.ok(re.search(r'pseudonymise: .*\b69 of run\b', done.out), 'it tells how much', done)
    tap.equal(prune.find(db, GONE), [], 'no name, no uid of who left in any column of any table')
    tap.equal(prune.find(db, (prune.Person('dora.wholeft', 7130009, ()),)), [],
              'nor of who is known by accounting alone')
    tap.equal({table: prune.persons_by_sql(db, table) for table in before}, before,
              'as many persons as before in runs, groups and links')
    tap.equal(reports(db), reported, 'and in reports')
    tap.equal(prune.rows_of(db, (ALICE, CAROL), YOUNG_US), young, 'young records are as they were')
    tap.equal(joins(db), joined, 'runs are joined with their links by watermark as before')
    tap.equal({table: by_program(db, table) for table in programs}, programs,
              'each build has as many runs and groups')
    tap.equal(prune.dangling(db), {}, 'nothing refers to what is gone')
    tap.equal(prune.unreferred(db), {}, 'and nothing is left that nobody refers to')
    tap.equal(db.number('SELECT count(*) FROM quarantine'), 1, 'the line in quarantine is counted')
    check_old(db)
    check_accounting(db)
    check_log(db)
    again = run_ingest(db, conf, *AGE)
    tap.ok(again.status == 1 and not again.out, 'again: nothing to do, status 1', again)
    return spool


def check_old(db):
    old = db.query('SELECT * FROM run_view WHERE start_us < ?', YOUNG_US)
    tap.ok(all(PSEUDONYM.match(row['user']) for row in old), 'old runs have users by pseudonym',
           {row['user'] for row in old})
    filled = {name for row in old for name in
              ('uid', 'euid', 'gid', 'login_uid', 'cgroup', 'env_set', 'argv', 'cwd', 'script', 'requested')
              if row[name] is not None}
    tap.equal(filled, set(), 'without uids, control group, environment and words')
    paths = {row['exe'] for row in old}
    kept = {path for path in paths if not path.startswith(b'/~')}
    tap.equal(kept, {b'/usr/bin/true', b'/opt/app/bin/app'}, 'installed programs keep their paths')
    tap.ok(len(paths - kept) == 15, 'five personal ones of three persons have pseudonyms', paths)
    tap.equal(db.number("SELECT count(*) FROM program g JOIN path p ON p.id = g.path WHERE p.path LIKE '/~%' "
                        "AND (g.owner_uid <> -1 OR g.inode <> 0 OR g.device <> '')"
                        if db.kind == 'mariadb' else
                        "SELECT count(*) FROM program g JOIN path p ON p.id = g.path WHERE substr(p.path, 1, 2) "
                        "= x'2f7e' AND (g.owner_uid <> -1 OR g.inode <> 0 OR g.device <> '')"), 0,
              'and lead to no file')
    alias = db.query('SELECT a.name, u.name FROM pseudonym p JOIN user_name a ON a.id = p.alias '
                     'JOIN user_name u ON u.id = p.user')
    tap.equal([row[1] for row in alias], [ALICE.name], 'who is there still is known behind the pseudonym')
    owner = alias[0][0].encode()
    tap.equal(sum(row['exe'].startswith(b'/' + owner + b'/') for row in old if row['user'] == alias[0][0]),
              sum(1 for number in range(23) if number % 7 in (0, 1, 2, 4)),
              "a path's pseudonym is that of its owner, however it names him")


def check_accounting(db):
    jobs = {row[0]: tuple(row)[1:] for row in db.query(
        'SELECT job_id, user, uid, account FROM accounting ORDER BY job_id')}
    runs = {row[0] for row in db.query('SELECT DISTINCT user FROM run_view WHERE start_us < ?', YOUNG_US)}
    tap.ok(jobs['101'][0] in runs and jobs['101'][1:] == (None, jobs['101'][0]),
           "an old job has its user's pseudonym, as the runs, also as account", jobs)
    tap.ok(jobs['102'][0] in runs and jobs['102'][1:] == (None, 'project'), 'and keeps its project', jobs)
    tap.equal(jobs['103'], (ALICE.name, ALICE.uid, 'project'), 'a young one is as it was')
    tap.ok(PSEUDONYM.match(jobs['104'][0]), 'one that never started goes by its submission', jobs)
    tap.equal((jobs['105'][0], jobs['107']), (ALICE.name, (jobs['101'][0], None, jobs['101'][0])),
              'one without any time by its runs, else by its import')


def check_log(db):
    log = {(row[0], row[1]): row[2] for row in db.query('SELECT action, name, changed FROM prune_log')}
    tap.equal([log.get(('pseudonymise', name))
               for name in ('run', 'run_text', 'accounting', 'quarantine', 'spool_file')], [69, 69, 4, 1, 1], 'prune_log counts what was done')
    tap.ok(('key made', '') in log, 'and that the key was made', log)
    tap.equal(db.number('SELECT count(*) FROM prune_log WHERE ended_us IS NULL'), 0, 'and that it came to its end')


def test_late(db, folder, conf, spool):
    """Files that come late, and twice."""
    was = prune.content(db)
    again = os.path.join(folder, 'again')
    os.makedirs(again)
    for number, path in enumerate(glob.glob(spool + '/*')):
        os.link(path, os.path.join(again, 'again%d.jsonl' % number))
    done = run_ingest(db, conf, again)
    tap.ok(done.counts.get('run') == 0, 'the same files under other names bring no run', done)
    tap.ok(prune.find(db, GONE), 'but names')
    run_ingest(db, conf, *AGE)
    tap.equal(prune.find(db, GONE), [], 'which the next pruning takes away')
    now = prune.content(db)
    for part in was:
        if part != 'rows':
            tap.equal(now[part], was[part], 'all is as before: ' + part)
    late = os.path.join(folder, 'late')
    prune.make(late, seed=7)
    done = run_ingest(db, conf, late)
    tap.equal(done.counts.get('run'), 23 * 5, 'an old file that comes late is loaded')
    run_ingest(db, conf, *AGE)
    tap.equal(prune.find(db, GONE), [], 'and pseudonymised by the next pruning')
    tap.equal(db.number('SELECT count(DISTINCT user) FROM run WHERE start_us < ?', YOUNG_US), 3,
              'by the same pseudonyms')


def test_key(db, folder, conf):
    key = os.path.join(folder, 'pseudonym.key')
    tap.equal(os.stat(key).st_mode & 0o7777, 0o600, 'nobody else may read the key')
    with open(key, 'rb') as file:
        secret = file.read()
    was = {row[0] for row in db.query('SELECT name FROM user_name')}
    for name, content, mode in (('an empty one', b'', 0o600), ('one that is cut', secret[:40], 0o600),
                                ('another', b'0' * 64 + b'\n', 0o600), ('one that others may read', secret, 0o640)):
        with open(key, 'wb') as file:
            file.write(content)
        os.chmod(key, mode)
        done = run_ingest(db, conf, *AGE)
        tap.ok(done.status == 3 and key in done.err and 'rgument' not in done.err, 'refuses ' + name, done)
    os.unlink(key)
    done = run_ingest(db, conf, *AGE)
    tap.ok(done.status == 3 and 'missing' in done.err and not os.path.exists(key),
           'a key that is missing is not made anew', done)
    with open(key, 'wb') as file:
        file.write(secret)
    os.chmod(key, 0o600)
    tap.equal(run_ingest(db, conf, *AGE).status, 1, 'with the key again all is well')
    for said, text in (('nothing', ''), ('yes', 'yes\n')):
        done = run_ingest(db, conf, '--destroy-key', input=text)
        tap.ok(done.status == 3 and os.path.exists(key), 'the key is not destroyed by ' + said, done)
    held = open(key, 'rb')  # pylint: disable=consider-using-with
    done = run_ingest(db, conf, '--destroy-key', input='destroy\n')
    tap.ok(done.status == 0 and not os.path.exists(key), 'it is by the word', done)
    tap.equal(held.read().strip(b'\0'), b'', 'overwritten before it was removed')
    held.close()
    tap.equal(db.number('SELECT count(*) FROM pseudonym'), 0, 'and nobody is known behind a pseudonym')
    tap.equal(run_ingest(db, conf, '--destroy-key', input='destroy\n').status, 1, 'again: there is none')
    tap.equal(db.number("SELECT count(*) FROM prune_log WHERE action = 'key destroyed'"), 1, 'prune_log tells')
    late = os.path.join(folder, 'later')
    prune.make(late, persons=(BOB,), seed=23)
    run_ingest(db, conf, late)
    tap.equal(run_ingest(db, conf, *AGE).status, 0, 'the next pruning makes a new key')
    tap.equal(prune.find(db, GONE), [], 'nobody can be read')
    tap.equal(len({row[0] for row in db.query('SELECT name FROM user_name')} - was), 1,
              'and the same person has another pseudonym')


def test_refusals(db, folder, conf):
    cases = ((('--pseudonymise-after', '180d'), 2), (('--prune', '--pseudonymise-after', '180'), 2),
             (('--prune', '--delete-after', '0d'), 2), (('--prune', '--delete-after', '-1d'), 2),
             (('--prune', '--delete-after', '101y'), 2), (('--prune', '--delete-after', '99999999999d'), 2),
             (('--prune', '/tmp'), 2), (('--prune', '--destroy-key'), 2), (('--prune', '--follow'), 2))
    for arguments, status in cases:
        done = run_ingest(db, conf, *arguments, input='')
        tap.ok(done.status == status and done.err, 'refused: ' + ' '.join(arguments), done)
    done = run_ingest(db, conf, '--prune')
    tap.ok(done.status == 1 and '[retention]' in done.err, 'without an age: nothing to do, and it says so', done)
    other = prune.configure(folder, 'ages.conf', pseudonymise_after='26w', delete_after='3y')
    tap.ok(run_ingest(db, other, '--prune').status in (0, 1), 'ages may stand in the configuration')
    if db.kind == 'sqlite':
        with open(db.path + '-prune', 'w', encoding='utf-8') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = run_ingest(db, conf, *AGE)
            tap.ok(done.status == 3 and 'being pruned by another' in done.err, 'two at a time: refused', done)


def bytes_of(paths):
    data = []
    for path in paths:
        with open(path, 'rb') as file:
            data.append(file.read())
    return b'\0'.join(data)


def manual_tables():
    """The tables of the manual's OPTIMIZE TABLE."""
    with open('userspace/man/runmark-retention.7', encoding='utf-8') as file:
        text = re.search(r'OPTIMIZE TABLE (.*?);', file.read(), re.S).group(1)
    return re.findall(r'[a-z_]+', text.replace('.Dl', ''))


def flush(db):
    """All pages of the tables are in their files; returns their bytes."""
    with contextlib.closing(db.database.server.connect(db.database.name)) as connection:
        connection.query('FLUSH TABLES %s FOR EXPORT' % ', '.join(db.tables()))
        data = bytes_of(glob.glob(os.path.join(db.database.server.folder, 'data', db.database.name, '*.ibd')))
        connection.query('UNLOCK TABLES')
    return data


def test_traces(db, folder, conf):
    """What is left in the files themselves goes with the commands of the manual."""
    spool = os.path.join(folder, 'spool')
    prune.make(spool, persons=GONE, runs=97)
    run_ingest(db, conf, spool)
    words = [word for person in GONE for word in (*prune.words_of(person), str(person.uid).encode())]
    if db.kind == 'mariadb':
        data = flush(db)
        tap.ok(all(word in data for word in words), "names and uids stand in the tables' files")
    run_ingest(db, conf, *AGE)
    tap.equal(prune.find(db, GONE), [], 'nobody can be read by SQL')
    if db.kind == 'mariadb':
        for table in manual_tables():
            db.query('OPTIMIZE TABLE ' + table)
        data = flush(db)
    else:
        with ingest.opened(db.path) as connection:
            connection.execute('VACUUM')
            connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        data = bytes_of(glob.glob(db.path + '*'))
    tap.equal([word for word in words if word in data], [], 'nor in the bytes of the files, after what the manual says')


def test_progress(db, folder, conf):
    """On a terminal."""
    spool = os.path.join(folder, 'spool')
    prune.make(spool, runs=397)
    run_ingest(db, conf, spool)
    leader, follower = pty.openpty()
    done = subprocess.run([prune.INGEST, '--db', db.url, *AGE], stdout=subprocess.PIPE, stderr=follower,
                          env={**ingest.environment(), 'RUNMARK_CONF': conf})
    os.close(follower)
    shown = b''
    with contextlib.suppress(OSError):
        while data := os.read(leader, 65536):
            shown += data
    os.close(leader)
    tap.ok(re.search(rb'\r[a-z]+ [a-z_]+: \d+ rows; \d+ in all', shown) and shown.endswith(b'\r\x1b[K'),
           'a terminal shows how far it is, and nothing at the end', shown)
    tap.ok(done.returncode == 0 and b'of run_text' in done.stdout, 'the sum goes to standard output', done)


def test_all(make, folder):
    for name, test in (('persons', None), ('refusals', test_refusals), ('traces', test_traces),
                       ('progress', test_progress)):
        inner = os.path.join(folder, name)
        os.makedirs(inner)
        db, conf = make(inner), prune.configure(inner)
        run_ingest(db, conf, '--migrate')
        if test:
            test(db, inner, conf)
            continue
        spool = test_persons(db, inner, conf)
        test_late(db, inner, conf, spool)
        test_key(db, inner, conf)


with ingest.temporary() as top, prune.databases(top) as kinds:
    for kind, maker in kinds:
        print('# ' + kind)
        test_all(maker, os.path.join(top, kind))
    if len(kinds) == 1:
        tap.skip('the same in MariaDB', mariadb.missing())
tap.done()
