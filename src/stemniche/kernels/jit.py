"""How kernels are compiled: one place that decides flags, threads and the cache.

Kernel modules import `kernel` (serial), `lean_kernel` (serial, without new arrays),
`parallel_kernel` (loops over fixed-size blocks with `prange`) and `inline` (scalar functions). No
other module of the package touches numba.

Results depend neither on the number of threads nor, as long as arrays hold at least 64 elements,
on where in memory they lie. They may differ in the last bits between kinds of CPU.

Compiled code is pickle, so it is kept in a folder that only its owner may enter. numba's own cache
looks at one source file per kernel; ours looks at every kernel file that one imports as well, so
an edit to a shared function is never answered with old machine code. Inside a folder numba's
index still tells apart CPU features and argument types.
"""

import atexit
import contextlib
import functools
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite.binding import Linkage
from numba import prange
from numba.core import caching, codegen

__all__ = [
    "cache_folder",
    "inline",
    "kernel",
    "lean_kernel",
    "parallel_kernel",
    "prange",
    "set_threads",
    "threads",
]

F = TypeVar("F", bound=Callable[..., Any])

# Idle threads sleep: busy waiting makes several threads slower than one where cores are shared.
# It must be set before the OpenMP runtime is loaded with the first parallel kernel.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# No `nnan`/`ninf`: guards rely on non-finite values being visible.
FAST = {"contract", "arcp", "nsz", "afn", "reassoc"}

_OURS = "9stemniche7kernels"  # as symbols spell the name of this package
_KERNELS = Path(__file__).resolve().parent
_CACHE_VARIABLE = "STEMNICHE_CACHE"
_KEEP_SECONDS = 60 * 24 * 3600
_IMPORT = re.compile(
    r"^\s*(?:from|import)\s+stemniche\.kernels(?:\.(\w+)|\s+import\s+(\([^)]*\)|[^\n]*))", re.M
)


def kernel(function: F) -> F:
    """Compile a serial kernel."""
    return _compile(function, nogil=True)


def lean_kernel(function: F) -> F:
    """Compile a serial kernel that neither makes an array nor returns one.

    Its callers keep the arrays alive, so that it need not count who uses them. Counts are atomic:
    where small functions pass many arrays on they took a third of the time.
    """
    return _compile(function, nogil=True, _nrt=False)


def parallel_kernel(function: F) -> F:
    """Compile a kernel whose `prange` runs over fixed-size blocks."""
    return _compile(function, nogil=True, parallel=True)


def inline(function: F) -> F:
    """Compile a scalar function used inside kernels; the optimiser inlines it."""
    return _compile(function)


def _compile(function: F, **options: bool) -> F:
    compiled: Any = numba.njit(fastmath=FAST, error_model="numpy", **options)(function)
    compiled._cache = _FunctionCache(function)
    return compiled


def set_threads(count: int) -> None:
    """Use `count` threads in parallel kernels of this process."""
    numba.set_num_threads(max(1, min(count, numba.config.NUMBA_NUM_THREADS)))


def threads() -> int:
    """Threads that parallel kernels use now."""
    return int(numba.get_num_threads())


@functools.cache
def cache_folder() -> Path:
    """Private folder of compiled kernels (mode 0700).

    It lies in the user's cache folder, or where the environment variable ``STEMNICHE_CACHE``
    says. If that cannot be made private and written to, a temporary one serves until this process
    ends; processes started from here find it through the variable.
    """
    with contextlib.suppress(OSError, RuntimeError):
        wanted = os.environ.get(_CACHE_VARIABLE)
        return _make_private(Path(wanted) if wanted else _user_cache() / "stemniche" / "kernels")
    folder = Path(tempfile.mkdtemp(prefix="stemniche-"))
    os.environ[_CACHE_VARIABLE] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _user_cache() -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given) if os.path.isabs(given) else Path.home() / ".cache"


def _make_private(folder: Path) -> Path:
    """Create `folder` for its owner alone, or raise OSError when that cannot be had."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise PermissionError(f"{folder} is a link or belongs to somebody else")
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def _sources(file: Path) -> list[Path]:
    """`file` and every kernel file it imports, directly or not, in order of name."""
    found, to_read = {file}, [file]
    while to_read:
        for dotted, listed in _IMPORT.findall(to_read.pop().read_text(encoding="utf-8")):
            for name in re.findall(r"\w+", dotted or listed):
                source = _KERNELS / f"{name}.py"
                if source not in found and source.is_file():
                    found.add(source)
                    to_read.append(source)
    return sorted(found)


@functools.cache
def _stamp(file: Path) -> str:
    """Hash of all the source that the machine code of the kernels in `file` depends on."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in _sources(file):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


def _forget_old(parent: Path) -> None:
    """Drop folders that no process has used for two months."""
    limit = time.time() - _KEEP_SECONDS
    for folder in parent.iterdir():
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.stat().st_mtime < limit:
                shutil.rmtree(folder, ignore_errors=True)


class _FunctionCache(caching.FunctionCache):  # type: ignore[misc]
    """Where the folder is full, the next process compiles again; this one goes on."""

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


class _KernelCache(caching._CacheLocator):  # type: ignore[misc]
    """Tells numba where the kernels of one of our files are kept; declines all other files."""

    def __init__(self, line: int, stamp: str, folder: Path) -> None:
        self._line = line
        self._stamp = stamp
        self._folder = folder

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_KernelCache | None":
        file = Path(py_file).resolve()
        if file.parent != _KERNELS or not file.is_file():
            return None
        stamp = _stamp(file)
        folder = cache_folder() / f"{file.stem}-{stamp[:16]}"
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
            _forget_old(folder.parent)
        os.utime(folder)
        return cls(py_func.__code__.co_firstlineno, stamp, folder)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return str(self._line)


# numba offers no public way to add a locator for one package without touching everybody else's.
caching.CacheImpl._locator_classes.insert(0, _KernelCache)


def _close(library: Any, optimise: Callable[[Any], None]) -> None:
    """Optimise a module, then bind its calls to the copies of the callees that it holds.

    numba leaves those copies replaceable, and the loader takes whichever it meets first. Copies
    differ in the last bits where they were optimised beside other code, so that results would
    depend on what a process compiled or loaded before. Modules that link this one later still get
    the replaceable form, else each would hold several copies.
    """
    optimise(library)
    module = library._final_module
    defined = [f.name for f in module.functions if not f.is_declaration]
    if not any(_OURS in name for name in defined):
        return
    linkable = module.clone()
    entries = [name for name in defined if module.get_function(name).linkage == Linkage.external]
    # The body of a parallel loop is looked up by name in the module made for it, and nowhere else.
    ours = any(_OURS in name for name in entries)
    copies = {Linkage.linkonce_odr, Linkage.weak_odr} if ours else {Linkage.linkonce_odr}
    for name in defined:
        own, shared = module.get_function(name), linkable.get_function(name)
        if name in entries:
            shared.linkage = Linkage.linkonce_odr
        elif own.linkage in copies:
            own.linkage = Linkage.internal
    library._shared_module = linkable


# numba offers no public way to say how a callee is bound; modules without our functions stay as
# they are.
codegen.JITCodeLibrary._optimize_final_module = functools.partialmethod(
    _close, codegen.JITCodeLibrary._optimize_final_module
)
