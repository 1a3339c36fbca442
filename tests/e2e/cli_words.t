#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# What is said about runmark agrees with runmark: help, manual and completion name every command,
# option and column, and no others.
import sys
sys.dont_write_bytecode = True
import os
import re
import shutil
import subprocess
from cli_tap import RUNMARK, Tap, environment, runmark

tap = Tap()
help_ = runmark('--help')
commands = re.findall(r'^  ([a-z]+) ', help_.out.decode(), re.M)
tap.same((help_.status, commands), (0, ['find', 'show', 'job', 'report', 'tail', 'status', 'doctor', 'run', 'help']),
         'commands')
tap.same(runmark('--version').out, b'runmark 0.1.0\n', 'version')
reports = re.findall(r'^  ([a-z-]+) .*\n +by ([a-z, -]+)$', runmark('help', 'report').out.decode(), re.M)
tap.same([name for name, _ in reports], ['software', 'libraries', 'users', 'compilers', 'linkers', 'self-built', 'bins',
                                         'failures', 'jobs', 'coverage'], 'reports')
options = {}
for command in commands[:-1]:
    result = runmark(command, '--help')
    tap.same((result.out, result.status), (runmark('help', command).out, 0),
             'runmark %s --help is runmark help %s' % (command, command))
    options[command] = re.findall(r'^  (--[a-z-]+)', result.out.decode(), re.M)

wrong = [
    ([], 2, b'usage: runmark COMMAND'),
    (['fnd'], 2, b'nearest is find'),
    (['dcotor'], 2, b'nearest is doctor'),
    (['quux'], 2, b'there is no command "quux" (see'),
    (['\x1b[31m'], 2, b'\\e[31m'),
    (['help', 'shw'], 2, b'nearest is show'),
    (['--db', 'x', 'find'], 2, b'options stand behind the command'),
    ([''], 2, b'there is no command ""'),
]
for args, status, said in wrong:
    result = runmark(*args)
    tap.ok(result.status == status and said in result.err and not result.out,
           'wrong: %s' % ascii(args), result.status, result.err)

# The manual; runmark run has its own
own = options.pop('run')
with open('userspace/man/runmark-run.1') as file:
    manual = file.read()
tap.same(sorted({'-' + name for name in re.findall(r'^\.Op Fl (-[a-z-]+)', manual, re.M)} | {'--help'}), sorted(own),
         'the manual has the options of run')
tap.same(sorted('-' + name for name in re.findall(r'^\.It Fl (-[a-z-]+)', manual, re.M)), sorted(own), 'and describes each')
with open('userspace/man/runmark.1') as file:
    manual = file.read()
synopsis = manual.split('.Sh SYNOPSIS')[1].split('.Sh DESCRIPTION')[0]
for command in options:
    part = synopsis.split('.Cm %s\n' % command)[1].split('.Nm')[0]
    named = {'-' + name for name in re.findall(r'Fl (-[a-z-]+)', part)} | {'--help'}
    tap.same(sorted(named), sorted(options[command]), 'the manual has the options of ' + command)
described = set(re.findall(r'^\.It Fl (-[a-z-]+)', manual, re.M))
tap.same(sorted('-' + name for name in described),
         sorted({name for names in options.values() for name in names} | {'--version'}),
         'and describes each')
for name, views in reports:
    part = re.search(r'^\.Ss %s\n(.*?)^\.S[hs] ' % name, manual, re.M | re.S).group(1)
    tap.same(sorted(re.findall(r'Fl -by Cm ([a-z-]+)(?= ,|\n)', ''.join(re.findall(r'(?m)^\.It .*\n', part)))),
             sorted(views.split(', ')), 'the manual has report ' + name)
if shutil.which('mandoc'):
    lint = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', 'userspace/man/runmark.1'],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    tap.same((lint.returncode, lint.stdout), (0, b''), 'the manual is clean')
else:
    tap.skip('the manual is clean', 'no mandoc')

# Completion
columns = [line.split()[0] for line in
           runmark('find', '--columns', 'help').out.decode().splitlines()]
cases = [  # words typed, what is offered
    (['f'], ['find']),
    (['find', '--w'], ['--watermark']),
    (['find', '--'], options['find']),
    (['doctor', '--'], options['doctor']),
    (['run', '--'], own),
    (['run', 'runmark-inges'], ['runmark-ingest']),
    (['find', '--format', ''], ['table', 'json', 'csv']),
    (['tail', '--format', ''], ['table', 'json']),
    (['find', '--columns', ''], columns),
    (['find', '--signal', 'SIGKI'], ['SIGKILL']),
    (['find', '--user', 'roo'], ['root']),
    (['find', '--exe', '/etc/passw'], ['/etc/passwd']),
    (['show', '/etc/passw'], ['/etc/passwd']),
    (['help', 'st'], ['status']),
    (['report', ''], [name for name, _ in reports]),
    (['report', 'jobs', '--by', ''], ['job', 'software']),
    (['report', 'bins', '--sort', 'run'], ['run_time', 'runs']),
    (['report', 'coverage', '--by', ''], ['host', 'cause', 'gap']),
    (['nope', '--'], []),
]
script = '''. userspace/cli/runmark.bash
COMP_WORDS=(runmark "$@") COMP_CWORD=$#
_runmark
printf '%s\\n' "${COMPREPLY[@]}"'''
path = os.path.dirname(RUNMARK) + ':' + os.environ['PATH']
for words, wanted in cases:
    done = subprocess.run(['bash', '-c', script, 'bash', *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment(PATH=path), check=False)
    got = [word for word in done.stdout.decode().split('\n') if word]
    tap.same([word for word in got if not word.startswith('/etc/passwd-')], wanted,
             'completion of ' + ' '.join(words))
tap.done()
