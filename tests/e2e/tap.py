# SPDX-License-Identifier: BSD-2-Clause
"""TAP for end-to-end tests: ok(condition, name), skip(name, reason), done()."""
import contextlib
import sys

_count = 0
_failed = 0
_about = ""


@contextlib.contextmanager
def about(what):
    """Names of checks begin with what they are about."""
    global _about
    _about = what + ": "
    try:
        yield
    finally:
        _about = ""


def ok(condition, name, detail=""):
    """One check. detail is shown when it fails."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if condition else 'not ok'} {_count} - {_about}{name}", flush=True)
    if not condition:
        _failed += 1
        for line in str(detail)[:4000].splitlines():
            print(f"# {line}", flush=True)
    return bool(condition)


def equal(got, want, name):
    return ok(got == want, name, f"got:  {got!r}\nwant: {want!r}")


def skip(name, reason):
    global _count
    _count += 1
    print(f"ok {_count} - {_about}{name} # SKIP {reason}", flush=True)


def done():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)
