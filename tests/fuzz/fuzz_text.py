"""A fuzzer for the normaliser, the codes and the packs, guided by coverage: ``make fuzz SECONDS=60``.

Needs the extra ``fuzz`` (atheris). It looks for crashes and for spans that point nowhere; what it finds belongs into
``test_spans.py`` as an example.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tsbot"]):
    from tsbot.detect.language_pack import load_pack
    from tsbot.detect.sentences import read_sentences
    from tsbot.detect.windows import windows_around
    from tsbot.errors import PackError
    from tsbot.text.encoded import decoded
    from tsbot.text.normalise import normalise, unmask

FOLDER = Path(tempfile.mkdtemp())


def texts(data: bytes) -> None:
    """Normal forms, windows and codes of two texts."""
    provider = atheris.FuzzedDataProvider(data)
    some = [provider.ConsumeUnicode(400), provider.ConsumeUnicode(400)]
    chosen, masked = unmask(some)
    for batch, own in ((normalise(some), some), (masked, [some[index] for index in chosen])):
        for index, owner in enumerate(batch.owners.tolist()):
            start, end = batch.raw_span(int(batch.sentences[index]), int(batch.sentences[index + 1]))
            assert 0 <= start <= end <= len(own[owner])
            for window in windows_around(batch, owner, own[owner], [index]):
                assert 0 <= window.start <= window.end <= len(own[owner])
    for found in decoded(some[0]):
        assert 0 <= found.start < found.end <= len(some[0])
        assert len(found.origins) == len(found.text) + 1


def packs(data: bytes) -> None:
    """Packs and files of sentences: nothing but ``PackError``."""
    for name, load in (("xx.toml", load_pack), ("xx.txt", read_sentences)):
        path = FOLDER / name
        path.write_bytes(data)
        try:
            load(path)
        except PackError:
            continue


def one(data: bytes) -> None:
    """Half of the inputs each."""
    (texts if data[:1] < b"\x80" else packs)(data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
