#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# The way of a record through spool file, runmark-ingest and database: what runmark prints equals
# what was in the file.
import sys
sys.dont_write_bytecode = True
import glob
import json
import os
import shutil
import subprocess
import tempfile
from cli_tap import Tap, environment, runmark, without_nulls

INGEST = os.path.join(os.environ.get('BUILD', 'build'), 'bin/runmark-ingest')
tap = Tap()
dir_ = tempfile.mkdtemp(prefix='runmark-cli-')
spool, db = dir_ + '/spool', 'sqlite:' + dir_ + '/runmark.db'
subprocess.run(['tests/make-spool', spool, '--runs', '997', '--files', '5', '--hosts', '3',
                '--objects', '7', '--links', '23', '--starts', '31'],
               stdout=subprocess.DEVNULL, check=True)
runs, links, sets, ended = {}, {}, {}, set()
for name in sorted(glob.glob(spool + '/*.jsonl')):
    with open(name, encoding='utf-8') as file:
        for record in map(json.loads, file):
            kind = record['schema'].split('.')[1].split('/')[0]
            if kind == 'set':
                sets[record['hash']] = record
            elif kind == 'link':
                links[record['link_id']] = record
            elif kind == 'run' or kind == 'start' and record['run_id'] not in runs:
                runs[record['run_id']] = record
done = subprocess.run([INGEST, '--db', db, spool], env=environment(), stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT, check=False)
tap.same(done.returncode, 0, 'the spool is loaded')


def plain(record):
    """Without nulls, and without the job's own cgroup: the database holds one a run."""
    record = without_nulls(record)
    record.get('job', {}).pop('cgroup', None)
    return record


def filled(run):
    objects, env = sets.get(run['object_set']), sets.get(run['env_set'])
    return plain(dict(run, objects=objects and objects['objects'], env=env and env['env'],
                      env_b64=env and env.get('env_b64')))


result = runmark('find', '--since', '1970-01-01', '--format', 'json', '--db', db)
found = {run['run_id']: plain(run) for run in result.json()}
tap.same(sorted(found), sorted(runs), 'every run once')
wrong = [(name, found[run_id].get(name), filled(run).get(name)) for run_id, run in runs.items()
         for name in set(found[run_id]) | set(filled(run))
         if found[run_id].get(name) != filled(run).get(name)]
tap.same(wrong[:5], [], 'equal to what the spool holds')

wrong = []
for link in links.values():
    answer = json.loads(runmark('show', '--format', 'json', link['watermark'], '--limit', '1',
                                '--db', db).out)
    for got in answer['links']:
        del got['verified']
        if plain(got) != plain(links[got['link_id']]):
            wrong.append((got, links[got['link_id']]))
tap.same(wrong[:2], [], 'links too')
users = {run['user'] for run in runs.values()}
for user in sorted(users, key=str)[:3]:
    result = runmark('find', '--since', '1970-01-01', '--user', str(user), '--format', 'json',
                     '--columns', 'run_id', '--db', db)
    tap.same(len(result.json()), sum(run['user'] == user for run in runs.values()),
             'the runs of %s' % user)
result = runmark('find', '--since', '1970-01-01', '--limit', '0', '--ranks', '--db', db)
tap.same(result.out.count(b'\n'), len(runs) + 1, 'a table of them all')

shutil.rmtree(dir_)
tap.done()
