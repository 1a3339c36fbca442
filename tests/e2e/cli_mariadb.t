#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark reads MariaDB: every answer that the tests of the CLI ask of SQLite, once more and compared byte for byte
# (mariadb_twin.py); what is said where there is no answer; a server that dies in the middle of one.
import sys
sys.dont_write_bytecode = True
import contextlib
import glob
import os
import re
import signal
import subprocess
import time
from cli_tap import RUNMARK, environment, runmark
import ingest
import mariadb
import mariadb_twin
import tap

# They ask a daemon, no database, or the schema alone.
OTHERS = {'cli_mariadb.t', 'cli_daemon.t', 'cli_plan.t', 'cli_words.t'}
LEAST = {'find': 397, 'show': 79, 'job': 17, 'report': 13}  # answers that must have been compared
RUNS = 997


def check_twins(server):
    """The other tests, with a twin for each database."""
    for name in sorted(glob.glob('tests/e2e/cli_*.t')):
        if os.path.basename(name) in OTHERS:
            continue
        done = subprocess.run([name], env=dict(os.environ, RUNMARK_TWIN=server.folder), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors='backslashreplace')
        wrong = re.findall(r'(?m)^not ok.*\n(?:#.*\n)*', done.stdout)
        tap.ok(done.returncode == 0 and not wrong, os.path.basename(name) + ': MariaDB answers as SQLite does',
               ''.join(wrong) or done.stdout[-2000:])
    with open(os.path.join(server.folder, 'calls'), encoding='ascii') as file:
        calls = file.read().split()
    for command, least in LEAST.items():
        tap.ok(calls.count(command) >= least, '%d answers of %s were compared' % (calls.count(command), command))


def filled(server, folder, name, *arguments):
    """A database with runs, and the SQLite database that it is a copy of."""
    path = '%s/%s.db' % (folder, name)
    ingest.generate(folder + '/' + name, '--runs', RUNS, *arguments)
    ingest.ingest(path, folder + '/' + name)
    with contextlib.closing(server.connect('')) as connection:
        mariadb_twin.copy(path, connection, name)
    return mariadb.Database(server, name)


def check_messages(server, folder, good):
    with contextlib.closing(server.connect('')) as connection:
        for name, sql in (('none', ()), ('empty', ('CREATE TABLE schema_version (version BIGINT)',)),
                          ('newer', ('CREATE TABLE schema_version AS SELECT 99 AS version',)),
                          ('older', ('CREATE TABLE schema_version AS SELECT 1 AS version',))):
            connection.query('CREATE OR REPLACE DATABASE "%s"' % name)
            connection.query('USE "%s"' % name)
            for statement in sql:
                connection.query(statement)
        connection.query("CREATE USER 'shut'@'localhost' IDENTIFIED BY 'right'")
        connection.query("CREATE USER 'half'@'localhost' IDENTIFIED BY 'right'")
        connection.query('GRANT SELECT ON "%s".schema_version TO half@localhost' % good.name)
    secret = folder + '/secret'
    for mode, text in ((0o640, 'wrong\n'), (0o644, 'right\n')):
        with open('%s%o' % (secret, mode), 'w', encoding='ascii') as file:
            file.write(text)
        os.chmod('%s%o' % (secret, mode), mode)
    url, right = 'mysql://%s@localhost/%s?socket=' + server.socket, {'RUNMARK_DB_PASSWORD': 'right'}
    cases = (
        ('no server', 'mysql://root@localhost/x?socket=%s/nobody' % folder, {}, 'is the server up'),
        ('no such database', url % ('root', 'nowhere'), {}, 'CREATE DATABASE'),
        ('no tables', url % ('root', 'none'), {}, 'no database of runmark\'s that can be read'),
        ('no version', url % ('root', 'empty'), {}, 'let runmark-ingest finish making it'),
        ('newer', url % ('root', 'newer'), {}, 'schema version 99 and this runmark knows'),
        ('older', url % ('root', 'older'), {}, '--migrate'),
        ('no password', url % ('shut', good.name), {}, 'check the account, its password'),
        ('wrong password', url % ('shut', good.name) + '&password_file=%s640' % secret, {}, 'check the account'),
        ('password for all to read', url % ('shut', good.name) + '&password_file=%s644' % secret, {}, 'chmod 640'),
        ('no right to the database', url % ('shut', good.name), right, 'its rights'),
        ('no right to a table', url % ('half', good.name), right, 'grants.sql'),
        ('no TLS', good.url + '&ssl=required', {}, 'ssl=off'),
        ('password in the URL', 'mysql://root:x@localhost/x', {}, 'does not belong on a command line'),
        ('no database named', 'mysql://root@localhost', {}, 'mysql://'),
    )
    for name, where, more, said in cases:
        for how in ({'args': ['--db', where], 'env': more}, {'args': [], 'env': dict(more, RUNMARK_DB=where)}):
            result = runmark('find', '--since', '1d', *how['args'], env=how['env'])
            lines = result.err.decode().splitlines()
            tap.ok(result.status == 3 and not result.out and len(lines) == 1 and said in lines[0],
                   'says what to do: ' + name, (result.status, result.out, result.err))


def check_death(server, good):
    """The server is killed while an answer is printed: what came is whole lines, and it is said that it is not all."""
    wanted = runmark('find', '--since', '1970-01-02', '--format', 'json', '--db', good.url)
    tap.equal((wanted.status, wanted.out.count(b'\n')), (0, RUNS), 'all runs are printed')
    process = subprocess.Popen([RUNMARK, 'find', '--since', '1970-01-02', '--format', 'json', '--db', good.url],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    first = process.stdout.read(4096)
    time.sleep(0.1)  # runmark waits for room in the pipe
    server.kill()
    out, err = process.communicate(timeout=60)
    tap.ok(process.returncode == 3 and b'ask again when the server is back' in err, 'a server that died is told of',
           (process.returncode, err))
    tap.ok(wanted.out.startswith(first + out) and (first + out).endswith(b'\n'), 'what was printed is right',
           (first + out)[-200:])
    server.start()
    tap.equal(runmark('find', '--since', '1970-01-02', '--format', 'json', '--db', good.url).out, wanted.out,
              'the server is back')


def check_stop(server, good):
    """A question that is stopped, by the server or by its administrator."""
    process = subprocess.Popen([RUNMARK, 'find', '--since', '1970-01-02', '--format', 'json', '--db', good.url],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    process.stdout.read(4096)
    for number, in good.query("SELECT id FROM information_schema.processlist WHERE db = ? AND id <> connection_id()",
                              good.name):
        good.query('KILL %d' % number)
    _, err = process.communicate(timeout=60)
    tap.ok(process.returncode == 3 and b'ask again' in err, 'a connection that was killed is told of',
           (process.returncode, err))


def main():
    reason = mariadb.missing()
    if reason:
        tap.skip('MariaDB', reason)
        tap.done()
    with ingest.temporary() as folder, mariadb.server(folder + '/server') as server:
        check_twins(server)
        good = filled(server, folder, 'good', '--files', 3, '--hosts', 2)
        check_messages(server, folder, good)
        check_stop(server, good)
        check_death(server, good)
    tap.done()


main()
