# SPDX-License-Identifier: BSD-2-Clause
"""Records as XALT writes them: made up, or the real ones of tests/e2e/xalt; as files and as lines of a log."""
import binascii
import glob
import json
import os
import uuid

SAMPLES = 'tests/e2e/xalt'
SAMPLE_LOG = 'tests/fuzz/corpus/fuzz_xalt_line/v4'
START = 1795254741.3577
PIECE = 512


def crc(data):
    """CRC-16/CCITT-FALSE."""
    return binascii.crc_hqx(data, 0xffff)


def text_of(record):
    """As bytes, with its checksum; record may hold bytes as surrogates."""
    text = json.dumps({'crc': '0xFFFF', **record}, separators=(',', ':'), ensure_ascii=False)
    data = text.encode('utf-8', 'surrogateescape')
    return data[:8] + b'0x%04X' % crc(data) + data[14:]


def uuid7(ms, number):
    """The number'th of that time."""
    value = ms << 80 | 7 << 76 | 2 << 62 | number
    return str(uuid.UUID(int=value))


def run(number=0, end=True, user=None, numbers=None, link=None, **more):
    start = START + number
    return {
        'cmdlineA': ['./a.out', '-n', str(number)], 'hash_id': '%040x' % number,
        'libA': [['/usr/lib/libc.so.6', '0'], ['/usr/lib/ld-linux-x86-64.so.2', '0']], 'ptA': [],
        'envT': {'HOME': '/home/alice', 'PATH': '/usr/bin:/bin'},
        'userT': {'syshost': 'c1', 'run_uuid': uuid7(int(start * 1000), number), 'exec_path': '/home/alice/a.out',
                  'exec_type': 'binary', 'cwd': '/home/alice', 'user': 'alice', 'scheduler': 'SLURM',
                  'account': 'physics', 'job_id': str(number // 8), 'queue': 'normal', 'submit_host': 'login1',
                  **(user or {})},
        'userDT': {'start_time': start, 'end_time': start + 60 if end else 0, 'run_time': 60 if end else 0,
                   'probability': 0.5, 'num_tasks': 4.0, 'num_gpus': 200.0, 'num_threads': 2.0, 'num_cores': 8.0,
                   'num_nodes': 2.0, **(numbers or {})},
        'xaltLinkT': link or {}, **more}


def link(number=0, **more):
    return {'resultT': {'uuid': uuid7(int((START + number) * 1000), number), 'link_program': 'gcc',
                        'link_path': '/usr/bin/gcc', 'build_user': 'alice', 'build_epoch': str(START + number),
                        'exec_path': '/home/alice/a.out', 'hash_id': '%040x' % number, 'wd': '/home/alice',
                        'build_syshost': 'c1', 'build_host': 'n1', **more},
            'linkA': [['/usr/lib/crt1.o', '0'], ['/usr/lib/libc.so', '0'], ['/usr/lib/libc.so', '0'],
                      ['/usr/lib/libm.a', '0']], 'function': ['MPI_Init'], 'link_line': ['gcc', '-o', 'a.out', 'a.c']}


def package(run_uuid, name='numpy', **more):
    return {'program': 'python', 'xalt_run_uuid': run_uuid, 'package_version': '1.24', 'package_name': name,
            'package_path': '/usr/lib/python3/' + name, **more}


def key_of(record):
    if 'userT' in record:
        return ('run_fini_' if record['userDT']['end_time'] else 'run_strt_') + record['userT']['run_uuid']
    if 'resultT' in record:
        return 'link_' + record['resultT']['uuid']
    return 'pkg_%s_%012x' % (record['xalt_run_uuid'], crc(record['package_name'].encode()))


def name_of(record):
    kind, _, rest = key_of(record).partition('_')
    tail = {'fini': 'zzz.', 'strt': 'aaa.'}.get(rest[:4], '') + rest.replace('fini_', '').replace('strt_', '')
    return '%s.c1.2026_11_21_09_52_21_3576.alice.%s.json' % (kind, tail.replace('_', '.'))


def write(directory, record, name=None):
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, name or name_of(record))
    with open(path, 'wb') as file:
        file.write((record if isinstance(record, bytes) else text_of(record)) + b'\n')
    return path


def lines_of(record, version=4, header='Nov 21 10:14:19 n042 ', size=PIECE):
    """Of a log. record: bytes of it, or itself."""
    data = record if isinstance(record, bytes) else text_of(record)
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    fields = json.loads(data.decode('utf-8', 'surrogateescape'))
    kind = key_of(fields).partition('_')[0]
    check = ' crcStr:' + fields['crc'] if version > 3 else ''
    return [('%sXALT_LOGGING_c1: V:%d kind:%s syshost:c1 key:%s%s nb:%02d idx:%02d value:' %
             (header, version, kind, key_of(fields), check, len(pieces), i)).encode() + piece
            for i, piece in enumerate(pieces)]


def samples():
    return sorted(glob.glob(SAMPLES + '/*.json'))
