"""Opening the files of a dump whatever they are compressed with; told by their first bytes, not by their names. Memory stays bounded."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import zstandard

from tsbot.errors import DumpError, InputError

MAGIC = {b"BZh": "bz2", b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"7z\xbc\xaf\x27\x1c": "7z", b"\xfd7zXZ\x00": "xz"}
DAMAGE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zstandard.ZstdError)
"""What decompressors raise on a damaged file; py7zr has its own besides."""


PATIENCE = 10.0
"""Seconds that a thread which unpacks has to notice that nobody reads on."""


def compression(path: Path) -> str:
    """``bz2``, ``gz``, ``zst``, ``7z``, ``xz`` or empty. Raises ``InputError`` for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The content of a file as it is without compression. Reading raises what is in :data:`DAMAGE`, or ``DumpError``."""
    how = compression(path)
    if how == "7z":
        with _seven_zip(path) as file:
            yield file
        return
    opener: Any = {"bz2": bz2.open, "gz": gzip.open, "xz": lzma.open, "zst": _zstd, "": Path.open}[how]
    with opener(path, "rb") as file:
        yield file


def _zstd(path: Path, mode: str) -> Any:
    # Several frames one after the other are one file, as with all others.
    reader = zstandard.ZstdDecompressor().stream_reader(path.open(mode), read_across_frames=True, closefd=True)
    return io.BufferedReader(reader, 1 << 20)


@contextmanager
def _seven_zip(path: Path) -> Iterator[IO[bytes]]:
    """The first file in an archive, through a pipe: py7zr writes, and does not let itself be read from."""
    try:
        py7zr = importlib.import_module("py7zr")
        seams = importlib.import_module("py7zr.io")
    except ImportError as error:
        raise InputError("Archives of 7-Zip need py7zr. Run: pip install 'tsbot[dumps]'") from error
    reading, writing = os.pipe()
    trouble: list[BaseException] = []

    class Pipe(seams.Py7zIO):  # type: ignore[misc, name-defined]
        """Where a file of the archive goes."""

        def __init__(self) -> None:
            self.written = 0

        def write(self, data: bytes | bytearray) -> int:
            left = memoryview(data)
            while left:
                left = left[os.write(writing, left) :]
            self.written += len(data)
            return len(data)

        def read(self, _size: int | None = None) -> bytes:
            return b""

        def seek(self, _offset: int, _whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            pass

        def size(self) -> int:
            return self.written

    class Factory(seams.WriterFactory):  # type: ignore[misc, name-defined]
        def create(self, _filename: str) -> Pipe:
            return Pipe()

    def unpack() -> None:
        try:
            with py7zr.SevenZipFile(path) as archive:
                archive.extract(targets=archive.getnames()[:1], factory=Factory())
        except BrokenPipeError:
            pass  # nobody reads on
        except Exception as error:
            trouble.append(error)
        finally:
            os.close(writing)

    thread = threading.Thread(target=unpack, name="7z", daemon=True)
    thread.start()
    with os.fdopen(reading, "rb", buffering=1 << 20) as file:
        yield file
    thread.join(PATIENCE)
    if trouble:
        raise DumpError(f"the archive is damaged ({type(trouble[0]).__name__})") from trouble[0]
