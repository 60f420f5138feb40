"""The old and new text of edits, many in one request.

``action=query&prop=revisions&revids=…`` answers for up to 50 revisions, or 500 with the right ``apihighlimits``
(mediawiki.org, API:Revisions and API:Etiquette). An edit takes two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.api import Api
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

EDITS = 25
EDITS_HIGH = 250
DATA_MODELS = frozenset(
    {"wikibase-item", "wikibase-property", "wikibase-lexeme", "wikibase-mediainfo", "EntitySchema", "flow-board"}
)
"""Content models whose text is a serialisation that nobody wrote by hand. All others are read: better one too many."""


class PywikibotRevisions:
    """Reads revisions from wikis; a :class:`tsbot.wiki.types.RevisionSource`. Thread-safe."""

    def __init__(self, api: Api, max_text_bytes: int = 2_097_152) -> None:
        self._api = api
        self._max_text_bytes = max_text_bytes
        self._high: dict[str, bool] = {}
        """Per wiki, whether the account has the right to high limits; learned from the first answer."""

    def batch_size(self, wiki: str) -> int:
        """How many edits one request may carry."""
        return EDITS_HIGH if self._high.get(wiki) else EDITS

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """Fetch all ``refs`` of one wiki, in their order; the first request is taken as paid from the budget.

        An answer that MediaWiki cut off at its size limit is followed to its end. Raises ``UnknownWikiError``,
        ``WikiUnavailableError`` or ``WikiRefusedError``.
        """
        if not refs:
            return []
        wanted = dict.fromkeys(rev_id for ref in refs for rev_id in (ref.rev_id, ref.parent_id) if rev_id > 0)
        found = self._ask(wiki, refs[0].server_url, list(wanted))
        return [self._fetched(ref, found) for ref in refs]

    def _ask(self, wiki: str, server_url: str, rev_ids: list[int]) -> dict[int, dict[str, Any]]:
        """Every asked revision with its page under ``page``; ``missing`` where the wiki has none of that id."""
        parameters: dict[str, str | int] = {
            "action": "query",
            "prop": "revisions",
            "revids": "|".join(map(str, rev_ids)),
            "rvprop": "ids|content|contentmodel",
            "rvslots": "main",
        }
        if self._api.account is not None and wiki not in self._high:
            parameters |= {"meta": "userinfo", "uiprop": "rights"}
        found: dict[int, dict[str, Any]] = {}
        more: dict[str, str | int] = {}
        gone = False
        while True:
            before = len(found)
            data = self._api.get(wiki, parameters | more, server_url=server_url, paid=not more)
            gone |= self._read(wiki, data, found)
            if not data.get("continue"):
                break
            more = {str(name): str(value) for name, value in data["continue"].items()}
            if len(found) == before:
                raise WikiRefusedError("A revision is too long for the wiki to answer.", "result-too-long")
        left = [rev_id for rev_id in rev_ids if rev_id not in found]
        if left and not gone:
            raise WikiUnavailableError(f"The wiki's answer leaves out {len(left)} of {len(rev_ids)} revisions.")
        # An account that may see deleted pages is not told "bad revision" of theirs but only that the page is missing.
        return found | {rev_id: {"missing": True} for rev_id in left}

    def _read(self, wiki: str, data: dict[str, Any], found: dict[int, dict[str, Any]]) -> bool:
        """Add an answer's revisions to ``found``; whether it also names pages that do not exist."""
        query = data.get("query") or {}
        if "userinfo" in query:
            self._high[wiki] = "apihighlimits" in query["userinfo"].get("rights", ())
        try:
            # A list where PHP sees consecutive keys, else an object.
            bad = query.get("badrevids") or {}
            for entry in bad.values() if isinstance(bad, dict) else bad:
                found[int(entry["revid"])] = {"missing": True}
            pages = list(query.get("pages") or ())
            for page in pages:
                for revision in page.get("revisions") or ():
                    found[int(revision["revid"])] = {**revision, "page": page}
            return any(page.get("missing") for page in pages)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error

    def _fetched(self, ref: RevisionRef, found: dict[int, dict[str, Any]]) -> FetchedRevision:
        revision = found.get(ref.rev_id, {"missing": True})
        page = revision.get("page") or {}
        slot = _main_slot(revision)
        model = str(slot.get("contentmodel") or "wikitext")
        state = _state(revision, page)
        text = parent = None
        cut = parent_cut = False
        if state is RevisionState.PRESENT and model not in DATA_MODELS:
            text, cut = self._cut(slot.get("content"))
            parent, parent_cut = self._cut(_main_slot(found.get(ref.parent_id, {})).get("content"))
        return FetchedRevision(
            ref=ref,
            state=state,
            text=text,
            parent_text=parent,
            content_model=model,
            title=str(page.get("title") or ""),
            page_id=int(page.get("pageid") or 0),
            namespace=int(page.get("ns") or 0),
            truncated=cut or parent_cut,
        )

    def _cut(self, text: str | None) -> tuple[str | None, bool]:
        # A code point takes at most four bytes: most texts need no encoding to know that they fit.
        if text is None or len(text) * 4 <= self._max_text_bytes:
            return text, False
        encoded = text.encode("utf-8", "surrogatepass")
        if len(encoded) <= self._max_text_bytes:
            return text, False
        return encoded[: self._max_text_bytes].decode("utf-8", "ignore"), True


def _main_slot(revision: dict[str, Any]) -> dict[str, Any]:
    slot = (revision.get("slots") or {}).get("main")
    return slot if isinstance(slot, dict) else {}


def _state(revision: dict[str, Any], page: dict[str, Any]) -> RevisionState:
    if revision.get("missing") or page.get("missing"):
        return RevisionState.DELETED
    slot = _main_slot(revision)
    # ``nosuchsection`` and the like do not occur; a slot without content and without reason was lost by the wiki's storage.
    if "texthidden" in slot or "content" not in slot:
        return RevisionState.HIDDEN
    return RevisionState.PRESENT
