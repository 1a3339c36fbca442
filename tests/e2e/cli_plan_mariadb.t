#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# MariaDB answers runmark along its indexes: while every way to ask is asked of a database that was just filled, so
# that the optimizer knows little of it, the server notes which statements read a table from end to end. They may where
# that is little more than what they give.
import sys
sys.dont_write_bytecode = True
import contextlib
import re
import uuid
import ingest
import mariadb
import mariadb_twin
import tap
from cli_tap import runmark

RUNS, DAYS = 10007, 30
SPARE = 257  # rows that a statement may look at besides three times what it gives
# Statements that may read a table from end to end: a glob that begins with * has no beginning to look up; what an
# index counted stands in a table of its own for a moment; and the greatest pages are most of a table as small as here.
WHOLE = (r'SELECT id, path FROM path$', r'.* FROM run WHERE .* LIMIT (4096|8192)$',
         r'SELECT count\(\*\) FROM \(SELECT 1 .* AS counted$')
SETTINGS = ("log_output = 'TABLE'", 'long_query_time = 0', "log_slow_filter = 'full_scan,full_join'",
            'slow_query_log = 1')


def questions(path):
    with ingest.opened(path) as db:
        def one(sql):
            return db.execute(sql).fetchone()[0]
        run_id = uuid.UUID(bytes=one('SELECT run_id FROM run LIMIT 1'))
        user = one('SELECT name FROM user_name LIMIT 1')
        job = one('SELECT job_id FROM job LIMIT 1')
        watermark = uuid.UUID(bytes=one("SELECT watermark FROM program WHERE watermark <> x'' LIMIT 1"))
        build_id = one("SELECT build_id FROM program WHERE build_id <> x'' LIMIT 1").hex()
        program = one("SELECT p.path FROM path p JOIN program g ON g.path = p.id LIMIT 1").decode()
        library = one('SELECT p.path FROM path p JOIN object o ON o.path = p.id LIMIT 1').decode()
    find = ('find', '--since', '%dd' % DAYS, '--limit', '7')
    filters = ((), ('--user', user), ('--user', '1000'), ('--job', job), ('--job', job + '_1'), ('--job', job + '.0'),
               ('--exe', program), ('--exe', program.rsplit('/', 1)[1]), ('--exe', '/usr/*'), ('--exe', '*sh'),
               ('--lib', library), ('--lib', 'libc.so.6'), ('--lib', 'libm*'), ('--watermark', str(watermark)),
               ('--build-id', build_id), ('--failed',), ('--signal', '9'), ('--host', 'n01*'), ('--running',),
               ('--container', 'podman'), ('--sluid', 's0'), ('--user', user, '--exe', 'bash', '--failed'))
    yield from ((*find, *words) for words in filters)
    yield from (('find', '--since', '1h', *words) for words in filters[:4])
    yield 'find', '--since', '%dd' % DAYS, '--format', 'json', '--limit', '0'
    yield from (('show', str(word)) for word in (run_id, watermark, program))
    yield 'job', job
    yield 'report', 'coverage', '--since', '%dd' % DAYS
    yield 'doctor',


def noted(server):
    """(rows looked at, rows given, statement) of what was read from end to end and should not."""
    with contextlib.closing(server.connect('mysql')) as connection:
        for looked, gave, text in connection.query('SELECT rows_examined, rows_sent, sql_text FROM slow_log'):
            text = re.sub(r'\s+', ' ', text.decode(errors='replace') if isinstance(text, bytes) else text)
            if looked > SPARE + 3 * gave and not any(re.match(may, text) for may in WHOLE):
                yield looked, gave, text


def main():
    if mariadb.missing():
        tap.skip('MariaDB', mariadb.missing())
        tap.done()
    with ingest.temporary() as folder, mariadb.server(folder + '/server') as server:
        path = folder + '/a.db'
        ingest.generate(folder + '/spool', '--runs', RUNS, '--files', 31, '--hosts', 31, '--days', DAYS,
                        '--links', 499, '--groups', 101)
        ingest.ingest(path, folder + '/spool')
        with contextlib.closing(server.connect('')) as connection:
            mariadb_twin.copy(path, connection, 'planned')
        url = mariadb.Database(server, 'planned').url
        for words in questions(path):
            with contextlib.closing(server.connect('mysql')) as connection:
                connection.query('TRUNCATE slow_log')
                for setting in SETTINGS:
                    connection.query('SET GLOBAL ' + setting)
            result = runmark(*words, '--db', url)
            with contextlib.closing(server.connect('mysql')) as connection:
                connection.query('SET GLOBAL slow_query_log = 0')
            wrong = list(noted(server))
            is_asked = b'can be read' in result.out if words[0] == 'doctor' else result.status in (0, 1)
            tap.ok(is_asked and not wrong, 'along indexes: ' + ' '.join(words), (result.err, wrong))
    tap.done()


main()
