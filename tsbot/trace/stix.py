"""An answer as a STIX 2.1 bundle (OASIS, STIX Version 2.1): accounts, one note of the analysis, relationships. Pure.

Accounts are ``user-account`` objects with the ids that the standard derives from them, so that bundles of different answers meet.
Everything is marked TLP:AMBER, since a link is no public fact.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from tsbot import __version__
from tsbot.trace.answer import Candidate, Trace
from tsbot.trace.handover import PUBLIC_TIERS, Private

SCO_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""STIX 2.1, section 2.9: of deterministic ids of cyber-observable objects."""
OUR_NAMESPACE = uuid.UUID("6d2f3c1a-0b39-5a1e-9d55-0c1d8f0b9e42")
TLP_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
"""STIX 2.1, section 7.2.1.4."""


def bundle(trace: Trace, private: Private) -> dict[str, Any]:
    """The bundle; the same for the same answer. Accounts whose name was flagged, and disputed or weak links, are not in it."""
    made = datetime.fromtimestamp(trace.asked, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    links = [one for one in trace.candidates if one.tier in PUBLIC_TIERS and not one.disputed and one.account not in private.names]
    identity = {
        **_common("identity", "tsbot", made),
        "name": f"tsbot {__version__}",
        "identity_class": "system",
        "description": "Compares public activity of wiki accounts; what it says is for people to check.",
    }
    by = identity["id"]
    objects: list[dict[str, Any]] = [identity]
    if trace.subject.name in private.names:
        return _bundle(trace, objects)
    subject = _account(trace.subject.name)
    objects.append(subject)
    for one in links:
        account = _account(one.account)
        objects.append(account)
        objects.append(
            {
                **_common("relationship", f"{trace.id}|{one.account}", made),
                "created_by_ref": by,
                "relationship_type": "related-to",
                "source_ref": subject["id"],
                "target_ref": account["id"],
                "description": _described(one, trace.population),
                "object_marking_refs": [TLP_AMBER],
            }
        )
    objects.append(
        {
            **_common("note", trace.id, made),
            "created_by_ref": by,
            "abstract": "Behaviour consistent with one person; evidence, not proof",
            "content": f"{trace.compared} accounts compared, among {trace.population}. {'; '.join(trace.notes)}".strip(),
            "object_refs": [subject["id"], *(_account(one.account)["id"] for one in links)],
            "object_marking_refs": [TLP_AMBER],
        }
    )
    return _bundle(trace, objects)


def _described(one: Candidate, population: int) -> str:
    kinds = ", ".join(f"{line.kind} {line.log_lr:+.1f}" for line in one.evidence if line.log_lr)
    return (
        f"{one.wording} (log-likelihood ratio {one.log_lr:+.2f}; among {population} accounts at most {one.coincidences:.2g} strangers "
        f"would look as similar). {kinds}"
    )


def _account(name: str) -> dict[str, Any]:
    contributing = {"account_login": name, "account_type": "mediawiki"}
    canonical = json.dumps(contributing, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "type": "user-account",
        "spec_version": "2.1",
        "id": f"user-account--{uuid.uuid5(SCO_NAMESPACE, canonical)}",
        "object_marking_refs": [TLP_AMBER],
        **contributing,
    }


def _common(kind: str, key: str, made: str) -> dict[str, Any]:
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{uuid.uuid5(OUR_NAMESPACE, f'{kind}|{key}')}",
        "created": made,
        "modified": made,
    }


def _bundle(trace: Trace, objects: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "bundle", "id": f"bundle--{uuid.uuid5(OUR_NAMESPACE, trace.id)}", "objects": objects}
