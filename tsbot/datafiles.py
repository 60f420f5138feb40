"""Data files that people may edit while tsbot runs: read once, and anew when somebody asks for it.

A function under :func:`data_file` reads one; it is called wherever what it holds is needed, and gives what is in use. :func:`renew` reads
what has changed on the disk, and puts it in use all together, or not at all: a file that is wrong leaves everything as it was.
"""

from __future__ import annotations

import hashlib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

from tsbot.errors import SettingsError, TsbotError

P = ParamSpec("P")
T = TypeVar("T")

_TRIED: ContextVar[Mapping[tuple[Any, tuple[Any, ...]], Any] | None] = ContextVar("tried", default=None)
"""What is being tried out, and seen only by whoever tries it."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    value: T
    version: str


class DataFile(Generic[P, T]):
    """One sort of data files. Calling it gives what they hold; arguments (hashable, by position) tell several of a sort apart."""

    def __init__(self, name: str, read: Callable[P, T], places: Callable[P, Iterable[Path]]) -> None:
        self.name = name
        """As logs, metrics and the doctor call it."""
        self.trouble = ""
        """Why the newest files are not in use; empty if they are."""
        self._read = read
        self._places = places
        self._held: dict[tuple[Any, ...], _Held[T]] = {}
        self._alone = threading.RLock()
        update_wrapper(self, read)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """What is in use; read now if it never was. Raises what reading raises."""
        tried = _TRIED.get()
        if tried is not None and (self, args) in tried:
            return tried[self, args].value  # type: ignore[no-any-return]
        held = self._held.get(args)
        if held is None:
            with self._alone:
                held = self._held.get(args) or self._held.setdefault(args, self.read(*args, **kwargs))
        return held.value

    def read(self, *args: P.args, **kwargs: P.kwargs) -> _Held[T]:
        """What the files hold now, which does not put it in use. Raises what reading raises."""
        version = self.on_disk(*args, **kwargs)
        value = self._read(*args, **kwargs)
        if self.on_disk(*args, **kwargs) != version:
            raise SettingsError("the files were changed while they were read; ask for it again.")
        return _Held(value, version)

    def on_disk(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """A digest of the files as they are now. Raises ``OSError``."""
        digest = hashlib.sha256()
        for path in _files(self._places(*args, **kwargs)):
            content = path.read_bytes()
            digest.update(f"{path.name}|{len(content)}|".encode() + content)
        return digest.hexdigest()[:12]

    @property
    def version(self) -> str:
        """A digest of the files in use; empty while none is."""
        versions = [self._held[args].version for args in sorted(self._held, key=str)]
        return versions[0] if len(versions) == 1 else hashlib.sha256("|".join(versions).encode()).hexdigest()[:12] if versions else ""

    @property
    def takes_arguments(self) -> bool:
        """Whether there are several of the sort."""
        return bool(inspect.signature(self._read).parameters)

    def outdated(self) -> list[tuple[Any, ...]]:
        """Arguments of what differs on the disk from what is in use. Raises ``OSError``."""
        return [args for args, held in list(self._held.items()) if self.on_disk(*args) != held.version]  # type: ignore[call-arg]

    def use(self, args: tuple[Any, ...], held: _Held[T]) -> None:
        """Put into use what was read."""
        self._held[args] = held


def data_file(name: str, *places: Path, where: Callable[..., Iterable[Path]] | None = None) -> Callable[[Callable[P, T]], DataFile[P, T]]:
    """Decorates what reads a sort of data files. ``places`` are files and folders; ``where`` finds them by the arguments."""

    def decorate(read: Callable[P, T]) -> DataFile[P, T]:
        return DataFile(name, read, where or (lambda *_args, **_kwargs: places))

    return decorate


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of a request to read data files anew."""

    changed: Mapping[str, str]
    """Names of what has changed, with the versions now in use; empty if nothing has, or if it was refused."""
    troubles: tuple[str, ...] = ()
    """Why it was refused: each names the file that is wrong."""


def renew(files: Sequence[DataFile[Any, Any]], check: Callable[[], object] = bool) -> Renewed:
    """Read anew what has changed, try it together with ``check``, and put it in use. ``files``: what others are made of comes first.

    Raises nothing: what is wrong is told, and then all stays as it was.
    """
    found: dict[tuple[DataFile[Any, Any], tuple[Any, ...]], _Held[Any]] = {}
    troubles: dict[DataFile[Any, Any], str] = {}
    with _trying(found):
        for file in files:
            try:
                for args in file.outdated():
                    found[file, args] = file.read(*args)
            except Exception as error:  # whatever is wrong in a file must not end the process that it is for
                troubles[file] = _told(file.name, error)
        if found and not troubles:
            try:
                check()
            except Exception as error:
                troubles = dict.fromkeys((file for file, _ in found), _told(", ".join(sorted({file.name for file, _ in found})), error))
    for file in files:
        file.trouble = troubles.get(file, "")
    if troubles:
        return Renewed({}, tuple(dict.fromkeys(troubles.values())))
    for (file, args), held in found.items():
        file.use(args, held)
    return Renewed({file.name: file.version for file, _ in found})


@contextmanager
def as_on_disk(*files: DataFile[[], Any]) -> Iterator[None]:
    """Within, and for this thread alone, files are as they lie on the disk. Raises what reading raises."""
    with _trying({(file, ()): file.read() for file in files if file.version != file.on_disk()}):
        yield


@contextmanager
def _trying(found: Mapping[tuple[Any, tuple[Any, ...]], Any]) -> Iterator[None]:
    token = _TRIED.set(found)
    try:
        yield
    finally:
        _TRIED.reset(token)


def _told(name: str, error: Exception) -> str:
    # Only tsbot's own errors are known to quote nothing that is private.
    words = str(error) if isinstance(error, TsbotError) else f"it cannot be read ({type(error).__name__})."
    return f"{name}: {words}"


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
        elif place.exists():
            yield place
