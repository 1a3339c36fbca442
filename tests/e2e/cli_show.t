#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark show: runs, watermarks and files; joins that are verified, conflicts, hostile text.
import sys
sys.dont_write_bytecode = True
import json
import os
import shutil
import struct
import tempfile
import time
import uuid
from cli_database import Database, HOSTILE, Records, slurm
from cli_tap import Tap, control_characters, on_terminal, runmark, without_nulls

tap = Tap()
dir_ = tempfile.mkdtemp(prefix='runmark-cli-')
db_path = os.path.join(dir_, 'show.db')
DB = ['--db', 'sqlite:' + db_path]
A, B, C, D = 'aa' * 20, 'bb' * 20, 'cc' * 16, 'dd' * 8


def watermark(number):
    return str(uuid.UUID(int=(0x01a1fd85696d7000 << 64) | (1 << 63) | number))


PLAIN, FORGED, TWICE, LIBRARY, UNUSED, HOSTILE_W, BOTH = map(watermark, range(7))
ZERO = str(uuid.UUID(int=0))


def note(owner, kind, data):
    owner += b'\0'
    return struct.pack('<III', len(owner), len(data), kind) + owner.ljust(-(-len(owner) // 4) * 4,
                                                                          b'\0') + data


def elf(name, stamp=None, build_id=None):
    """A small ELF file with these notes in a PT_NOTE segment."""
    notes = b''
    if build_id:
        notes += note(b'GNU', 3, bytes.fromhex(build_id))
    if stamp:
        notes += note(b'RunmarkNote', 1, uuid.UUID(stamp).bytes)
    head = b'\x7fELF\2\1\1' + bytes(9) + struct.pack(
        '<HHIQQQIHHHHHH', 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    head += struct.pack('<IIQQQQQQ', 4, 4, 120, 120, 120, len(notes), len(notes), 4)
    path = os.path.join(dir_, name)
    with open(path, 'wb') as file:
        file.write(head + notes)
    return path


made = Records(int(time.time() * 1e6))
usual = made.objects({'path': b'/usr/lib/libc.so.6', 'build_id': C})
with_library = made.objects({'path': b'/home/alice/libmine.so', 'build_id': D,
                             'watermark': LIBRARY}, {'path': b'/usr/lib/libc.so.6'})
env = made.env(LOADEDMODULES=b'gcc/12', EMPTY=b'', **{'V_' + n: d for n, d in HOSTILE.items()})
inputs = [{'path': b'/tmp/cc.o'}, {'path': b'/usr/lib/libm.a', 'kind': 'archive'},
          {'path': b'/usr/lib/libc.so.6', 'kind': 'shared', 'build_id': C}]
links = [
    made.link(watermark=PLAIN, build_id=A, ago_s=9000, inputs=inputs, job=slurm('7', '0')),
    made.link(watermark=FORGED, build_id=A, ago_s=8000),
    made.link(watermark=FORGED, build_id=B, ago_s=7000, user='mallory'),
    made.link(watermark=TWICE, build_id=A, ago_s=6000),
    made.link(watermark=TWICE, build_id=A, ago_s=5000, user='bob'),
    made.link(output=b'/home/alice/libmine.so', watermark=LIBRARY, build_id=D, ago_s=4000),
    made.link(watermark=UNUSED, build_id=A, ago_s=3900, compiler=None, driver=None, inputs=()),
    made.link(watermark=watermark(9), build_id=None, output=b'/home/alice/vanished', ago_s=3800),
]
links += [made.link(watermark=HOSTILE_W, build_id=A, output=b'/h/' + data, cwd=data,
                    argv=(b'gcc', data, data + b' ' + data), inputs=[{'path': data}],
                    modules=data.decode(errors='replace'), ago_s=3700 - i)
          for i, data in enumerate(HOSTILE.values())]
plain = [made.run(exe=b'/home/alice/a.out', watermark=PLAIN, build_id=A, ago_s=50 * i + 10,
                  objects=usual, env=env, elapsed_s=i + 0.125) for i in range(23)]
forged = [made.run(exe=b'/home/alice/a.out', watermark=FORGED, build_id=A, ago_s=31),
          made.run(exe=b'/home/mallory/evil', watermark=FORGED, build_id=B, ago_s=30),
          made.run(exe=b'/home/mallory/other', watermark=FORGED, build_id=C, ago_s=29)]
twice = [made.run(exe=b'/home/bob/a.out', watermark=TWICE, build_id=A, ago_s=28)]
library = [made.run(exe=b'/usr/bin/python3', build_id=B, objects=with_library, ago_s=27)]
unstamped = [made.run(exe=b'/usr/bin/ls', build_id=C, ago_s=26 - i) for i in range(3)]
bare = [made.run(exe=os.fsencode(dir_) + b'/bare', ago_s=20)]
vanished = [made.run(exe=b'/home/alice/vanished (deleted)', ago_s=19)]
hostile = [made.run(exe=b'/h/' + data, argv=(data,), cwd=data, script=data, watermark=HOSTILE_W,
                    build_id=B, env=env, objects=made.objects({'path': data}),
                    ago_s=18, cgroup=None, user=data.decode(errors='replace') or None)
           for data in HOSTILE.values()]
# A run whose id is also a watermark that somebody stamped
both = [made.run(exe=b'/bin/victim', ago_s=5)]
evil = made.run(exe=b'/home/mallory/shadow', watermark=both[0]['run_id'], build_id=B, ago_s=4)
runs = plain + forged + twice + library + unstamped + bare + vanished + hostile + both + [evil]
database = Database(db_path)
for record in made.sets + links + runs:
    database.put(record)
database.close()
sets = {record['hash']: record for record in made.sets}


def show(*args):
    result = runmark('show', '--format', 'json', *args, *DB)
    return (json.loads(result.out) if result.out else None), result


def run_ids(answer):
    return [run['run_id'] for run in answer['runs']]


def verdicts(answer, what):
    return [record['verified'] for record in answer[what]]


def of(records):
    return [record['run_id'] for record in sorted(records, key=lambda r: r['start'])]


# A run by its id
answer, result = show(plain[3]['run_id'])
wanted = dict(plain[3], objects=usual['objects'], env=env['env'], env_b64=env['env_b64'])
got = {name: value for name, value in answer['runs'][0].items() if name != 'verified'}
tap.same(without_nulls(got), without_nulls(wanted), 'a run by its id, as its record')
tap.same((verdicts(answer, 'runs'), verdicts(answer, 'links'), result.status),
         ([True], [True], 0), 'with its verified link')
tap.same(answer['program'], {'path': '/home/alice/a.out', 'watermark': PLAIN,
                             'watermark_state': 'stamped', 'build_id': A}, 'and its program')
got = {name: value for name, value in answer['links'][0].items() if name != 'verified'}
tap.same(without_nulls(got), without_nulls(links[0]), 'the link equals the record put in')
answer, result = show(links[6]['watermark'])
got = {name: value for name, value in answer['links'][0].items() if name != 'verified'}
tap.same(without_nulls(got), without_nulls(links[6]), 'so does one without compiler and driver')
answer, result = show(both[0]['run_id'])
tap.same(run_ids(answer), [both[0]['run_id']], "a stamped watermark can't hide a run of that id")

# Watermarks
cases = [  # what is asked, runs, verdicts of links, of runs, conflict
    ('plain', PLAIN, plain, [True], [True] * 23, False),
    ('upper case', PLAIN.upper(), plain, [True], [True] * 23, False),
    ('forged', FORGED, forged, [True, True], [True, True, False], True),
    ('linked twice', TWICE, twice, [True, True], [True], False),
    ('of a library', LIBRARY, library, [None], [True], False),
    ('never run', UNUSED, [], [None], [], False),
]
for name, mark, wanted, of_links, of_runs, conflict in cases:
    answer, result = show(mark)
    tap.same((run_ids(answer), verdicts(answer, 'links'), verdicts(answer, 'runs'),
              answer['conflict'], answer['runs_total'], answer['links_total'], result.status),
             (of(wanted), of_links, of_runs, conflict, len(wanted), len(of_links), 0),
             'by watermark: ' + name)

# Files
files = [  # file, runs, links, verdicts of links, of runs
    ('stamped', elf('stamped', PLAIN, A), plain, [links[0]], [True], [True] * 23),
    ('another program of that watermark', elf('forged', FORGED, B), forged, links[1:3],
     [False, True], [True, True, False]),
    ('a library', elf('libmine.so', LIBRARY, D), library, [links[5]], [True], [True]),
    ('not linked by us', elf('foreign', None, C), unstamped + forged[2:] + plain, [], [], None),
    ('zeros for a stamp', elf('zeros', ZERO, C), unstamped + forged[2:] + plain, [], [], None),
    ('nothing in it', elf('bare'), bare, [], [], [None]),
    ('gone', '/home/alice/vanished', vanished, [links[7]], [None], [None]),
]
states = {'stamped': 'stamped', 'not linked by us': 'none', 'zeros for a stamp': 'unstamped',
          'nothing in it': 'none', 'gone': 'unknown'}
for name, path, wanted, of_links, link_verdicts, run_verdicts in files:
    answer, result = show(path)
    tap.same((sorted(run_ids(answer)), [link['link_id'] for link in answer['links']],
              verdicts(answer, 'links'), result.status, answer['program']['path']),
             (sorted(of(wanted)), [link['link_id'] for link in of_links], link_verdicts, 0, path),
             'by file: ' + name)
    if run_verdicts is not None:
        tap.same(verdicts(answer, 'runs'), run_verdicts, 'verdicts of the runs')
    if name in states:
        tap.same(answer['program']['watermark_state'], states[name], 'and what it is')
os.symlink('stamped', os.path.join(dir_, 'name'))
os.chdir(dir_)
answer, result = show('./name')
tap.same((answer['program']['path'], len(answer['runs'])), (dir_ + '/stamped', 23),
         'by a symbolic link in this directory')
shutil.copy('stamped', PLAIN)
tap.same(show('./' + PLAIN)[0]['program']['path'], os.path.join(dir_, PLAIN),
         './UUID is a file')
os.chdir('/')

# Limits
answer, result = show('--limit', '5', PLAIN)
tap.same((run_ids(answer), answer['runs_total']), (of(plain)[-5:], 23),
         'the newest, and how many there are')
result = runmark('show', PLAIN, *DB)
tap.ok(b'\n23 runs, the newest 20:\n' in result.out, 'a table says so too', result.out)
tap.same(result.out.count(b'verified'), 1 + 20, 'and marks what is verified')
for options, count in (([], 20), (['--limit', '0'], 23), (['--limit', '7'], 7)):
    out = runmark('show', PLAIN, *options, *DB).out.decode()
    tap.same(sum(run in out for run in of(plain)), count, 'table with %s' % options)
result = runmark('show', HOSTILE_W, *DB)
tap.ok(b'%d more links' % (len(HOSTILE) - 5) in result.out, 'links have a limit too', result.out)

# People's form
result = runmark('show', FORGED, *DB)
tap.ok(b'CONFLICT' in result.out and b'mallory' in result.out, 'a conflict is said', result.out)
tap.ok(b'CONFLICT' not in runmark('show', TWICE, *DB).out, 'a reproducible build is none')
for name, what in (('a run', hostile[0]['run_id']), ('a watermark', HOSTILE_W)):
    for run in hostile if name == 'a run' else hostile[:1]:
        result = runmark('show', run['run_id'] if name == 'a run' else what, *DB)
        if control_characters(result.out) or result.status:
            tap.same((control_characters(result.out), result.status), ([], 0), 'safe: ' + name)
    tap.ok(True, 'hostile text of %s is safe for a terminal' % name)
for columns in (60, 100):
    tap.same(control_characters(on_terminal(columns, 'show', HOSTILE_W, *DB).out), [],
             'also on one of %d columns' % columns)
out = runmark('show', plain[0]['run_id'], *DB).out.decode()
tap.ok(all(text in out for text in ('/usr/lib/libc.so.6', 'LOADEDMODULES=gcc/12', PLAIN, A,
                                    'V_latin1=caf\\xe9 \\xff\\xfe', 'GNU ld 2.40')),
       'a run in full', out)
out = json.dumps(show(HOSTILE_W)[0])
tap.same(control_characters(out.encode()), [], 'JSON is safe as well')

# Exit statuses
script = os.path.join(dir_, 'script')
with open(script, 'w') as file:
    file.write('#!/bin/sh\n')
os.mkfifo(os.path.join(dir_, 'fifo'))
with open(os.path.join(dir_, 'short'), 'wb') as file:
    file.write(b'\x7fELF')
statuses = [
    ([watermark(77)], 1, b''),
    ([elf('unknown', watermark(78), A)], 1, b''),
    ([], 2, b'is missing'),
    ([''], 2, b'is empty'),
    ([PLAIN, PLAIN], 2, b'takes one'),
    (['--format', 'csv', PLAIN], 2, b'takes table or json'),
    (['nowhere'], 3, b'is no UUID, and there is no such file'),
    ([script], 3, b'is no ELF file'),
    ([dir_], 3, b'no regular file'),
    ([os.path.join(dir_, 'fifo')], 3, b'no regular file'),
    ([os.path.join(dir_, 'short')], 3, b''),
    ([PLAIN + '0'], 3, b'is no UUID'),
]
for args, status, said in statuses:
    result = runmark('show', *args, *DB)
    tap.ok(result.status == status and said in result.err,
           'status %d: %s' % (status, args[0] if args else ''), result.status, result.err)
tap.same(runmark('show', PLAIN, '--db', 'sqlite:/nowhere').status, 3, 'status 3: no database')
told = runmark('show', os.path.join(dir_, 'stamped'), '--db', 'sqlite:/nowhere')
tap.same((told.status, PLAIN.encode() in told.out, A.encode() in told.out), (3, True, True), 'and what the file itself says')
told = runmark('show', '/bin/sh', '--db', 'sqlite:/nowhere', '--format', 'json')
tap.same(list(json.loads(told.out)['program']), ['path', 'watermark', 'watermark_state', 'build_id', 'compilers'], 'as JSON, too')
tap.same(runmark('show', '/etc/passwd', '--db', 'sqlite:/nowhere').out, b'', 'nothing of what is no program')

shutil.rmtree(dir_)
tap.done()
