#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""--follow, --remove, --archive, the spool of the configuration, progress on a terminal, wrong usage."""
import os
import pty
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap


def spool_in(directory, **options):
    os.makedirs(directory, exist_ok=True)
    return i.Spool(directory, rng=random.Random(directory), **options)


def add(spool, runs=7):
    """One more file."""
    spool.open()
    for _ in range(runs):
        spool.record('run', spool.run())
    return spool.close()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def runs(db):
    try:
        return i.number(db, 'SELECT count(*) FROM run')
    except Exception:  # not there yet
        return -1


class Follower:
    def __init__(self, db, *arguments):
        self.process = subprocess.Popen([i.INGEST, '--db', 'sqlite:' + db, '--follow', *arguments],
                                        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=i.environment())

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return i.Result(subprocess.CompletedProcess('', self.process.returncode, out, err))


def test_follow(work):
    one, two = spool_in(work + '/one'), spool_in(work + '/two', compress=True)
    db, archive = work + '/follow.db', work + '/archive'
    os.mkdir(archive)
    first = add(one)
    follower = Follower(db, '--archive', archive, work + '/one', work + '/two')
    tap.ok(wait_for(lambda: runs(db) == 7), 'what is there is loaded')
    names = [first]
    for n in range(2, 14):
        names.append(add((one, two)[n % 2]))
    tap.ok(wait_for(lambda: runs(db) == 13 * 7), 'what appears is loaded', runs(db))
    tap.ok(wait_for(lambda: len(os.listdir(archive)) == 13), 'and archived',
           os.listdir(archive))
    # Written under its own name, in two halves, as cp does: taken when it is closed.
    one.directory = work + '/two-step'
    os.mkdir(one.directory)
    path = add(one)
    with open(path, 'rb') as file:
        data = file.read()
    path = work + '/one/' + os.path.basename(path)
    with open(path, 'wb', buffering=0) as file:
        file.write(data[:len(data) // 2])
        time.sleep(0.3)
        tap.equal(runs(db), 13 * 7, 'a file that is being written waits')
        file.write(data[len(data) // 2:])
    tap.ok(wait_for(lambda: runs(db) == 14 * 7), 'it is loaded when it is closed')
    result = follower.end()
    tap.ok(result.status == 0 and result.counts['file'] == 14 and result.err == '',
           'SIGTERM ends it with status 0 and a summary', result)
    tap.equal((os.listdir(work + '/one'), os.listdir(work + '/two')), ([], []), 'all are archived')
    tap.equal(i.number(db, 'SELECT count(*) FROM missing_file'), 0, 'nothing is missing')

    follower = Follower(db, work + '/two')
    wait_for(lambda: False, 0.3)
    add(two)
    tap.ok(wait_for(lambda: runs(db) == 15 * 7), 'and again, after a restart')
    tap.equal(follower.end(signal.SIGINT).status, 0, 'SIGINT ends it, too')


def test_follow_locked(work):
    """A database that is locked is waited for, and SIGTERM ends the wait."""
    spool, db = spool_in(work + '/locked'), work + '/locked.db'
    i.ingest(db, '--migrate')
    with i.opened(db) as connection:
        connection.isolation_level = None
        connection.execute('BEGIN IMMEDIATE')
        add(spool)
        follower = Follower(db, work + '/locked')
        tap.ok(not wait_for(lambda: follower.process.poll() is not None, 0.5),
               'a locked database is waited for')
        connection.execute('COMMIT')
        tap.ok(wait_for(lambda: runs(db) == 7), 'and used when it is free')
        connection.execute('BEGIN IMMEDIATE')
        add(spool)
        time.sleep(0.3)
        began = time.monotonic()
        result = follower.end()
        tap.ok(result.status == 0 and time.monotonic() - began < 2, 'SIGTERM ends the wait', result)
        connection.execute('ROLLBACK')


def test_dispose(work):
    spool, db = spool_in(work + '/dispose'), work + '/dispose.db'
    paths = [add(spool) for _ in range(3)]
    result = i.ingest(db, work + '/dispose')
    tap.equal((result.status, len(os.listdir(work + '/dispose'))), (0, 3), 'files stay by default')
    result = i.ingest(db, '--remove', paths[0])
    tap.equal((result.status, os.path.exists(paths[0])), (0, False),
              '--remove takes what was loaded before')
    result = i.ingest(db, '--archive', work + '/nowhere', paths[1])
    tap.ok(result.status == 3 and 'make it first' in result.err and os.path.exists(paths[1]),
           '--archive to no directory is refused', result)
    os.mkdir(work + '/there')
    with open(work + '/there/' + os.path.basename(paths[1]), 'w') as file:
        file.write('another file')
    result = i.ingest(db, '--archive', work + '/there', work + '/dispose')
    tap.ok(result.status == 3 and 'another file of that name' in result.err and
           os.path.exists(paths[1]) and not os.path.exists(paths[2]),
           '--archive takes the place of no other file', result)
    with open(work + '/there/' + os.path.basename(paths[1])) as file:
        tap.equal(file.read(), 'another file', 'which stays')


def test_configuration(work):
    spool = spool_in(work + '/configured')
    add(spool)
    with open(work + '/runmark.conf', 'w') as file:
        file.write('[daemon]\nspool = %s/configured\n' % work)
    env = {**i.environment(), 'RUNMARK_CONF': work + '/runmark.conf',
           'RUNMARK_DB': 'sqlite:%s/configured.db' % work}
    process = subprocess.run([i.INGEST], env=env, stdout=subprocess.PIPE, text=True)
    tap.equal((process.returncode, runs(work + '/configured.db')), (0, 7),
              'spool from the configuration, database from RUNMARK_DB')
    tap.equal(os.stat(work + '/configured.db').st_mode & 0o777, 0o640,
              'others may not read the database')


def test_progress(work):
    """A line on a terminal, nothing of it elsewhere."""
    i.generate(work + '/progress', '--runs', 20011)
    terminal, inner = pty.openpty()
    process = subprocess.Popen([i.INGEST, '--db', 'sqlite:%s/progress.db' % work, work + '/progress'],
                               stdout=subprocess.DEVNULL, stderr=inner, env=i.environment())
    os.close(inner)
    shown = b''
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    tap.equal(process.wait(), 0, 'it loads on a terminal')
    tap.ok(b'\rfile ' in shown and b' a second: n001' in shown and shown.endswith(b'\r\x1b[K'),
           'progress is shown there, and wiped', shown[-200:])


def test_usage(work):
    def run(*arguments):
        return subprocess.run([i.INGEST, *arguments], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=i.environment())
    for arguments in (['--wrong'], ['--db'], ['--remove', '--archive', work], ['--remove=x'],
                      ['--migrate', '--quarantine'], ['--migrate', work], ['--quarantine', '--follow']):
        result = run(*arguments)
        tap.ok(result.returncode == 2 and result.stderr.count('\n') == 1 and not result.stdout,
               'wrong usage: ' + ' '.join(arguments), result)
    result = run('--help')
    tap.ok(result.returncode == 0 and all(option in result.stdout for option in (
        '--db URL', '--follow', '--remove', '--archive DIR', '--migrate', '--quarantine')),
        '--help names every option', result)
    tap.equal(run('--version').stdout, 'runmark-ingest 0.1.0\n', '--version')
    os.mkdir(work + '/empty')
    result = i.ingest(work + '/empty.db', work + '/empty')
    tap.equal(result.status, 1, 'nothing to load: status 1')
    result = i.ingest(work + '/migrated.db', '--migrate')
    tap.equal((result.status, result.out, i.number(work + '/migrated.db',
                                                   'SELECT max(version) FROM schema_version')),
              (0, '', len(os.listdir('schema/sqlite'))), '--migrate makes a database')
    tap.equal(i.ingest(work + '/migrated.db', '--quarantine').status, 1,
              '--quarantine with nothing in it: status 1')


with i.temporary() as directory:
    for test in (test_follow, test_follow_locked, test_dispose, test_configuration, test_progress,
                 test_usage):
        test(directory)
tap.done()
