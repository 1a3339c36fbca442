#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A database whose tables hold what none of ours does, as one that others may write or that was mended by hand: runmark
# says in a sentence that it makes no sense, or leaves it out, and never dies of it.
import sys
sys.dont_write_bytecode = True
import contextlib
import ingest
import mariadb
import mariadb_twin
import tap
from cli_tap import runmark

# What one table is made of: a type for all of its columns, and their value.
COLUMNS = (('BIGINT', 'NULL'), ('TEXT', "'x'"), ('DOUBLE', '1e300'), ('BIGINT UNSIGNED', '18446744073709551615'),
           ('MEDIUMBLOB', "repeat('y', 70001)"), ('DATETIME', "'2026-01-01 01:01:01'"), ('BIGINT', '-1'))
TABLES = ('run', 'run_view', 'run_group', 'run_group_view', 'host', 'node_record', 'spool_file', 'program', 'path',
          'object_set_member', 'env_set_member', 'job', 'accounting', 'link_view')
# Columns by which a row is found stay right: else nobody would read the others.
KEPT = {'run_id': ('BINARY(16)', '(SELECT min(run_id) FROM good.run)'),
        'group_id': ('BINARY(16)', '(SELECT min(group_id) FROM good.run_group)'),
        'start_us': ('BIGINT', '(SELECT min(start_us) FROM good.run)')}
QUESTIONS = (
    ('find', '--since', '1970-01-02', '--format', 'json', '--limit', '0'), ('find', '--since', '1970-01-02', '--exe', '*'),
    ('report', 'coverage', '--since', '300d'), ('show', '/usr/bin/bash'), ('job', '1000'))


def make_views(connection):
    connection.query('CREATE DATABASE odd')
    connection.query('USE odd')
    for (name,) in connection.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'good' "
                                    "AND table_name NOT LIKE 'xalt%'"):
        connection.query('CREATE VIEW "%s" AS SELECT * FROM good."%s"' % (name, name))


def make_odd(connection, table, kind, value):
    columns = [row[0] for row in connection.query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'good' AND table_name = ? "
        'ORDER BY ordinal_position', table)]
    made = [KEPT.get(name, (kind, value)) for name in columns]
    connection.query('CREATE OR REPLACE TABLE "%s" (%s)' % (
        table, ', '.join('"%s" %s' % (name, it[0]) for name, it in zip(columns, made))))
    for _ in range(2):
        connection.query('INSERT INTO "%s" SELECT %s' % (table, ', '.join(it[1] for it in made)))


def ask(url):
    """What went wrong with the answers."""
    for words in QUESTIONS:
        result = runmark(*words, '--db', url)
        lines = result.err.decode().splitlines()
        if result.status not in (0, 1, 3) or (result.status == 3 and not lines) or '()' in result.err.decode():
            yield words, result.status, lines[-3:]


def main():
    if mariadb.missing():
        tap.skip('MariaDB', mariadb.missing())
        tap.done()
    with ingest.temporary() as folder, mariadb.server(folder + '/server') as server:
        ingest.generate(folder + '/spool', '--runs', 53, '--files', 2, '--hosts', 2, '--links', 7, '--groups', 3)
        ingest.ingest(folder + '/a.db', folder + '/spool')
        with contextlib.closing(server.connect('')) as connection:
            mariadb_twin.copy(folder + '/a.db', connection, 'good')
            make_views(connection)
            for table in TABLES:
                wrong = []
                connection.query('DROP VIEW "%s"' % table)
                for kind, value in COLUMNS:
                    make_odd(connection, table, kind, value)
                    wrong += [(kind, value, *it) for it in ask(mariadb.Database(server, 'odd').url)]
                connection.query('DROP TABLE "%s"' % table)
                connection.query('CREATE VIEW "%s" AS SELECT * FROM good."%s"' % (table, table))
                tap.ok(not wrong, 'odd values in ' + table, '\n'.join(map(repr, wrong)))
    tap.done()


main()
