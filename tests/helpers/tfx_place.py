"""Where the tests that need TFX run: here, or in a Debian 13 root where glibc is older than 2.39.

`python tests/helpers/tfx_place.py [argument of pytest ...]` makes the environment of
requirements-tfx.lock and runs the tests marked `tfx` in it. The root is kept in the user's cache
(`GANIMATION_TFX_ROOT` names another place) and used again; it is 4 GB. Standard library only.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Sequence

PROJECT = pathlib.Path(__file__).parents[2]
LOCK = PROJECT / "requirements-tfx.lock"
GLIBC = (2, 39)
"""What the wheels of ml-metadata and TFDV 1.21 are built for."""

PYTHON = "python3.13"
"""What requirements-tfx.lock is made for; Debian 13 has it."""

SUITE = "trixie"
PACKAGES = "python3,python3-venv,python3-dev,g++,ca-certificates"
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
DONE = ".ganimation-tfx"
"""Holds the digest of the lock that an environment was made from."""

# A mount namespace of its own: no mount outlives the tests, however they end.
ENTER = """
mount -t proc proc "$1/proc" && mount --bind "$2" "$1/project" &&
mount -o remount,bind,ro "$1/project" && root="$1" && shift 2 && exec chroot "$root" "$@"
"""


class NowhereError(Exception):
    """There is no place on this machine; the message says in a sentence why."""


def glibc() -> tuple[int, ...]:
    """The version of this machine's, (0,) of another C library."""
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    return tuple(map(int, version.split("."))) if name == "glibc" else (0,)


def missing(version: tuple[int, ...], programs: Sequence[str], user: int) -> list[str] | None:
    """What a root needs and this machine lacks; None where no root is needed.

    Args:
        version: of glibc.
        programs: those that were found, of `PYTHON`, `debootstrap`, `unshare` and `chroot`.
        user: number of the user.
    """
    if version >= GLIBC and PYTHON in programs:
        return None
    lacking = [name for name in ("debootstrap", "unshare", "chroot") if name not in programs]
    return lacking + (["the rights of root"] if user else [])


def main(arguments: Sequence[str]) -> int:
    """Runs pytest; returns its exit code, or 2 where there is no place for it."""
    tests = ["-m", "pytest", "-m", "tfx", "-p", "no:cacheprovider", "tests/pipeline/tfx"]
    try:
        lacking = missing(glibc(), _found(), os.getuid())
        if lacking:
            needs = f"glibc {'.'.join(map(str, GLIBC))} and {PYTHON}"
            has = ".".join(map(str, glibc()))
            raise NowhereError(
                f"the tests of TFX need {needs} (here is glibc {has}) or a Debian 13 root, for "
                f"which this machine lacks: {', '.join(lacking)}"
            )
        run = _here() if lacking is None else _in_root()
        return subprocess.run(
            [*run, *tests, *arguments], cwd=PROJECT, env=_environment()
        ).returncode
    except (NowhereError, OSError, subprocess.CalledProcessError) as error:
        print(f"test-tfx: {error}", file=sys.stderr)
        return 2


def _found() -> list[str]:
    return [p for p in (PYTHON, "debootstrap", "unshare", "chroot") if shutil.which(p)]


def _environment() -> dict[str, str]:
    kept = {"PYTHONPYCACHEPREFIX": "/tmp/ganimation-pycache", "OMP_NUM_THREADS": "1"}
    return os.environ | kept


def _uv() -> pathlib.Path:
    """The one of `make env`."""
    return pathlib.Path(sys.executable).with_name("uv")


def _install(uv: str, python: str, lock: str) -> list[str]:
    # No dependencies: the lock is whole, and pyproject.toml says which pin it overrides.
    quiet = ("--quiet", "--no-deps", "--require-hashes", "--compile-bytecode")
    return [uv, "pip", "install", *quiet, "--python", python, "-r", lock]


def _stale(done: pathlib.Path) -> bool:
    return not done.is_file() or done.read_text() != _digest()


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def _here() -> list[str]:
    """The Python of an environment in the project's folder."""
    where = PROJECT / ".venv-tfx"
    python = where / "bin" / "python"
    if _stale(where / DONE):
        subprocess.run([PYTHON, "-m", "venv", "--clear", str(where)], check=True)
        subprocess.run(_install(str(_uv()), str(python), str(LOCK)), check=True)
        (where / DONE).write_text(_digest())
    return ["env", f"PYTHONPATH={PROJECT}", str(python)]


def _in_root() -> list[str]:
    """The Python of an environment in a Debian 13 root, which sees this folder as /project."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    named = os.environ.get("GANIMATION_TFX_ROOT")
    root = pathlib.Path(named) if named else cache / "ganimation-tf" / "debian-13"
    if not root.is_dir():
        _make_root(root)
    enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(root), str(PROJECT)]
    enter += ["env", "PATH=/venv/bin:/usr/bin:/bin", "HOME=/root", "PYTHONPATH=/project"]
    enter += [f"SSL_CERT_FILE={CERTIFICATES}", "sh", "-c", 'cd /project && exec "$@"', "sh"]
    if _stale(root / DONE):
        print(f"installing TFX in {root}", flush=True)
        subprocess.run([*enter, "python3", "-m", "venv", "--clear", "/venv"], check=True)
        install = _install("/usr/bin/uv", "/venv/bin/python", LOCK.name)
        subprocess.run([*enter, *install], check=True)
        (root / DONE).write_text(_digest())
    return [*enter, "/venv/bin/python"]


def _make_root(root: pathlib.Path) -> None:
    print(f"making a Debian 13 root in {root}", flush=True)
    partial = root.with_name(f"{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(partial)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NowhereError(f"debootstrap made no root: {done.stdout.strip().splitlines()[-1]}")
    (partial / "project").mkdir()
    shutil.copy("/etc/resolv.conf", partial / "etc" / "resolv.conf")
    bundle = pathlib.Path(os.environ.get("SSL_CERT_FILE") or CERTIFICATES)
    shutil.copy(bundle, partial / CERTIFICATES.relative_to("/"))
    shutil.copy(_uv(), partial / "usr" / "bin" / "uv")
    partial.rename(root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
