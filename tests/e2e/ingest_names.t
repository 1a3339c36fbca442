#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Paths get the software and module that the site's files say, when they are loaded and by --names, however these
files are, and however often it is killed."""
import glob
import os
import random
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap
from names_site import SPIDER, Site, spool_of

HASH = 'abcdefghijklmnopqrstuvwxyz234567'
# path: software, module by these
PATHS = {
    b'/usr/bin/python3.11': ('Python', None),
    b'/home/u/env/bin/python': ('Python', None),
    b'/home/u/bin/python (deleted)': ('Python', None),
    b'/home/u/software/Mine/1.0/bin/tool': (None, None),
    b'/apps/gcc/12.2/bin/gcc': (None, 'gcc/12.2'),
    b'/apps/gcc/12.2/bins/gcc': (None, None),
    b'/apps/mpi/lib/openmpi/\xff.so': (None, 'openmpi/4.1(gcc/12.2)'),
    b'/apps/special/bin/gmx_special': ('Our GROMACS', 'special/1.0'),
    b'/apps/special/bin/secret-tool': (None, 'special/1.0'),
    b'/apps/special/none/software/A/1.0/x': ('A', None),
    b'/e/software/GROMACS/2023.3-foss-2023a/bin/gmx_mpi': ('GROMACS', 'GROMACS/2023.3-foss-2023a'),
    b'/e/software/HPL/2.3-foss-2023a/bin/xhpl': ('HPL', 'HPL/2.3-foss-2023a'),
    b'/e/software/HPL/2.3-foss-2023a/bin/secret': (None, 'HPL/2.3-foss-2023a'),
    b'/s/linux-zen3/py-numpy-1.24.2-' + HASH.encode() + b'/lib/x.so': ('py-numpy', 'py-numpy/1.24.2'),
    b'/home/u/\x1b[31m"; DROP TABLE path; --': (None, None),
    b'/x': (None, None),
}


def add_paths(db, rows):
    """Rows of path, name, software and module, as no loader makes them."""
    with i.opened(db) as connection:
        for at in range(0, len(rows), 199):
            part = rows[at:at + 199]
            connection.execute('INSERT INTO path (path, name, software, module) VALUES ' +
                               ', '.join(['(?, ?, ?, ?)'] * len(part)), [value for row in part for value in row])
        if isinstance(connection, i.sqlite3.Connection):
            connection.commit()


def check_load(top, db):
    site = Site(top, db)
    done = site.run(spool_of(f'{top}/spool', PATHS))
    tap.ok(done.status == 0 and not done.err, 'paths are loaded, without a warning', done)
    found = site.names()
    wrong = {path: found.get(path) for path, want in PATHS.items() if found.get(path) != want}
    tap.ok(not wrong, f'{len(PATHS)} paths have the software and module that files and layouts say', wrong)
    done = site.run('--names')
    tap.ok(done.status == 1 and ' 0 changed' in done.out, '--names changes nothing then', done)

    site.put(software='gcc = GCC\n', spider=SPIDER.replace('4.1', '5.0'))
    spool_of(f'{top}/spool2', [b'/apps/gcc/12.2/bin/gcc', b'/new/gcc', b'/apps/mpi/lib/new.so'], 'n2')
    site.run(f'{top}/spool2')
    tap.equal([site.of(b'/apps/gcc/12.2/bin/gcc'), site.of(b'/new/gcc'), site.of(b'/apps/mpi/lib/new.so')],
              [(None, 'gcc/12.2'), ('GCC', None), (None, 'openmpi/5.0(gcc/12.2)')],
              'after a change new paths follow it, known ones stay')
    done = site.run('--names')
    # three pythons go to the next file, two gccs have a rule, one library another module, gmx_special and
    # HPL's secret no rule
    changed = {path for path, want in PATHS.items() if site.of(path) != want}
    tap.ok(done.status == 0 and f' {len(changed)} changed' in done.out and len(changed) == 8,
           '--names changes those that differ, and says how many', (done, changed))
    tap.equal([site.of(b'/usr/bin/python3.11'), site.of(b'/apps/gcc/12.2/bin/gcc')],
              [('Not asked', None), ('GCC', 'gcc/12.2')], 'the next file is asked where the first knows no rule')

    add_paths(site.db, [(b'/~0f3a/17', b'17', 'Kept', 'kept/1')])
    site.run('--names')
    tap.equal(site.of(b'/~0f3a/17'), ('Kept', 'kept/1'), 'what a pseudonym stands in front of keeps its names')
    for name in site.files:
        site.put(**{name: '{"reverseMapT":[]}' if name == 'spider' else ''})
    site.run('--names')
    tap.equal({path for path, names in site.names().items() if names != (None, None) and b'/~' not in path},
              {path for path in PATHS if b'/software/' in path and b'/home/' not in path or b'/s/' in path[:3]},
              'without rules only layouts tell names')


def check_faults():
    """No file of names stops a load; --names does nothing until it is mended."""
    python, gcc = b'/usr/bin/python3.11', b'/apps/gcc/12.2/bin/gcc'
    huge = '#' * 4097
    cases = [
        ('a rule without =', {'software': 'python* = Python\nwrong\n'}, ':2: the line has no =', python),
        ('a line that is too long', {'software': huge}, ':1: the line is longer than 4096 bytes', python),
        ('a table without a module', {'modules': '/apps/gcc\n'}, ':1: the line has no module', None),
        ('a map that is cut', {'spider': SPIDER[:-9]}, 'ends before its JSON does', gcc),
        ('a map that is Lua', {'spider': 'reverseMapT = {}\n'}, 'is no JSON', gcc),
        ('a map of brackets', {'spider': '{"reverseMapT":' + '[' * 1000000}, 'nested too deeply', gcc),
    ]
    for what, texts, why, lost in cases:
        with i.temporary() as top:
            site = Site(top)
            site.run(spool_of(f'{top}/first', [b'/first/python']))
            site.put(**texts)
            done = site.run(spool_of(f'{top}/a', PATHS), spool_of(f'{top}/b', [b'/b'], 'n2'))
            found = site.names()
            good = {path for path, want in PATHS.items() if found.get(path) == want}
            kept = gcc if lost == python else python
            tap.ok(done.status == 0 and done.counts.get('run') == len(PATHS) + 1 and done.err.count(why) == 1
                   and 'loading goes on' in done.err, f'{what}: one warning says it, all is loaded', done)
            tap.ok(kept in good and lost not in good, f'{what}: what the other files say is there', found)
            before = site.names()
            done = site.run('--names')
            tap.ok(done.status == 3 and why in done.err and site.names() == before,
                   f'{what}: --names fails and changes nothing', done)
            tap.ok(site.run('--check-names').status == 3, f'{what}: --check-names fails')
    with i.temporary() as top:
        site = Site(top)
        with open(site.conf, 'a', encoding='utf-8') as file:
            file.write('softwares = /x\n')
        done = site.run(spool_of(f'{top}/a', PATHS))
        tap.ok(done.status == 0 and 'did you mean software' in done.err and done.counts.get('run') == len(PATHS),
               'a configuration that is wrong: a warning, all is loaded', done)
        tap.equal(set(site.names().values()), {(None, None)}, 'without names')
    with i.temporary() as top:
        site = Site(top)
        os.unlink(site.files['spider'])
        done = site.run(spool_of(f'{top}/a', PATHS))
        tap.ok(done.status == 0 and 'spider: cannot be read: No such file' in done.err,
               'a file that is named and is not there: a warning', done)
        for name in site.files:
            with open(site.files[name], 'wb') as file:
                file.truncate(1 << 30)
            begin = time.monotonic()
            done = site.run('--check-names', preexec_fn=limit_memory)
            tap.ok(done.status == 3 and name in done.err and time.monotonic() - begin < 20,
                   f'{name} of 1 GiB of NULs is refused', done)
            site.put(**{name: ''})


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (192 << 20, 192 << 20))


def check_follow():
    """A loader that runs for months takes what has changed."""
    with i.temporary() as top:
        site = Site(top)
        spool = f'{top}/spool'
        spool_of(f'{top}/one', [b'/a/tool'], 'n1')
        spool_of(f'{top}/two', [b'/b/tool'], 'n2')
        os.mkdir(spool)
        child = subprocess.Popen([*site.program(), '--follow', spool], env=site.environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            found = []
            for folder, rules in (('one', 'tool = First\n'), ('two', 'tool = The second\n')):
                site.put(software=rules)
                for name in os.listdir(f'{top}/{folder}'):
                    os.rename(f'{top}/{folder}/{name}', f'{spool}/{name}')
                path = b'/a/tool' if folder == 'one' else b'/b/tool'
                deadline = time.monotonic() + 60
                while time.monotonic() < deadline:
                    try:
                        found.append(site.of(path))
                    except i.sqlite3.Error:
                        found.append(None)
                    if found[-1]:
                        break
                    time.sleep(0.05)
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(60)
        tap.equal([names for names in found if names], [('First', None), ('The second', None)],
                  '--follow takes rules that change while it runs')


def check_killed(top, db):
    site = Site(top, db)
    site.run('--migrate')
    add_paths(site.db, [(b'/p/%d/python' % n, b'python', None, None) for n in range(20011)])
    rng, kills, middle = random.Random(3), 0, 0
    named = "SELECT count(*) FROM path WHERE software = 'Python'"
    while kills < 23:
        child = subprocess.Popen([*site.program(), '--names'], env=site.environment(),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.01, 0.2))
        child.kill()
        if child.wait() != -signal.SIGKILL:
            break
        kills += 1
        middle += 0 < i.number(site.db, named) < 20011
    rest = 20011 - i.number(site.db, named)
    done = site.run('--names')
    tap.ok(middle > 0 and i.number(site.db, named) == 20011 and f' {rest} changed' in done.out,
           f'killed {kills} times, {middle} of them in the middle: the next does the rest, and no more', (rest, done))

    site.put(software='python* = Python again\n')
    loaders = [subprocess.Popen([*site.program(), spool_of(f'{top}/s{n}', PATHS, f'n{n}')],
                                env=site.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
               for n in range(3)]
    done = site.run('--names')
    errors = [loader.communicate(timeout=120)[1] + b'%d' % loader.returncode for loader in loaders]
    tap.ok(done.status == 0 and errors == [b'0'] * 3 and i.number(site.db, 'SELECT count(*) FROM run') == 3 * len(PATHS),
           'loaders go on meanwhile', (done, errors))
    tap.equal(i.number(site.db, "SELECT count(*) FROM path WHERE software = 'Python again'"), 20011 + 3,
              'and all have the new name')


def check_lmod():
    """A map that Lmod itself makes, in both forms."""
    spiders = glob.glob('/usr/share/lmod/*/libexec/spider') + glob.glob('/usr/share/lmod/lmod/libexec/spider')
    if not spiders:
        tap.skip('Lmod makes the map', 'Lmod is not installed')
        return
    with i.temporary() as top:
        site = Site(top, )
        site.put(modules='')
        for folder in ('mf/Core/gcc', 'mf/gcc12/openmpi', 'apps/gcc/bin', 'apps/gcc/lib64', 'apps/mpi "q"/lib'):
            os.makedirs(f'{top}/{folder}')
        with open(f'{top}/mf/Core/gcc/12.2.lua', 'w', encoding='utf-8') as file:
            file.write(f'prepend_path("PATH", "{top}/apps/gcc/bin")\n'
                       f'prepend_path("LD_LIBRARY_PATH", "{top}/apps/gcc/lib64")\n'
                       f'prepend_path("MODULEPATH", "{top}/mf/gcc12")\n')
        with open(f'{top}/mf/gcc12/openmpi/4.1.lua', 'w', encoding='utf-8') as file:
            file.write(f'prepend_path("LD_LIBRARY_PATH", [[{top}/apps/mpi "q"/lib]])\n')
        for form in ('xalt_rmapT', 'jsonReverseMapT'):
            text = subprocess.run([spiders[0], '-o', form, f'{top}/mf/Core'], stdout=subprocess.PIPE,
                                  env={'PATH': os.environ['PATH'], 'HOME': top}, check=True, text=True).stdout
            site.put(spider=text)
            done = [site.run('--explain-name', f'{top}/apps/{path}').out.split('\n')[1].split('\t')[0].split()[-1]
                    for path in ('gcc/bin/gcc', 'gcc/lib64/sub/x.so', 'mpi "q"/lib/libmpi.so', 'gcc/libexec/cc1')]
            tap.equal(done, ['gcc/12.2', 'gcc/12.2', 'openmpi/4.1(gcc/12.2)', '-'], f'spider -o {form} of Lmod is read')


def check_explain():
    with i.temporary() as top:
        site = Site(top)
        done = site.run('--explain-name', '/apps/special/bin/gmx_special')
        tap.equal((done.status, done.out.replace(top, '')),
                  (0, 'software  Our GROMACS\tby /software:3: */bin/gmx_special\n'
                      'module    special/1.0\tby /modules: /apps/special\n'), '--explain-name says by which line')
        done = site.run('--explain-name', '/e/software/HPL/2.3/bin/x')
        tap.ok(done.status == 0 and done.out.count("by EasyBuild's folders") == 2, 'or layout', done)
        tap.equal(site.run('--explain-name', '/x\x1b[0m').status, 1, 'and that nothing knows a path')
        done = site.run('--check-names')
        tap.ok(done.status == 0 and '3 patterns' in done.out and '2 paths' in done.out and '3 paths' in done.out,
               '--check-names counts what is there', done)
        done = site.run('--check-names', '--names')
        tap.ok(done.status == 2 and site.run('--names', f'{top}/x').status == 2, 'they take nothing but --db', done)


def check_shipped():
    """The rules that come with Runmark."""
    with i.temporary() as top:
        site = Site(top)
        with open('ingest/software.rules', encoding='utf-8') as file:
            site.put(software='', defaults=file.read())
        want = {'python3.11': 'Python', 'python': 'Python', 'pythonic': None, 'Rscript': 'R', 'java': 'Java', 'gmx_mpi': 'GROMACS',
                'lmp_serial': 'LAMMPS', 'vasp_std': 'VASP', 'pw.x': 'Quantum ESPRESSO', 'namd3': 'NAMD', 'cp2k.psmp': 'CP2K',
                'icoFoam': 'OpenFOAM', 'MATLAB': 'MATLAB', 'julia': 'Julia', 'perl5.36.0': 'Perl', 'a.out': None,
                'x86_64-linux-gnu-gcc-12': 'GCC', 'libc.so.6': 'glibc', 'libcudart.so.12': 'CUDA', 'ld': 'binutils'}
        found = {name: site.run('--explain-name', f'/x/{name}').out.split('\t')[0][10:] for name in want}
        tap.equal(found, {name: value or '-' for name, value in want.items()},
                  f'the shipped rules call {len(want)} programs as they are known')


with i.temporary() as all_tops, i.kinds(all_tops, 'names') as kinds:
    for kind in kinds:
        for check in (check_load, check_killed):
            with i.temporary(all_tops) as folder, tap.about(kind.name):
                check(folder, kind.new(os.path.basename(folder)))
check_faults()
check_follow()
check_lmod()
check_explain()
check_shipped()
tap.done()
