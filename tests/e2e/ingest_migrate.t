#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A database of an older schema is brought up to date with all that is in it, and is then as one that
# was made anew.
import sys
sys.dont_write_bytecode = True
import os
import sqlite3
import cli_tap
import ingest
import tap

FIRST = 'schema/sqlite/0001_initial.sql'


def schema(db):
    """Tables, views and indexes by name: columns, or the text."""
    found = {}
    for row in ingest.query(db, "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"):
        found[row['name']] = sorted(c['name'] for c in ingest.query(
            db, "SELECT name FROM pragma_table_xinfo(?)", row['name'])) if row['type'] == 'table' else row['sql']
    return found


def old_database(path):
    with sqlite3.connect(path) as connection:
        with open(FIRST) as file:
            connection.executescript(file.read())
        connection.execute("INSERT INTO schema_version VALUES (1, 0, '0.1.0')")
        connection.execute("INSERT INTO host VALUES (1, 'c1', 'n001')")
        connection.execute("INSERT INTO node_record (instance, seq, host, event, time_us) "
                           "VALUES (1, 1, 1, 'start', 17)")
    connection.close()


with ingest.temporary() as work:
    new, old, spool = work + '/new.db', work + '/old.db', work + '/spool'
    os.mkdir(spool)
    ingest.generate(spool, '--runs', 97)
    tap.equal(ingest.ingest(new, spool).status, 0, 'a new database is made')
    versions = [row['version'] for row in ingest.query(new, 'SELECT version FROM schema_version ORDER BY 1')]
    tap.ok(versions == list(range(1, len(versions) + 1)) and len(versions) > 1, 'with every migration', versions)

    old_database(old)
    asked = cli_tap.runmark('find', '--db', 'sqlite:' + old)
    tap.ok(asked.status == 3 and b'--migrate' in asked.err, 'runmark says how to migrate', asked.err)
    tap.equal(ingest.ingest(old, '--migrate').status, 0, '--migrate')
    tap.equal(schema(old), schema(new), 'the schema is that of a new database')
    tap.equal(ingest.number(old, 'SELECT count(*) FROM node_record WHERE time_us = 17 AND booted_us IS NULL'), 1,
              'what was in it is there')
    with sqlite3.connect(old) as connection:
        connection.execute('DELETE FROM node_record')  # it has an instance of ours
    connection.close()
    tap.equal(ingest.ingest(old, spool).status, 0, 'it is loaded')
    tap.equal(ingest.dump(old)['runs'], ingest.dump(new)['runs'], 'with the same runs')

    loaded = work + '/loaded.db'
    old_database(loaded)
    tap.equal(ingest.ingest(loaded, spool).status, 0, 'loading alone migrates, too')
    tap.equal(cli_tap.runmark('find', '--db', 'sqlite:' + loaded, '--since', '2026-11-20').status, 0, 'and is asked')
tap.done()
