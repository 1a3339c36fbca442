#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark reads MariaDB: every answer that the tests of the CLI ask of SQLite, once more and compared byte for byte
# (mariadb_twin.py); the same spool, loaded into both; what is said where there is no answer; a server that dies in the middle of one.
import sys
sys.dont_write_bytecode = True
import contextlib
import glob
import itertools
import os
import re
import subprocess
import time
import uuid
from cli_tap import RUNMARK, environment, runmark
import ingest
import mariadb
import mariadb_twin
import tap

# They ask a daemon, no database, or the schema alone.
OTHERS = {'cli_mariadb.t', 'cli_mariadb_odd.t', 'cli_daemon.t', 'cli_run.t', 'cli_plan.t', 'cli_plan_mariadb.t', 'cli_words.t'}
LEAST = {'find': 397, 'show': 79, 'job': 17, 'report': 13}  # answers that must have been compared
RUNS = 997
# What means something to SQL, to a glob or to nobody, or is no UTF-8: in every option that takes a name.
OPTIONS = ('--user', '--job', '--exe', '--lib', '--host', '--container', '--sluid', '--software', '--module')
WORDS = (b"' OR 1=1 -- ", b'"', b'\\', b"\\'", b'%', b'user0_0', b'user000 ', b'USER000', b'\xff\xfe', b'user000\xff', b'[a',
         b'?', b'a' * 4099)


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


def questions(path):
    """Words for runmark: each command, with each kind of option, about what is in the database."""
    with ingest.opened(path) as db:
        def some(sql):
            return [row[0] for row in db.execute(sql + ' LIMIT 3')]
        runs, groups = some('SELECT run_id FROM run'), some('SELECT group_id FROM run_group')
        watermarks = some("SELECT DISTINCT watermark FROM link WHERE watermark <> x''")
        build_ids = some("SELECT DISTINCT build_id FROM program WHERE build_id <> x''")
        jobs, users = some('SELECT job_id FROM job'), some('SELECT name FROM user_name')
        paths = some('SELECT p.path FROM path p JOIN program g ON g.path = p.id')
        libraries = some('SELECT p.path FROM path p JOIN object o ON o.path = p.id')
    always = '--since', '1970-01-02'
    days = [time.strftime('%Y-%m-%d', time.gmtime(time.time() - ago * 86400)) for ago in (60, 0)]
    coverage = 'report', 'coverage', '--since', days[0], '--until', days[1]
    for form in ('table', 'json', 'csv'):
        yield 'find', *always, '--limit', '0', '--format', form
        yield *coverage, '--format', form
        for view in ('gap', 'cause'):
            yield *coverage, '--by', view, '--format', form
        yield from (('job', job, '--format', form) for job in jobs if form != 'csv')
        yield from (('show', str(uuid.UUID(bytes=it)), '--format', form)
                    for it in runs + groups + watermarks if form != 'csv')
        yield from (('show', path.decode(), '--format', form) for path in paths if form != 'csv')
    yield from (('find', *always, option, value) for option, values in (
        ('--user', users), ('--job', jobs), ('--exe', [path.decode() for path in paths] + ['bash', '*s*', '/usr/*']),
        ('--lib', [path.decode() for path in libraries] + ['libc.so.6', 'lib*1*']),
        ('--watermark', [str(uuid.UUID(bytes=it)) for it in watermarks]), ('--host', ['n*1', 'n001', 'none']),
        ('--build-id', [it.hex() for it in build_ids]), ('--signal', ['9', 'SEGV']), ('--until', days[1:]),
        ('--columns', ['run_id,user,program,exit', 'start,end,elapsed,host']), ('--limit', ['1', '64'])) for value in values)
    yield from (('find', *always, option) for option in ('--failed', '--running', '--ranks'))


def check_loaded(server, folder):
    """The same spool, loaded by runmark-ingest into both."""
    path, good = folder + '/good.db', server.database('good')
    ingest.generate(folder + '/good', '--runs', RUNS, '--files', 5, '--hosts', 3, '--links', 101, '--groups', 53,
                    '--starts', 31, '--sacct', folder + '/sacct.txt')
    for url in ('sqlite:' + path, good.url):
        for words in (('--migrate',), (folder + '/good',), ('--sacct', folder + '/sacct.txt')):
            done = subprocess.run([ingest.INGEST, '--db', url, *words], env=environment(), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            tap.ok(done.returncode == 0, 'runmark-ingest %s %s' % (url.split(':')[0], words[0].replace(folder, '')),
                   done.stdout)
    asked = {}
    for words in questions(path):
        ours, theirs = runmark(*words, '--db', 'sqlite:' + path), runmark(*words, '--db', good.url)
        asked[words[0]] = asked.get(words[0], 0) + (ours.status == 0)
        tap.ok((ours.status, ours.out) == (theirs.status, theirs.out) and ours.status in (0, 1),
               'the same from both: ' + ' '.join(words), (ours.status, ours.err, theirs.status, theirs.err))
    tap.ok(all(asked[word] > 3 for word in ('find', 'show', 'job', 'report')), 'there was something to find', asked)
    return good


def check_words(path, good):
    wrong = []
    for option, word in itertools.product(OPTIONS, WORDS):
        ours, theirs = (runmark('find', '--since', '1970-01-02', '--format', 'csv', option, word, '--db', url)
                        for url in ('sqlite:' + path, good.url))
        if (ours.status, ours.out, ours.err) != (theirs.status, theirs.out, theirs.err) or ours.status == 3:
            wrong.append((option, word, ours.status, ours.err, theirs.status, theirs.err))
    tap.ok(not wrong, '%d odd words are names like others' % (len(OPTIONS) * len(WORDS)), wrong)


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
        ('no right to a table', url % ('half', good.name), right, 'runmark-access(7)'),
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


def check_own(server, good):
    """Who has no right to the site's database is shown the one of what is his own, if he has a right to that."""
    with contextlib.closing(server.connect('')) as connection:
        mariadb_twin.make_tables(connection, good.name + '_own')
        connection.query('INSERT INTO schema_version SELECT * FROM "%s".schema_version' % good.name)
        connection.query("CREATE USER 'own'@'localhost' IDENTIFIED BY 'right'")
        connection.query('GRANT SELECT ON "%s_own".* TO own@localhost' % good.name)
    for user, status, said in (('own', 1, b'; your own only'), ('root', 0, b'run')):
        result = runmark('find', '--since', '1970-01-02', '--db', good.url_of(user),
                         env={'RUNMARK_DB_PASSWORD': 'right'} if user == 'own' else None)
        tap.ok(result.status == status and said in result.err and (b'own' in result.err) == (user == 'own'),
               'what %s may read' % user, (result.status, result.err))
    result = runmark('doctor', '--db', good.url_of('own'), env={'RUNMARK_DB_PASSWORD': 'right'})
    tap.ok(b'your own runs only' in result.out, 'doctor says so', result.out)
    for command in (('report', 'software'), ('report', 'users', '--since', '1970-01-02'), ('report', 'coverage'), ('job', '1'),
                    ('show', '01a1fe59-8a5a-80e3-b1aa-854cda5bc14b')):
        said = [runmark(*command, *extra, '--db', good.url_of(user), env=env).err.count(b'of your own runs and links only\n')
                for user, env, extra in (('own', {'RUNMARK_DB_PASSWORD': 'right'}, ()), ('root', None, ()),
                                         ('own', {'RUNMARK_DB_PASSWORD': 'right'}, ('--format', 'json')))]
        tap.equal(said, [1, 0, 0], '%s: so does a table, to who may read no more, and to nobody else' % ' '.join(command))


def check_death(server, good):
    """The server is killed while an answer is printed: what came is whole lines, and it is said that it is not all."""
    wanted = runmark('find', '--since', '1970-01-02', '--format', 'json', '--db', good.url)
    tap.equal(wanted.status, 0, 'all runs are printed')
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
        good = check_loaded(server, folder)
        check_words(folder + '/good.db', good)
        check_messages(server, folder, good)
        check_own(server, good)
        check_stop(server, good)
        check_death(server, good)
    tap.done()


main()
