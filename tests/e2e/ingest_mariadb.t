#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What only a server can do to a loader: accounts and passwords, TLS, another schema, migrations that are cut off,
connections that break, a server that is killed, restarted, or not there yet. RUNMARK_TEST_LONG=1: 997 files."""
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import mariadb
import tap

RUNS, FILES, KILLS = (99991, 997, 109) if i.LONG else (7919, 97, 17)
PAUSE = 0.4 if i.LONG else 0.2  # seconds between kills, at most


def start(db, *arguments):
    return subprocess.Popen([i.INGEST, '--db', i.url_of(db), *arguments], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=i.environment())


def ingest_url(url, *arguments, **variables):
    return i.Result(subprocess.run([i.INGEST, '--db', url, *arguments], text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={**i.environment(), **variables}))


def one_line(result, status, *words):
    return result.status == status and result.err.count('\n') == 1 and all(
        word in result.err for word in words)


# --- the schema

HIDDEN = {('path', 'path_hash'), ('cgroup', 'path_hash')}  # what makes long paths unique


def test_schema(work, server, db):
    """Both kinds of database have the same tables, views and columns."""
    lite = work + '/lite.db'
    i.ingest(lite, '--migrate')
    kinds = {'BASE TABLE': 'table', 'VIEW': 'view'}
    ours = {(kinds[row[0]], row[1]) for row in db.query(
        'SELECT table_type, table_name FROM information_schema.tables WHERE table_schema = ?', db.name)}
    theirs = {tuple(row) for row in i.query(
        lite, "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")}
    tap.equal(sorted(ours ^ theirs), [], 'the same %d tables and views' % len(theirs))
    columns = {(row[0], row[1]) for row in db.query(
        'SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ?', db.name)}
    wanted = {(name, row[0]) for _, name in theirs
              for row in i.query(lite, 'SELECT name FROM pragma_table_xinfo(?)', name)}
    tap.equal(sorted((columns - HIDDEN) ^ wanted), [], 'the same %d columns' % len(wanted))
    order = {name: [row[0] for row in db.query(
        'SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? '
        'ORDER BY ordinal_position', db.name, name)] for kind, name in ours if kind == 'view'}
    tap.equal([name for name in order if order[name] != [row[0] for row in i.query(
        lite, 'SELECT name FROM pragma_table_xinfo(?)', name)]], [], 'of views in the same order')

    months = [row[0] for row in db.query(
        "SELECT partition_name FROM information_schema.partitions WHERE table_schema = ? AND table_name = 'run' "
        'ORDER BY partition_ordinal_position', db.name)]
    now = time.gmtime()
    names = ['m%04d%02d' % divmod_month(now.tm_year * 12 + now.tm_mon - 1 + n) for n in range(-1, 13)]
    tap.equal(months, ['older', *names, 'later'], 'runs are partitioned by month, a year ahead')
    for names in (('alice', 'alice '), ('alice', 'Alice'), ('u', 'ü')):
        for name in names:
            db.query('INSERT INTO user_name (name) VALUES (?)', name)
        tap.equal([db.number('SELECT count(*) FROM user_name WHERE name = ?', name) for name in names], [1, 1],
                  'names %r and %r are two' % names)
        db.empty()
    sizes = [db.number("SELECT count(*) FROM run PARTITION (%s)" % name) for name in ('older', 'later')]
    tap.equal(sizes, [0, 0], 'nothing stands outside them')


def divmod_month(month):
    return month // 12, month % 12 + 1


def test_partitions(work, db):
    """Runs of any time go to their month, and are found by their id."""
    spool = i.Spool(work + '/times')
    os.mkdir(work + '/times')
    spool.open()
    times = {'older': 0, 'm%04d%02d' % time.gmtime()[:2]: int(time.time()), 'later': 4133980799}
    ids = {}
    for name, seconds in times.items():
        ids[name] = '%012x' % (seconds * 1000)
        ids[name] = ids[name][:8] + '-' + ids[name][8:] + '-8000-8000-000000000001'
        spool.record('run', spool.run(run_id=ids[name], start=i.time_text(seconds * 1000000)))
    spool.close()
    result = i.ingest(db, work + '/times')
    got = {name: [i.text_uuid(row[0]) for row in db.query('SELECT run_id FROM run PARTITION (%s)' % name)]
           for name in times}
    tap.equal((result.status, got), (0, {name: [run] for name, run in ids.items()}),
              'runs of 1970, today and 2100 are where they belong')
    tap.equal(i.ingest(db, work + '/times').counts['file known before'], 1, '... once')
    db.empty()


def test_refused(work, db):
    """A row that the server refuses goes to quarantine alone, and wholly, with its reason."""
    os.mkdir(work + '/refusing')
    spool = i.Spool(work + '/refusing')
    spool.open()
    for n in range(1009):
        spool.record('run', spool.run(cwd='/home/' + 'x' * (40 if n in (499, 503) else 3)))
    spool.close()
    db.query('ALTER TABLE run_text MODIFY cwd VARBINARY(20)')
    try:
        result = i.ingest(db, work + '/refusing')
        got = [tuple(row) for row in db.query('SELECT line, reason FROM quarantine ORDER BY line')]
        tap.ok((result.status, result.counts['run'], [row[0] for row in got]) == (0, 1007, [501, 505]) and
               all("Data too long for column 'cwd'" in row[1] for row in got),
               'rows that the server refuses are quarantined alone', (result, got))
        tap.equal((db.number('SELECT count(*) FROM run'), db.number('SELECT count(*) FROM run_text')), (1007, 1007),
                  '... and nothing of them is elsewhere')
    finally:
        db.empty()
        db.query('ALTER TABLE run_text MODIFY cwd MEDIUMBLOB')


def test_late_months(work, db):
    """Months that were not made in time are made later, with the runs that are theirs."""
    now = time.gmtime()
    month = now.tm_year * 12 + now.tm_mon - 1
    late = ['m%04d%02d' % divmod_month(month + n) for n in (11, 12)]
    for table in ('run', 'link_text'):
        db.query('ALTER TABLE %s REORGANIZE PARTITION %s, later INTO (PARTITION later VALUES LESS THAN (MAXVALUE))' %
                 (table, ', '.join(late)))
    seconds = int(time.mktime((*divmod_month(month + 11), 15, 12, 0, 0, 0, 0, 0)))
    spool = i.Spool(work + '/late')
    os.mkdir(work + '/late')
    spool.open()
    run = '%012x' % (seconds * 1000)
    spool.record('run', spool.run(run_id=run[:8] + '-' + run[8:] + '-8000-8000-000000000001',
                                  start=i.time_text(seconds * 1000000)))
    spool.close()
    i.ingest(db, work + '/late')
    tap.equal(db.number('SELECT count(*) FROM run PARTITION (later)'), 1, 'a run whose month is not made yet')
    tap.equal(i.ingest(db, '--migrate').status, 0, '--migrate makes months that are missing')
    tap.equal((db.number('SELECT count(*) FROM run PARTITION (%s)' % late[0]),
               db.number('SELECT count(*) FROM run PARTITION (later)')), (1, 0), '... where its run is then')
    db.empty()


# --- migrations

def tables(server, name):
    with server.connect('') as connection:
        return {row[0]: connection.query('SHOW CREATE TABLE "%s"."%s"' % (name, row[0]))[0][1] for row in
                connection.query('SELECT table_name FROM information_schema.tables WHERE table_schema = ?', name)}


def test_interrupted(server, db):
    """--migrate killed again and again at any moment, the server too, two at once: then all is there."""
    new, rng = server.database('interrupted'), random.Random(11)
    began = time.monotonic()
    hits = 0
    for n in range(23 if i.LONG else 7):
        process = start(new, '--migrate')
        time.sleep(rng.uniform(0.05, 0.7))
        hits += process.poll() is None
        if n % 3 == 2:
            server.kill()
            process.communicate()
            server.start()
        process.kill()
        process.communicate()
    both = [start(new, '--migrate') for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    tap.equal(([process.returncode for process in both], said), ([0, 0], ['', '']),
              'a migration that was cut off %d times is finished, by two at once' % hits)

    def plain(found):
        return {name: re.sub(r' AUTO_INCREMENT=\d+|"(interrupted|runmark)"\.', '', text) for name, text in found.items()}
    got, wanted = plain(tables(server, new.name)), plain(tables(server, db.name))
    tap.equal([name for name in wanted if got.get(name) != wanted[name]], [], 'every table is as it should be')
    tap.equal([row[0] for row in new.query('SELECT version FROM schema_version ORDER BY 1')],
              [row[0] for row in db.query('SELECT version FROM schema_version ORDER BY 1')],
              '... and every migration noted once (%.1f s)' % (time.monotonic() - began))
    new.query('DROP DATABASE interrupted')


def test_refusals(work, server, db):
    """Databases that can't be used are refused with one sentence that says the way out."""
    spool = work + '/refused'
    i.generate(spool, '--runs', 7)
    empty = server.database('empty')
    tap.ok(one_line(i.ingest(empty, spool), 3, 'is empty', '--migrate'), 'loading makes no tables',
           i.ingest(empty, spool))
    other = server.database('other')
    other.query('CREATE TABLE mine (a INT)')
    for arguments in ((spool,), ('--migrate',)):
        result = i.ingest(other, *arguments)
        tap.ok(one_line(result, 3, "not one of Runmark's", '--db'), "somebody else's database", result)
    db.query("INSERT INTO schema_version VALUES (97, 0, '9.9.9')")
    for arguments in ((spool,), ('--quarantine',), ('--migrate',)):
        result = i.ingest(db, *arguments)
        tap.ok(one_line(result, 3, 'schema 97', 'newer', 'install'), 'a newer schema: %s' % arguments[0], result)
    db.query('DELETE FROM schema_version WHERE version > 1')
    result = i.ingest(db, spool)
    tap.ok(one_line(result, 3, 'older schema', '--migrate'), 'an older schema', result)
    tap.equal(i.ingest(db, '--migrate').status, 0, '... which --migrate brings up to date')
    result = ingest_url('mysql://root@localhost/none?socket=' + server.socket, spool)
    tap.ok(one_line(result, 3, "Unknown database 'none'", 'CREATE DATABASE'), 'no such database', result)
    result = ingest_url('mysql://root@localhost/runmark?socket=/nowhere.sock', spool)
    tap.ok(one_line(result, 3, '/nowhere.sock', 'is the server up'), 'no such socket', result)
    result = ingest_url('mysql://root@127.0.0.1:1/runmark', spool)
    tap.ok(one_line(result, 3, '127.0.0.1', 'is the server up'), 'no such port', result)
    db.query('SET GLOBAL max_allowed_packet = 1048576')
    result = i.ingest(db, spool)
    tap.ok(one_line(result, 3, 'max_allowed_packet', '16M'), 'a server that takes only small packets', result)
    db.query('SET GLOBAL max_allowed_packet = 16777216')
    db.query('SET GLOBAL read_only = 1')
    try:
        result = ingest_url(account(db, 'writer', 'w', 'SELECT, INSERT, UPDATE, DELETE'), spool,
                            RUNMARK_DB_PASSWORD='w')
        tap.ok(one_line(result, 3, 'read-only', '--db'), 'a server that only reads', result)
    finally:
        db.query('SET GLOBAL read_only = 0')


# --- accounts

def account(db, user, password, rights):
    db.query("CREATE USER IF NOT EXISTS ?@'localhost' IDENTIFIED BY ?", user, password)
    db.query('GRANT %s ON "%s".* TO ?@\'localhost\'' % (rights, db.name), user)
    return db.url_of(user)


def test_accounts(work, db):
    spool = work + '/accounts'
    i.generate(spool, '--runs', 97, '--links', 7)
    url = account(db, 'loader', 'secret % word', 'SELECT, INSERT, UPDATE, DELETE')
    secret = work + '/password'
    with open(secret, 'w') as file:
        file.write('secret % word\n')
    of_file = url + '&password_file=' + secret
    for mode, right in ((0o644, False), (0o660, False), (0o4640, False), (0o640, True), (0o400, True)):
        os.chmod(secret, mode)
        result = ingest_url(of_file, '--quarantine')
        tap.ok((result.status == 1 and not result.err) if right else one_line(result, 3, 'chmod 640', secret),
               'a password file of mode %04o is %s' % (mode, 'read' if right else 'refused'), result)
    result = ingest_url(url, spool)
    tap.ok(one_line(result, 3, 'Access denied', 'password_file'), 'no password', result)
    result = ingest_url(url, spool, RUNMARK_DB_PASSWORD='wrong')
    tap.ok(one_line(result, 3, 'Access denied'), 'a wrong one', result)
    result = ingest_url(of_file + '.none', spool)
    tap.ok(one_line(result, 3, 'No such file'), 'a password file that is not there', result)
    result = ingest_url(of_file, spool, RUNMARK_DB_PASSWORD='secret % word')
    tap.equal((result.status, result.counts['run']), (0, 97), 'an account that may not make tables loads')
    result = ingest_url(of_file, '--migrate')
    tap.ok(result.status == 3 and 'ALTER' in result.err or result.status == 0, '... and may not migrate', result)
    reader = account(db, 'reader', 'r', 'SELECT')
    i.generate(spool, '--runs', 97, '--hosts', 2)
    shutil.copy(os.path.join(spool, os.listdir(spool)[0]), spool + '/other.jsonl')
    result = ingest_url(reader, spool + '/other.jsonl', RUNMARK_DB_PASSWORD='r')
    tap.ok(one_line(result, 3, 'denied', 'runmark-access(7)'), 'an account that only reads does not load', result)
    result = ingest_url(reader, '--quarantine', RUNMARK_DB_PASSWORD='r')
    tap.equal((result.status, result.err), (1, ''), '... but lists')
    result = ingest_url(url.replace('loader@', 'loader:x@'), spool)
    tap.ok(one_line(result, 2, 'command line', 'password_file'), 'no password in the URL', result)
    db.empty()


# --- TLS, over a port

def certificates(folder):
    """An authority, a server's certificate for localhost by it, and another authority."""
    def openssl(*arguments):
        subprocess.run(['openssl', *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    for name in ('ca', 'other'):
        openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '7', '-subj', '/CN=' + name,
                '-keyout', name + '.key', '-out', name + '.pem')
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key',
            '-out', 'server.csr')
    openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
            '-days', '7', '-out', 'server.pem')
    for name in os.listdir(folder):
        os.chmod(os.path.join(folder, name), 0o644)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_tls(work):
    if not shutil.which('openssl'):
        tap.skip('TLS', 'openssl is not installed')
        return
    keys, port = work + '/keys', free_port()
    os.mkdir(keys)
    os.chmod(keys, 0o755)
    certificates(keys)
    server = mariadb.Server(work + '/tls', extra=('--ssl-cert=%s/server.pem' % keys, '--ssl-key=%s/server.key' % keys,
                                                  '--port=%d' % port, '--bind-address=127.0.0.1',
                                                  '--skip-skip-networking', '--skip-name-resolve'))
    server.start()
    try:
        db = server.database('runmark')
        db.query("CREATE USER 'far'@'127.0.0.1' IDENTIFIED BY 'x' REQUIRE SSL")
        db.query("GRANT ALL ON *.* TO 'far'@'127.0.0.1'")
        ca = '&ssl_ca=%s/ca.pem' % keys
        for host, parameters, right, word in (
                ('127.0.0.1', 'ssl=required', True, ''), ('127.0.0.1', 'ssl=off', False, 'Access denied'),
                ('localhost', 'ssl=verify' + ca, True, ''), ('localhost', ca[1:], True, ''),
                ('127.0.0.1', 'ssl=verify' + ca, False, ''),
                ('localhost', 'ssl_ca=%s/other.pem' % keys, False, 'certificate')):
            url = 'mysql://far@%s:%d/runmark?%s' % (host, port, parameters)
            result = ingest_url(url, '--migrate', RUNMARK_DB_PASSWORD='x')
            tap.ok((result.status == 0 and not result.err) if right else
                   one_line(result, 3, word), 'TLS: %s?%s is %s' % (
                       host, parameters.replace(keys, ''), 'used' if right else 'refused'), (url, result))
    finally:
        server.stop()


# --- a server that goes

def check(db, wanted, name):
    tap.equal(i.counts(db), {'run': RUNS, 'run_text': RUNS, 'link': 97, 'link_text': 97, 'node_record': FILES,
                             'spool_file': FILES, 'quarantine': 0, 'spool_problem': 0}, name + ': every record once')
    got = i.dump(db)
    tap.equal([part for part in wanted if got[part] != wanted[part]], [],
              name + ': equal to what SQLite has, undisturbed')
    tap.equal(i.is_sound(db), True, name + ': the database is sound')


def test_killed(work, server, db, source, wanted, loaders):
    """Loaders killed at random, and the server, and connections: each file is loaded once."""
    rng, spool = random.Random(loaders), '%s/killed%d' % (work, loaders)
    shutil.copytree(source, spool)
    running, errors, hits = [], [], [0, 0, 0]
    for _ in range(KILLS):
        running = [process for process in running if process.poll() is None]
        running += [start(db, '--remove', spool) for _ in range(loaders - len(running))]
        time.sleep(rng.uniform(0.03, PAUSE))
        what = rng.choices((0, 1, 2), (6, 2, 3))[0]
        if what == 0:
            victim = rng.choice(running)
            hits[0] += victim.poll() is None
            victim.kill()
            victim.communicate()
            running.remove(victim)
        elif what == 1:
            server.kill()
            hits[1] += 1
            time.sleep(rng.uniform(0, 0.5))
            server.start()
        else:
            with server.connect('') as connection:
                for row in connection.query('SELECT id FROM information_schema.processlist WHERE db = ?', db.name):
                    try:
                        connection.query('KILL %d' % row[0])
                        hits[2] += 1
                    except mariadb.Error:
                        pass
    for process in running:
        errors.append((process.communicate()[1], process.returncode))
    tap.ok(min(hits) > 0 and all(status in (0, 1) and not error for error, status in errors),
           '%d loaders: what is not killed itself goes on (killed: %d loaders, %d times the server, %d connections)' %
           (loaders, *hits), errors)
    last = i.ingest(db, '--remove', spool)
    tap.ok(last.status in (0, 1) and os.listdir(spool) == [], '%d loaders: the last one finishes' % loaders, last)
    check(db, wanted, '%d loaders' % loaders)


def test_restart(work, server, db, source):
    """One loader alone over a restart: waits, and counts each file once. A server that stays away is said."""
    process = start(db, source)
    while not db.number('SELECT count(*) FROM spool_file'):
        time.sleep(0.02)
    server.kill()
    time.sleep(1)
    server.start()
    out, error = process.communicate()
    counted = re.match(r'loaded (\d+) files?, (\d+) runs', out)
    tap.equal((process.returncode, error, counted and tuple(map(int, counted.groups()))), (0, '', (FILES, RUNS)),
              'a loader whose server is restarted loads all, and counts it once')
    db.empty()
    server.stop()
    began = time.monotonic()
    result = i.ingest(db, source)
    tap.ok(one_line(result, 3, 'is the server up') and time.monotonic() - began < 5,
           'a server that is not there is said at once', result)
    spool = work + '/followed'
    shutil.copytree(source, spool)
    process = start(db, '--follow', '--remove', spool)
    time.sleep(1)
    server.start()
    end = time.monotonic() + 60
    while os.listdir(spool) and time.monotonic() < end:
        time.sleep(0.1)
    tap.equal(os.listdir(spool), [], '--follow waits for it')
    server.stop()
    for name in os.listdir(source)[:7]:
        shutil.copy(os.path.join(source, name), '%s/%s' % (spool, name.replace('n0', 'x0')))
    time.sleep(1)
    server.start()
    while os.listdir(spool) and time.monotonic() < end + 60:
        time.sleep(0.1)
    tap.equal(os.listdir(spool), [], '... and again, when it was restarted')
    process.send_signal(signal.SIGTERM)
    tap.equal(process.communicate() and process.returncode, 0, '... until SIGTERM')
    db.empty()


def test_stopped(work, server, db):
    """A signal before anything was done: only who follows has done what was asked."""
    empty = server.database('waited')
    with contextlib.closing(db.connect()) as other:
        other.query("SELECT get_lock(concat('runmark migrate ', left(sha2('waited', 256), 32)), 0)")
        for number in (signal.SIGTERM, signal.SIGINT):
            process = start(empty, '--migrate')
            time.sleep(0.5)
            process.send_signal(number)
            error = process.communicate()[1]
            tap.ok(process.returncode == 3 and 'stopped' in error,
                   'a migration that is stopped says so', (process.returncode, error))
    nowhere = mariadb.Database(mariadb.Server(work + '/nowhere'), 'runmark')
    process = start(nowhere, '--follow', work)
    said = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    tap.equal((process.wait(), 'trying again' in said), (0, True), '--follow that waits for a server ends well')


def test_forgetful(work, server, db):
    """A server that may lose what it has committed: said to whom the files would be lost, too."""
    spool, archive = work + '/forgotten', work + '/kept'
    os.mkdir(archive)
    i.generate(spool, '--runs', 7)
    for setting, arguments, is_said in ((0, ('--remove',), True), (2, ('--archive', archive), True), (1, ('--remove',), False),
                                        (0, (), False)):
        server.connect('').query('SET GLOBAL innodb_flush_log_at_trx_commit = %d' % setting)
        result = i.ingest(db, *arguments, spool)
        tap.ok(result.status in (0, 1) and result.err.count('innodb_flush_log_at_trx_commit = 1') == is_said,
               'a server that writes its log by %d: %swarned of%s' %
               (setting, '' if is_said else 'not ', ' with ' + arguments[0] if arguments else ''), result)
    server.connect('').query('SET GLOBAL innodb_flush_log_at_trx_commit = 1')
    db.empty()


def test_disk_full(work):
    """A full disk of the server: said, nothing half; with room again it loads."""
    if os.geteuid() != 0:
        tap.skip('the disk full', 'only root can mount')
        return
    mount, spool = work + '/disk', work + '/big'
    os.mkdir(mount)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=230m', 'runmark-test', mount], check=True)
    try:
        with mariadb.server(mount + '/m', durable=True, extra=('--innodb-log-file-size=4M',
                                                               '--innodb-buffer-pool-size=16M')) as server:
            db = server.database('runmark')
            i.ingest(db, '--migrate')
            i.generate(spool, '--runs', 20011, '--files', 3)
            fill = os.statvfs(mount)
            with open(mount + '/fill', 'wb') as file:
                file.write(bytes(fill.f_bavail * fill.f_frsize - (6 << 20)))
            result = i.ingest(db, '--remove', spool)
            tap.ok(one_line(result, 3, 'no space is left'), 'a full disk is said', result)
            done = FILES_OF(db)
            tap.equal((i.number(db, 'SELECT count(*) FROM run'), 3 - len(os.listdir(spool))),
                      (i.number(db, 'SELECT coalesce(sum(records), 0) - count(*) FROM spool_file'), done),
                      '... %d files are in the database, and nothing of another' % done)
            os.unlink(mount + '/fill')
            result = i.ingest(db, '--remove', spool)
            tap.equal((result.status, i.number(db, 'SELECT count(*) FROM run'), os.listdir(spool)),
                      (0, 20011, []), '... with room again it loads')
    finally:
        subprocess.run(['umount', mount], check=True)


def FILES_OF(db):
    return i.number(db, 'SELECT count(*) FROM spool_file')


def main(work):
    why = mariadb.missing()
    if why:
        tap.skip('MariaDB', why)
        return
    source = work + '/source'
    i.generate(source, '--runs', RUNS, '--files', FILES, '--links', 97, '--starts', 5, '--hosts', 3)
    lite = work + '/wanted.db'
    i.ingest(lite, source)
    wanted = i.dump(lite)
    with mariadb.server(work + '/server', durable=True) as server:
        db = server.database('runmark')
        made = i.ingest(db, '--migrate')
        tap.equal((made.status, made.err, made.out), (0, '', ''), '--migrate makes the database')
        test_schema(work, server, db)
        test_partitions(work, db)
        test_late_months(work, db)
        test_refused(work, db)
        test_accounts(work, db)
        test_stopped(work, server, db)
        test_forgetful(work, server, db)
        test_interrupted(server, db)
        test_restart(work, server, db, source)
        for loaders in (2, 4):
            test_killed(work, server, db, source, wanted, loaders)
            db.empty()
        test_refusals(work, server, db)
    test_tls(work)
    test_disk_full(work)


with i.temporary() as directory:
    main(directory)
tap.done()
