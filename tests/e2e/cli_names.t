#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark finds runs by software and module, and shows them."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli_tap
import ingest as i
from names_site import Site

tap = cli_tap.Tap()
PYTHON, GMX, TOOL, PLAIN = (b'/usr/bin/python3.11', b'/x/bin/gmx_mpi', b'/apps/special/bin/tool', b'/usr/bin/plain')
MPI, GCC = b'/apps/mpi/lib/libmpi.so.40', b'/apps/gcc/12.2/bin/liblto.so'
# program, its libraries
RUNS = [(PYTHON, ()), (PYTHON, (GCC,)), (GMX, (MPI, GCC)), (TOOL, (MPI,)), (PLAIN, ())]


def numbers(found):
    """Of a program in RUNS, with its libraries."""
    return sorted(next(n for n, (program, libraries) in enumerate(RUNS)
                       if run['exe']['path'].encode() == program
                       and [o['path'].encode() for o in run['objects'] or []] == list(libraries)) for run in found)


def find(db, *arguments):
    return cli_tap.runmark('find', '--db', f'sqlite:{db}', '--since', '2020-01-01', '--format', 'json', *arguments)


CASES = [
    (('--software', 'Python'), [0, 1]),
    (('--software', 'python'), [0, 1]),  # no such name: case is passed over
    (('--software', 'Pyth'), []),
    (('--software', 'g*'), [2]),
    (('--software', 'GROMACS', '--exe', 'python*'), []),
    (('--software', "x' OR 1=1 --"), []),
    (('--module', 'openmpi/4.1(gcc/12.2)'), [2, 3]),
    (('--module', 'openmpi/4.1'), [2, 3]),
    (('--module', 'openmpi'), [2, 3]),
    (('--module', 'OpenMPI'), [2, 3]),
    (('--module', 'openmpi/4'), []),
    (('--module', 'gcc'), [1, 2]),
    (('--module', 'special/1.0'), [3]),
    (('--module', '*/1.0'), [3]),
    (('--module', 'gcc', '--software', 'Python'), [1]),
    (('--module', ''), None),  # nothing, or what the others say of an empty text
]

with i.temporary() as top:
    site = Site(top)
    os.mkdir(f'{top}/spool')
    spool = i.Spool(f'{top}/spool')
    spool.open()
    for program, libraries in RUNS:
        members = spool.set(objects=[{'path': path.decode(), 'build_id': None, 'watermark': None} for path in libraries])
        run = spool.run(object_set=members)
        run['exe']['path'] = program.decode()
        spool.record('run', run)
    spool.close()
    done = site.run(f'{top}/spool')
    tap.ok(done.status == 0, 'runs are loaded', done)

    for arguments, want in CASES:
        result = find(site.db, *arguments)
        if want is None:
            tap.ok(result.status in (1, 2), 'find %s finds nothing' % ascii(arguments), result.status, result.err)
            continue
        tap.ok(result.status == (0 if want else 1) and numbers(result.json()) == want,
               'find %s: %d runs' % (ascii(arguments), len(want)), result.status, result.err, result.out)

    found = {run['exe']['path']: run for run in find(site.db).json()}
    tap.same([(found[path.decode()]['exe'].get('software'), found[path.decode()]['exe'].get('module'))
              for path in (PYTHON, GMX, TOOL, PLAIN)],
             [('Python', None), ('GROMACS', None), (None, 'special/1.0'), (None, None)],
             'JSON has software and module of the program')
    tap.ok('software' not in found[PLAIN.decode()]['exe'], 'only where they are known')
    tap.same([(o['path'], o.get('software'), o.get('module')) for o in found[GMX.decode()]['objects']],
             [(MPI.decode(), None, 'openmpi/4.1(gcc/12.2)'), (GCC.decode(), None, 'gcc/12.2')], 'and of libraries')
    result = cli_tap.runmark('find', '--db', f'sqlite:{site.db}', '--since', '2020-01-01', '--format', 'csv',
                             '--columns', 'software,module', '--exe', 'tool')
    tap.same(result.out, b'software,module\r\n,special/1.0\r\n', 'columns of CSV')
tap.done()
