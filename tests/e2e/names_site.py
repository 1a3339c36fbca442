# SPDX-License-Identifier: BSD-2-Clause
"""A site with rules, a table and a map for names, and spools of given paths: for the tests of names."""
import os
import random
import subprocess
import ingest as i

RULES = '''# the site's
python* = Python
*/bin/gmx_special = Our GROMACS
secret* = -
'''
DEFAULTS = 'gmx* = GROMACS\npython* = Not asked\n'
MODULES = '''/apps/special special/1.0
/apps/special/none -
'''
SPIDER = '''{"xlibmap":[],"reverseMapT":{"\\/apps\\/gcc\\/12.2\\/bin":"gcc\\/12.2",
"\\/apps\\/mpi\\/lib":"openmpi\\/4.1(gcc\\/12.2)","\\/apps\\/special\\/bin":"never\\/asked"}}'''


class Site:
    """A configuration with its four files, and a database."""

    def __init__(self, top, db=None):
        self.top, self.db, self.conf = top, db or f'{top}/db', f'{top}/conf'
        self.files = {name: f'{top}/{name}' for name in ('software', 'defaults', 'modules', 'spider')}
        self.put(software=RULES, defaults=DEFAULTS, modules=MODULES, spider=SPIDER)
        with open(self.conf, 'w', encoding='utf-8') as file:
            file.write('[names]\n' + ''.join(f'{key} = {path}\n' for key, path in self.files.items()))

    def put(self, **texts):
        for name, text in texts.items():
            with open(self.files[name], 'w', encoding='utf-8') as file:
                file.write(text)

    def environment(self):
        return {**i.environment(), 'RUNMARK_CONF': self.conf}

    def program(self):
        return [i.INGEST, '--db', i.url_of(self.db)]

    def run(self, *arguments, **options):
        return i.Result(subprocess.run([*self.program(), *arguments], text=True, errors='replace', stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=self.environment(), **options))

    def names(self):
        return {bytes(row['path']): (row['software'], row['module'])
                for row in i.query(self.db, 'SELECT path, software, module FROM path')}

    def of(self, path):
        return self.names().get(path)


def spool_of(folder, paths, host='n1'):
    """A file with a run of each path, and each as one of the objects of a set."""
    os.makedirs(folder, exist_ok=True)
    spool = i.Spool(folder, host=host, rng=random.Random(os.path.basename(folder) + host))
    spool.open()
    objects = []
    for path in paths:
        entry = {'build_id': None, 'watermark': None}
        i.put_text(entry, 'path', path)
        objects.append(entry)
    members = spool.set(objects=objects)
    for path in paths:
        run = spool.run(object_set=members)
        i.put_text(run['exe'], 'path', path)
        spool.record('run', run)
    spool.close()
    return folder
