"""The detector of a process that runs on while language packs and models are changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from tsbot.detect.detector import Cascade, load_detector, shipped_model, shipped_rules
from tsbot.detect.finding import Finding
from tsbot.text.passage import Field


class LiveDetector:
    """Judges by the packs and the model in use (:mod:`tsbot.datafiles`).

    What was read anew is taken up at the beginning of a call of :meth:`judge`, so that :attr:`version` is that of what was judged last.
    Raises ``ModelError`` or ``PackError`` at the start.
    """

    def __init__(self, thresholds: Mapping[str, float] | None = None, identify: bool = False) -> None:
        self._thresholds, self._identify = thresholds, identify
        self._alone = threading.Lock()
        self._made_of: tuple[object, ...] = ()
        self._cascade = self._current()

    @property
    def version(self) -> str:
        """That of what judges."""
        return self._cascade.version

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """See :class:`tsbot.detect.detector.Detector`."""
        return self._current().judge(texts, languages, fields)

    def _current(self) -> Cascade:
        made_of = (shipped_rules(), shipped_model())
        if all(one is other for one, other in zip(made_of, self._made_of, strict=False)) and self._made_of:
            return self._cascade
        with self._alone:
            self._cascade = load_detector(self._thresholds, self._identify)
            self._made_of = made_of
            return self._cascade
