"""tsbot's own settings: one typed tree, read from ``tsbot.toml`` and the environment.

A file is looked for in this order: the path given to :func:`load`, ``$TSBOT_CONFIG``, ``tsbot.toml`` in the working
directory. ``$TSBOT_<SECTION>__<KEY>`` overrides one key, for instance ``TSBOT_MAIL__HOST=mail.example.org``. Unknown keys are
refused by name. Every key is described here, and ``docs/settings.md`` is made from these descriptions
(``tsbot settings``).

pywikibot's configuration (accounts, families) stays in its own ``user-config.py``.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, inspect

from tsbot.detect.finding import Kind
from tsbot.errors import SettingsError

Positive = Annotated[int, Meta(gt=0)]
Score = Annotated[int, Meta(ge=0, le=3)]
DATABASE_FILE = "tsbot.sqlite"
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of ``tsbot.toml``."""


class StreamSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events come from."""

    url: Annotated[str, Meta(description="Base address of the EventStreams service; stream names are appended.")] = (
        "https://stream.wikimedia.org/v2/stream/"
    )
    streams: Annotated[tuple[str, ...], Meta(description="Streams read over one connection.", min_length=1)] = (
        "mediawiki.recentchange",
        "mediawiki.page_change.v1",
        "mediawiki.revision-visibility-change",
        "mediawiki.page-delete",
    )
    read_deadline: Annotated[
        float, Meta(gt=0, description="Seconds without a single byte after which the connection is given up and made anew.")
    ] = 90.0
    rewind: Annotated[float, Meta(ge=0, description="Seconds to go back when resuming the stream; de-duplication makes it safe.")] = 60.0
    batch: Annotated[Positive, Meta(description="Most events taken in one transaction.")] = 500
    batch_wait: Annotated[float, Meta(gt=0, description="Seconds to wait for a batch to fill before what is there is taken.")] = 0.5
    queue: Annotated[Positive, Meta(description="Events held in memory between reader and pipeline before reading pauses.")] = 5000
    max_event_bytes: Annotated[Positive, Meta(description="Longer messages go to the dead letters without being decoded.")] = 16_000_000
    remember: Annotated[
        int, Meta(ge=10_000, description="How many event ids are remembered to recognise duplicates (8 bytes of memory each).")
    ] = 2_000_000
    gap_after: Annotated[
        float,
        Meta(gt=0, description="Seconds between the last event before and the first after a reconnection that count as a gap."),
    ] = 120.0
    fill_gap_after: Annotated[
        float,
        Meta(ge=0, description="Seconds after noticing a gap before wikis are asked for what is missing; shows which are active."),
    ] = 30.0


class AdmissionSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events deserve a closer look. Never decided by language."""

    skip_bots: Annotated[bool, Meta(description="Skip edits that carry the bot flag (rule `bot`).")] = True
    skip_wikis: Annotated[tuple[str, ...], Meta(description="Database names skipped whole (rule `wiki`).")] = ("wikidatawiki",)
    only_wikis: Annotated[tuple[str, ...], Meta(description="If not empty, every other wiki is skipped (rule `other_wiki`).")] = ()
    skip_namespaces: Annotated[
        tuple[int, ...], Meta(description="Namespace numbers whose edits are skipped on every wiki (rule `namespace`).")
    ] = ()
    trusted_groups: Annotated[
        tuple[str, ...],
        Meta(description="Edits by members of these groups are skipped, where the event names groups (rule `trusted_group`)."),
    ] = ("bot", "flow-bot", "steward", "suppress")
    judge_log_types: Annotated[
        tuple[str, ...],
        Meta(description="Log types whose title, user and comment are judged; others are skipped (rule `log_type`)."),
    ] = (
        "newusers",
        "move",
        "upload",
        "block",
        "delete",
        "protect",
        "rights",
        "renameuser",
        "abusefilter",
        "globalauth",
        "gblblock",
        "gblrename",
        "create",
        "import",
        "merge",
        "managetags",
        "contentmodel",
        "stable",
        "tag",
        "massmessage",
        "pagelang",
        "pagetranslation",
        "pagetriage-curation",
        "growthexperiments",
        "newsletter",
    )


class WikiSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How wikis are asked, through pywikibot."""

    contact: Annotated[
        str,
        Meta(description="Mail address or page by which wiki operators can reach you; part of the User-Agent. Set it before running live."),
    ] = ""
    families: Annotated[
        tuple[str, ...],
        Meta(description="pywikibot families searched for a database name, in order. Empty: all that pywikibot knows."),
    ] = ()
    domains: Annotated[
        tuple[str, ...],
        Meta(description="A wiki that no family lists is still read if its host is one of these or below one. Others are unknown."),
    ] = (
        "wikipedia.org",
        "wiktionary.org",
        "wikibooks.org",
        "wikinews.org",
        "wikiquote.org",
        "wikisource.org",
        "wikiversity.org",
        "wikivoyage.org",
        "wikimedia.org",
        "wikidata.org",
        "mediawiki.org",
        "wikifunctions.org",
        "wikimediafoundation.org",
    )
    account: Annotated[
        str, Meta(description="User name to log in with (password or OAuth in pywikibot's files). Empty: anonymous reads.")
    ] = ""
    client: Annotated[
        Literal["anonymous", "unauthed-bot", "authed-user", "established-user", "approved-bot"],
        Meta(description="Class of client at the wikis' gateway; sets the request budget (10, 200, 200, 2,000 a minute, or none)."),
    ] = "unauthed-bot"
    requests_per_minute: Annotated[
        int, Meta(ge=0, description="Request budget; 0 takes three quarters of what the class of client allows.")
    ] = 0
    concurrency: Annotated[int, Meta(ge=1, le=3, description="Requests under way at once, all wikis together.")] = 3
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for a wiki's answer.")] = 30.0
    maxlag: Annotated[int, Meta(ge=0, description="Replication lag in seconds above which wikis should refuse us.")] = 5
    batch_window: Annotated[float, Meta(ge=0, description="Seconds an edit may wait for others of its wiki, to share a request.")] = 1.0
    attempts: Annotated[Positive, Meta(description="Failed fetches after which an edit goes to the dead letters.")] = 12
    max_text_bytes: Annotated[
        Positive, Meta(description="Wikitext beyond this length is cut before comparing. MediaWiki's own limit is 2 MiB.")
    ] = 2_097_152


class DetectSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The detector."""

    thresholds: Annotated[
        dict[str, Annotated[float, Meta(gt=0, le=1)]],
        Meta(description="Probability from which a kind flags; replaces the model's own threshold, per kind."),
    ] = msgspec.field(default_factory=dict)
    identify: Annotated[
        bool, Meta(description="Name languages that neither script nor little words tell, with a statistical identifier (80 MB).")
    ] = False
    max_passage_chars: Annotated[
        Positive, Meta(description="Most characters of added text judged per edit; what is beyond is counted as cut.")
    ] = 200_000
    shadow_model: Annotated[
        str, Meta(description="Folder of a candidate model that judges along without flagging anything (`tsbot shadow report`).")
    ] = ""
    shadow_packs: Annotated[str, Meta(description="Folder of candidate language packs that judge along without flagging anything.")] = ""


class CaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How flags are grouped into cases, and which acts on cases need two people."""

    window_hours: Annotated[float, Meta(gt=0, description="Flags of one author on one wiki within this time belong to one case.")] = 24.0
    page_window_hours: Annotated[
        float, Meta(ge=0, description="Flags of different authors on one page within this time belong to one case.")
    ] = 1.0
    target_window_hours: Annotated[
        float, Meta(ge=0, description="Flags of different authors on the user pages of one account within this time belong to one case.")
    ] = 6.0
    copies_window_hours: Annotated[
        float, Meta(ge=0, description="Flags on near-equal texts of some length, on all wikis, within this time belong to one case.")
    ] = 24.0
    short_copies_window_minutes: Annotated[
        float, Meta(ge=0, description="The same for texts of less than 40 letters, which many people may write independently.")
    ] = 10.0
    two_person: Annotated[
        tuple[str, ...],
        Meta(description="Acts that need a second person (docs/cases.md lists them). Empty: none does."),
    ] = ("dismiss_high", "lower_kind", "disclose", "legal_hold", "purge_early")
    retention: Annotated[
        str, Meta(description="Table of how long texts and names are kept, in the place of `tsbot/cases/retention.toml`.")
    ] = ""
    seal_when_hidden: Annotated[
        bool,
        Meta(
            description="Destroy our copy of a text, in flags, letters and spool, once the wiki has hidden it. The stream does not tell "
            "revision deletion from suppression, so both count."
        ),
    ] = True


class HideSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to hide, and whether it was done."""

    follow: Annotated[
        bool,
        Meta(
            description="Make a plan of what to hide for each flagged edit, and follow the pages until it is carried out. "
            "A case then closes by itself only once all that shows its text is hidden."
        ),
    ] = True
    most: Annotated[
        int, Meta(ge=1, le=100_000, description="Plans that are followed at once; further flags wait, the most urgent first.")
    ] = 500
    revisions: Annotated[
        int, Meta(ge=50, le=100_000, description="Newest revisions of a page looked at for it; `tsbot hide suggest` looks at more.")
    ] = 5_000


class ScoreSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What outside models say of flagged revisions: one reason in a flag's priority, never a condition."""

    service: Annotated[
        Literal["", "liftwing", "ores"],
        Meta(description="Who is asked whether a flagged revision will be reverted: Wikimedia's Lift Wing or an ORES-compatible host."),
    ] = ""
    url: Annotated[
        str, Meta(description="Base address of the service: for `ores` its host; for `liftwing` what stands before the model's name.")
    ] = ""
    model: Annotated[str, Meta(description="Model; empty: `revertrisk-language-agnostic` of Lift Wing, `damaging` of ORES.")] = ""
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for an answer. Nothing else waits for it.")] = 10.0
    namespaces: Annotated[
        tuple[int, ...],
        Meta(description="Namespaces whose revisions are asked about; the public models know articles. Empty: all."),
    ] = (0,)


class ReleaseRule(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which scores reports of a kind are sent without a person's release."""

    specificity: Annotated[Score, Meta(description="Smallest specificity.")] = 0
    plausibility: Annotated[Score, Meta(description="Smallest plausibility.")] = 0
    imminence: Annotated[Score, Meta(description="Smallest imminence.")] = 0


PolicyName = Literal["", "plain", "prefer", "require", "links_only"]
POLICY_WORDS = (
    "What may leave: `require` encrypts or sends links only, `prefer` encrypts or leaves out the excerpt, `links_only` links and "
    "category, `plain` as it is. "
)


class RecipientKey(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How letters to one mail address are protected."""

    policy: Annotated[Literal["plain", "prefer", "require", "links_only"], Meta(description=POLICY_WORDS.strip())] = "require"
    key: Annotated[str, Meta(description="File with the OpenPGP key, armoured or not; relative to `data_dir`.")] = ""
    fingerprint: Annotated[str, Meta(description="Fingerprint of the key, whole, as its owner told you by another way.")] = ""


class Recipient(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets the reports of a kind."""

    to: Annotated[
        str,
        Meta(
            description="Mail address; for `emailuser` the user name, for `webhook` its name in `[webhooks]`, for `zammad` the "
            "group, for `suitecrm` any name that tells its cases apart."
        ),
    ]
    channel: Annotated[
        Literal["", "spool", "smtp", "emailuser", "suitecrm", "zammad", "webhook"],
        Meta(description="How it is reached; empty: the channel of `[report]`."),
    ] = ""
    policy: Annotated[
        PolicyName, Meta(description=POLICY_WORDS + "Empty: that of `[report.keys]`; else `links_only` for a webhook, `plain` for others.")
    ] = ""
    key: Annotated[str, Meta(description="As in `[report.keys]`.")] = ""
    fingerprint: Annotated[str, Meta(description="As in `[report.keys]`.")] = ""
    excerpt: Annotated[bool, Meta(description="Whether letters quote the text. False: links only.")] = False
    wiki: Annotated[str, Meta(description="For `emailuser`: database name of the wiki that mails.")] = "metawiki"
    language: Annotated[str, Meta(description="Language of the letters to it, as MediaWiki writes it; empty: `report.languages`.")] = ""
    second: Annotated[str, Meta(description="Mail address that is written to, too, where this recipient does not acknowledge.")] = ""


class ReportSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Private reports."""

    channel: Annotated[
        Literal["spool", "smtp", "emailuser"],
        Meta(description="Default channel. `spool` writes .eml files and needs nothing."),
    ] = "spool"
    spool: Annotated[str, Meta(description="Folder of .eml files, relative to `data_dir`.")] = "spool"
    reporter_name: Annotated[str, Meta(description="Who reports: a person or role that the recipient can ask.")] = "tsbot operator"
    reporter_contact: Annotated[str, Meta(description="Mail address of the reporter, given in each letter; also From and Reply-To.")] = ""
    recipients: Annotated[
        dict[str, tuple[Recipient, ...]],
        Meta(description="Recipients per kind (or `default`); replaces the routing table of the package for that kind."),
    ] = msgspec.field(default_factory=dict)
    languages: Annotated[
        dict[str, str],
        Meta(description="Language of letters per role of the routing table, per `wiki:role`, and `default` (`tsbot languages`)."),
    ] = msgspec.field(default_factory=dict)
    templates: Annotated[
        str, Meta(description="Folder of own letters, messages and places of help, relative to `data_dir`; empty: the package's only.")
    ] = ""
    release: Annotated[
        dict[str, ReleaseRule],
        Meta(description="Kinds whose reports are sent without a person's release, from given scores on. Empty: a person releases each."),
    ] = msgspec.field(default_factory=dict)
    keys: Annotated[
        dict[str, RecipientKey],
        Meta(description="Per mail address, also those of the routing table: what may leave, and the key to encrypt to."),
    ] = msgspec.field(default_factory=dict)
    attempts: Annotated[Positive, Meta(description="Deliveries tried before a report is a dead letter that shouts.")] = 12
    follow_ups: Annotated[
        int,
        Meta(ge=0, description="Follow-up letters in a case's thread; after them at most one an hour, for a flag with scores to page."),
    ] = 10
    ack_address: Annotated[
        str,
        Meta(
            description="Mail address that `tsbot reports receive` reads. Letters ask to answer to it, with `+ack-CODE` after its name. "
            "Empty: acknowledgements come by `tsbot reports ack` only."
        ),
    ] = ""
    drill_address: Annotated[str, Meta(description="Where the letters of `tsbot drill` go. Empty: into the spool.")] = ""
    deadlines: Annotated[
        dict[str, dict[str, float]],
        Meta(description="Minutes until somebody else is told, per kind (or `default`) and name; replaces `tsbot/report/deadlines.toml`."),
    ] = msgspec.field(default_factory=dict)


class MailSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mail server that `smtp` hands letters to."""

    host: Annotated[str, Meta(description="Host name of the relay; empty: mail is not configured.")] = ""
    port: Annotated[int, Meta(gt=0, lt=65536, description="Port.")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="`starttls` and `tls` verify the certificate; `none` is refused except on loopback."),
    ] = "starttls"
    ca_file: Annotated[str, Meta(description="PEM file of certificate authorities; empty: the system's.")] = ""
    user: Annotated[str, Meta(description="User name; empty: no authentication.")] = ""
    password: Annotated[str, Meta(description="Password; better set as TSBOT_MAIL__PASSWORD.")] = ""
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for the server at each step.")] = 30.0
    bounces: Annotated[
        str, Meta(description="Mail address that bounces go to (`tsbot reports receive` reads them); empty: `report.reporter_contact`.")
    ] = ""


class PageSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paging: waking a person for a flag of an emergency kind. Pages carry ids only."""

    specificity: Annotated[Score, Meta(description="Page from this specificity on, ...")] = 1
    plausibility: Annotated[Score, Meta(description="... and this plausibility, ...")] = 2
    imminence: Annotated[Score, Meta(description="... and this imminence.")] = 0
    mail: Annotated[tuple[str, ...], Meta(description="Mail addresses to page (an e-mail-to-SMS gateway, for instance).")] = ()
    webhooks: Annotated[
        tuple[str, ...], Meta(description="Addresses, or names of `[webhooks]` (those are signed), that get a JSON POST with ids only.")
    ] = ()
    language: Annotated[str, Meta(description="Language of pages.")] = "en"
    again_after: Annotated[
        float, Meta(ge=0, description="Seconds after which a further flag of the same case may wake the same person again.")
    ] = 3600.0
    max_age: Annotated[float, Meta(gt=0, description="Edits older than this many seconds are flagged and reported, but wake nobody.")] = (
        21600.0
    )


class SuiteCrmSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The case management that `suitecrm` reports to (SuiteCRM's V8 API)."""

    url: Annotated[str, Meta(description="Base address; what stands before `/Api` or `/legacy/Api`. Empty: not configured.")] = ""
    api_path: Annotated[str, Meta(description="Path of the API: `/Api` of SuiteCRM 7, `/legacy/Api` of SuiteCRM 8.")] = "/Api"
    client_id: Annotated[str, Meta(description="Id of the OAuth2 client (client credentials).")] = ""
    client_secret: Annotated[str, Meta(description="Its secret; better set as TSBOT_SUITECRM__CLIENT_SECRET.")] = ""
    p1: Annotated[int, Meta(ge=0, le=101, description="Cases from this priority on (0-100) are `P1` there.")] = 80
    p2: Annotated[int, Meta(ge=0, le=101, description="Cases from this priority on are `P2`; the others `P3`.")] = 40
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for each answer.")] = 15.0


class ZammadSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ticket system that `zammad` reports to."""

    url: Annotated[str, Meta(description="Base address; what stands before `/api/v1`. Empty: not configured.")] = ""
    token: Annotated[str, Meta(description="Access token with the right `ticket.agent`; better set as TSBOT_ZAMMAD__TOKEN.")] = ""
    customer: Annotated[str, Meta(description="Mail address of the tickets' customer; empty: `report.reporter_contact`.")] = ""
    high: Annotated[int, Meta(ge=0, le=101, description="Cases from this priority on (0-100) are `3 high` there.")] = 80
    normal: Annotated[int, Meta(ge=0, le=101, description="Cases from this priority on are `2 normal`; the others `1 low`.")] = 40
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for each answer.")] = 15.0


class WebhookSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that letters or pages are posted to, signed."""

    url: Annotated[str, Meta(description="Where to; https, or http on this machine.")]
    secret: Annotated[
        str,
        Meta(
            description="Signs what is posted (HMAC-SHA256); `whsec_` and base64, or plain text. Two, parted by a space, while you "
            "change it. Better set as TSBOT_WEBHOOKS__NAME__SECRET."
        ),
    ] = ""
    timeout: Annotated[float, Meta(gt=0, description="Seconds to wait for the answer.")] = 10.0


class OnCallPerson(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is told when a report waits too long."""

    name: Annotated[str, Meta(min_length=1, max_length=64, description="A name for rotas; a role does as well. It is not sent anywhere.")]
    mail: Annotated[str, Meta(description="Mail address, for instance of an e-mail-to-SMS gateway.")] = ""
    webhook: Annotated[str, Meta(description="Address that gets a JSON POST with ids only.")] = ""
    quiet: Annotated[
        str, Meta(description="Quiet hours, such as `22:00-07:00`; they do not hold for threats to life or limb. Empty: none.")
    ] = ""
    zone: Annotated[str, Meta(description="Time zone of the quiet hours, such as `Europe/Berlin`.")] = "UTC"


class OnCallRota(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People who take turns."""

    people: Annotated[tuple[str, ...], Meta(min_length=1, description="Names from `oncall.people`, in the order of their turns.")]
    since: Annotated[str, Meta(description="Day on which the first one's turn began, such as `2026-01-05`.")]
    turn_days: Annotated[Positive, Meta(description="Days of a turn.")] = 7
    handover: Annotated[str, Meta(description="Time of day at which turns change.")] = "09:00"
    zone: Annotated[str, Meta(description="Time zone of day and time.")] = "UTC"


class OnCallSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told when a report waits too long. Without people here it is whoever `[page]` names."""

    people: Annotated[tuple[OnCallPerson, ...], Meta(description="People, those first who are asked first.")] = ()
    rotas: Annotated[tuple[OnCallRota, ...], Meta(description="Whose turn it is. Empty: everybody's.")] = ()


class MetricsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a running patrol tells Prometheus and whatever restarts it."""

    listen: Annotated[
        str, Meta(description="Address and port for `/metrics`, `/healthz` and `/readyz`, for instance `127.0.0.1:9100`; empty: none.")
    ] = ""
    public: Annotated[
        bool, Meta(description="Allow an address that other machines reach. Whoever reaches it can read the numbers; there is no login.")
    ] = False
    silent_after: Annotated[
        float, Meta(gt=0, description="Seconds without a byte from the stream, or a turn of the patrol, after which it is not ready.")
    ] = 300.0

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None for not at all. Raises ``SettingsError``."""
        if not self.listen:
            return None
        host, port = _address(self.listen, "metrics.listen", "127.0.0.1:9100 or [::1]:9100")
        if not self.public and not _is_loopback(host):
            raise SettingsError("metrics.listen: other machines can reach this address. Set metrics.public = true if they shall.")
        return host, port


class ScanSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Looking back at history (`tsbot scan`), and at what filters stopped."""

    requests_per_minute: Annotated[
        int,
        Meta(
            ge=0,
            description="Requests that a look back may make beside a patrol; 0: a third of the patrol's budget, so that both together "
            "stay within what the class of client allows.",
        ),
    ] = 0
    filters: Annotated[
        tuple[str, ...],
        Meta(
            description="Wikis (database names) whose abuse log the patrol reads, for attempts that filters stopped. The account needs the "
            "rights `abusefilter-log` and `abusefilter-log-detail` there."
        ),
    ] = ()
    filters_every: Annotated[float, Meta(ge=10, description="Seconds between looks at an abuse log.")] = 60.0
    filters_since_hours: Annotated[float, Meta(ge=0, description="How far back the first look at an abuse log goes.")] = 1.0
    workers: Annotated[int, Meta(ge=0, description="Processes that read a dump; 0: one for each processor.")] = 0


class AlarmSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dead man's alarm (`tsbot alarm`, asked by a timer). It tells whom `[page]` names."""

    silent_minutes: Annotated[float, Meta(gt=0, description="Minutes without anything read from the stream after which it sounds.")] = 15.0
    undelivered_minutes: Annotated[
        float, Meta(gt=0, description="Minutes after which a message that was let go and has not left makes it sound.")
    ] = 30.0
    again_hours: Annotated[float, Meta(gt=0, description="Hours after which the same trouble is told of again.")] = 6.0
    backup: Annotated[bool, Meta(description="Whether it sounds after a week without `tsbot backup`.")] = True


class ConsoleSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The private web application (`tsbot serve`)."""

    listen: Annotated[str, Meta(description="Address and port that the console listens on.")] = "127.0.0.1:8787"
    url: Annotated[
        str, Meta(description="Address under which people reach it, without a path, such as `https://tsbot.example.org`; empty: `listen`.")
    ] = ""
    certificate: Annotated[str, Meta(description="PEM file of the certificate (and those between), for TLS. Relative to `data_dir`.")] = ""
    private_key: Annotated[str, Meta(description="PEM file of its key. Relative to `data_dir`.")] = ""
    behind_proxy: Annotated[
        bool, Meta(description="A proxy that speaks TLS stands before it, on this machine or named in `trusted_proxies`; `url` is https.")
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses of proxies that are believed when they say who asks (`X-Forwarded-For`).")
    ] = ("127.0.0.1", "::1")
    oauth_url: Annotated[
        str, Meta(description="Where MediaWiki's OAuth 2 is; `/authorize`, `/access_token` and `/resource/profile` are appended.")
    ] = "https://meta.wikimedia.org/w/rest.php/oauth2"
    client_id: Annotated[str, Meta(description="Id of the OAuth client (Special:OAuthConsumerRegistration). Empty: no such sign-in.")] = ""
    client_secret: Annotated[str, Meta(description="Its secret; better set as TSBOT_CONSOLE__CLIENT_SECRET. Empty: a public client.")] = ""
    central_wiki: Annotated[
        str, Meta(description="Wiki (database name) that OAuth signs in on, and whose CentralAuth is asked for people's groups.")
    ] = "metawiki"
    central_auth: Annotated[
        bool, Meta(description="Whether that wiki has CentralAuth. Without it, people have rights on that wiki only.")
    ] = True
    wiki_login: Annotated[
        str,
        Meta(
            description="Wiki (database name) whose own user name and password sign people in, where there is no OAuth. Only on "
            "loopback or with TLS. Empty: off."
        ),
    ] = ""
    team: Annotated[tuple[str, ...], Meta(description="Central ids (without CentralAuth: `wiki:id`) of the Trust & Safety team.")] = ()
    admins: Annotated[tuple[str, ...], Meta(description="Ids of those who may see configuration and statistics, and no text.")] = ()
    auditors: Annotated[tuple[str, ...], Meta(description="Ids of those who may read the log, and no text.")] = ()
    matrix: Annotated[
        str, Meta(description="Table of who may do what, in the place of `tsbot/console/matrix.toml`. Relative to `data_dir`.")
    ] = ""
    wiki_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins of wikis whose gadget may use the JSON API (CORS), such as `https://en.wikipedia.org`."),
    ] = ()
    requests_per_minute: Annotated[Positive, Meta(description="Requests that one person, or one token, may make in a minute.")] = 240
    sign_ins_per_hour: Annotated[Positive, Meta(description="Tries to sign in that one address, or one user name, has in an hour.")] = 20
    reads_a_day: Annotated[Positive, Meta(description="Texts that one person is shown in 24 hours; emergencies are never kept back.")] = 80
    reads_in_a_row: Annotated[Positive, Meta(description="Texts that one person is shown without a rest.")] = 20
    rest_minutes: Annotated[float, Meta(gt=0, description="Minutes without reading that count as a rest.")] = 10.0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on. Raises ``SettingsError``."""
        host, port = _address(self.listen, "console.listen", "127.0.0.1:8787")
        return host, port

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return _is_loopback(self.address[0])

    @property
    def tls(self) -> bool:
        """Whether people reach it over TLS."""
        return bool(self.certificate) or (self.behind_proxy and self.url.startswith("https://"))

    def check(self) -> None:
        """Refuse what would send sessions or passwords in clear over a network. Raises ``SettingsError``."""
        if bool(self.certificate) != bool(self.private_key):
            raise SettingsError("console.certificate and console.private_key are needed both.")
        if self.url and not _ORIGIN.fullmatch(self.url):
            raise SettingsError("console.url is no address without a path, such as https://tsbot.example.org.")
        if self.behind_proxy and not self.url.startswith("https://"):
            raise SettingsError("console.behind_proxy: the proxy speaks TLS, so console.url begins with https://.")
        if self.certificate and self.url.startswith("http://"):
            raise SettingsError("console.url begins with http://, and console.certificate has TLS spoken.")
        if not self.loopback and not self.tls:
            raise SettingsError(
                "console.listen: other machines can reach this address. Name console.certificate and console.private_key, or set "
                "console.behind_proxy."
            )
        for origin in self.wiki_origins:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(f"console.wiki_origins: {origin[:80]!a} is no origin, such as https://en.wikipedia.org.")
        if not self.oauth_url.startswith("https://") and not is_loopback_url(self.oauth_url):
            raise SettingsError("console.oauth_url begins with https:// (or is on this machine).")


class ReceptionSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where anybody can say that somebody is harmed: a public page and a mail address (`tsbot receive`)."""

    listen: Annotated[str, Meta(description="Address and port that the public page listens on; apart from the console's.")] = (
        "127.0.0.1:8788"
    )
    url: Annotated[
        str,
        Meta(
            description="Address under which people reach the page, without a path, such as `https://tell-us.example.org`: a host name of "
            "its own, not the console's. Empty: `listen`."
        ),
    ] = ""
    certificate: Annotated[str, Meta(description="PEM file of the certificate, for TLS. Relative to `data_dir`.")] = ""
    private_key: Annotated[str, Meta(description="PEM file of its key. Relative to `data_dir`.")] = ""
    behind_proxy: Annotated[
        bool, Meta(description="A proxy that speaks TLS stands before it, on this machine or named in `trusted_proxies`; `url` is https.")
    ] = False
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses of proxies that are believed when they say who asks (`X-Forwarded-For`).")
    ] = ("127.0.0.1", "::1")
    exit_url: Annotated[str, Meta(description="Where the button leads that leaves the page quickly.")] = "https://www.wikipedia.org/"
    name: Annotated[str, Meta(description="Who answers, as people see it: a role, never a person.")] = "Trust and Safety"
    address: Annotated[
        str, Meta(description="Mail address for reports; also From of the answers. Empty: none is shown, and no mail is taken.")
    ] = ""
    mail_listen: Annotated[
        str, Meta(description="Loopback address and port on which mail is taken from your mail server (LMTP), such as `127.0.0.1:8024`.")
    ] = ""
    mail_protocol: Annotated[Literal["lmtp", "smtp"], Meta(description="What your mail server speaks there.")] = "lmtp"
    pgp_key: Annotated[
        str,
        Meta(description="File with the secret OpenPGP key that mail to us is encrypted to, without a password. Relative to `data_dir`."),
    ] = ""
    client_id: Annotated[
        str,
        Meta(
            description="Id of an OAuth client of the page's own (it returns to `url`/sign-in/return), at `console.oauth_url`. With it "
            "people may sign in to say that an account is theirs, and are written to through their wiki. Empty: no such sign-in."
        ),
    ] = ""
    client_secret: Annotated[str, Meta(description="Its secret; better set as TSBOT_RECEPTION__CLIENT_SECRET. Empty: a public client.")] = (
        ""
    )
    wiki: Annotated[str, Meta(description="Wiki (database name) whose handlers get reports that name no wiki.")] = "metawiki"
    news_days: Annotated[float, Meta(gt=0, description="Days within which a person is told that there are news.")] = 7.0
    urgent_hours: Annotated[float, Meta(gt=0, description="The same in hours, where a report reads as danger to life.")] = 24.0
    remind: Annotated[
        tuple[str, ...],
        Meta(description="Mail addresses that are told, besides who is on call, when people wait longer for news than they were told."),
    ] = ()
    link_days: Annotated[float, Meta(gt=0, description="Days for which a private link leads to its report.")] = 180.0
    reports_per_hour: Annotated[
        Positive, Meta(description="Reports that one network address may send in an hour. Many people may share one (Tor, a school).")
    ] = 60
    tries_per_hour: Annotated[Positive, Meta(description="Private links that one network address may open or try in an hour.")] = 240
    directory: Annotated[
        str, Meta(description="Folder of further files of the directory of help, in front of the package's. Relative to `data_dir`.")
    ] = ""

    @property
    def bind(self) -> tuple[str, int]:
        """Host and port of the page. Raises ``SettingsError``."""
        return _address(self.listen, "reception.listen", "127.0.0.1:8788")

    @property
    def mail_bind(self) -> tuple[str, int] | None:
        """Host and port that mail is taken on; None for none. Raises ``SettingsError``: it is for this machine only."""
        if not self.mail_listen:
            return None
        host, port = _address(self.mail_listen, "reception.mail_listen", "127.0.0.1:8024")
        if not _is_loopback(host):
            raise SettingsError("reception.mail_listen: mail is taken from this machine only; let your mail server deliver it here.")
        return host, port

    @property
    def tls(self) -> bool:
        """Whether people reach it over TLS."""
        return bool(self.certificate) or (self.behind_proxy and self.url.startswith("https://"))

    def check(self, console: ConsoleSettings) -> None:
        """Refuse what would send reports in clear over a network, or mix them with the console. Raises ``SettingsError``."""
        if bool(self.certificate) != bool(self.private_key):
            raise SettingsError("reception.certificate and reception.private_key are needed both.")
        if self.url and not _ORIGIN.fullmatch(self.url):
            raise SettingsError("reception.url is no address without a path, such as https://tell-us.example.org.")
        if self.behind_proxy and not self.url.startswith("https://"):
            raise SettingsError("reception.behind_proxy: the proxy speaks TLS, so reception.url begins with https://.")
        if not _is_loopback(self.bind[0]) and not self.tls:
            raise SettingsError(
                "reception.listen: other machines can reach this address. Name reception.certificate and reception.private_key, or set "
                "reception.behind_proxy."
            )
        if self.url and console.url and urlsplit(self.url).hostname == urlsplit(console.url).hostname:
            raise SettingsError("reception.url: the public page has a host name of its own, apart from the console's.")
        if not self.exit_url.startswith("https://"):
            raise SettingsError("reception.exit_url begins with https://.")
        _ = self.mail_bind  # refuses by itself


class BusSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What tells workers on many machines of events (`tsbot listen`, `tsbot work`, `tsbot deliver`)."""

    engine: Annotated[
        Literal["", "nats", "kafka"], Meta(description="`nats` (JetStream) or `kafka`; empty: no broker, workers look into the database.")
    ] = ""
    servers: Annotated[tuple[str, ...], Meta(description="Addresses: `nats://host:4222`; for Kafka `host:9092`.")] = (
        "nats://127.0.0.1:4222",
    )
    name: Annotated[
        str, Meta(pattern="^[A-Za-z0-9_-]{1,40}$", description="Begins the names of stream, topic, subject and group on the broker.")
    ] = "tsbot"
    user: Annotated[str, Meta(description="User name at the broker; empty: none.")] = ""
    password: Annotated[str, Meta(description="Its password; better set as TSBOT_BUS__PASSWORD.")] = ""
    tls: Annotated[bool, Meta(description="Speak TLS, and verify the broker's certificate.")] = False
    ca_file: Annotated[str, Meta(description="PEM file of certificate authorities; empty: the system's.")] = ""
    replicas: Annotated[int, Meta(ge=1, le=5, description="Machines of the broker that keep each message.")] = 1
    partitions: Annotated[
        Positive, Meta(description="Partitions of a Kafka topic that tsbot makes; no more workers than that have something to do.")
    ] = 16
    batch: Annotated[int, Meta(ge=1, le=5000, description="Most events that a worker takes at once.")] = 200
    ack_wait: Annotated[float, Meta(gt=1, description="Seconds after which NATS delivers again what a worker has not acknowledged.")] = 60.0
    lease: Annotated[float, Meta(ge=3, description="Seconds of silence after which what a worker or listener had is somebody else's.")] = (
        30.0
    )
    forgotten_after: Annotated[float, Meta(ge=1, description="Seconds after which workers take an event that no broker told them of.")] = (
        60.0
    )
    attempts: Annotated[Positive, Meta(description="Times that workers begin with an event before it goes to the dead letters.")] = 5
    page_patience: Annotated[
        float, Meta(ge=0, description="Seconds that an edit whose text is there waits for earlier edits of its page.")
    ] = 30.0

    def check(self) -> None:
        """Refuse what cannot be connected to. Raises ``SettingsError``."""
        if not self.servers:
            raise SettingsError("bus.servers names no server.")
        nats = [server.startswith(("nats://", "tls://")) for server in self.servers]
        if self.engine == "nats" and not all(nats):
            raise SettingsError("bus.servers: addresses of NATS look like nats://broker.example.org:4222.")
        if self.engine == "kafka" and any("://" in server for server in self.servers):
            raise SettingsError("bus.servers: addresses of Kafka look like broker.example.org:9092.")
        if self.password and not self.user:
            raise SettingsError("bus.password is set without bus.user.")


class TraceSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Traces: which accounts seem to belong together, across wikis."""

    index: Annotated[
        bool, Meta(description="Whether the patrol keeps the activity index: who edited which page when, public metadata, no text.")
    ] = True
    index_days: Annotated[Positive, Meta(description="Days that the activity index reaches back; older edits are trimmed.")] = 90
    skip_wikis: Annotated[
        tuple[str, ...], Meta(description="Database names of wikis that are neither indexed nor asked for traces (opt-out).")
    ] = ()
    index_bots: Annotated[
        bool, Meta(description="Whether edits with the bot flag are indexed too; without them the index is smaller by as much.")
    ] = True
    wikis: Annotated[
        tuple[str, ...],
        Meta(description="Wikis (database names) asked about an account where no CentralAuth tells its wikis, besides those read."),
    ] = ()
    most_edits: Annotated[
        int, Meta(ge=10, le=20_000, description="Latest edits of the account asked about that are looked at, all wikis together.")
    ] = 2000
    candidates: Annotated[int, Meta(ge=1, le=200, description="Accounts whose contributions are read from the wikis to be compared.")] = 25
    pages: Annotated[int, Meta(ge=0, le=200, description="Page histories that are read to find candidates.")] = 12
    texts: Annotated[
        int, Meta(ge=0, le=200, description="Latest edits of the accounts compared whose added text is read and compared; 0: none.")
    ] = 20
    sitelinks: Annotated[
        str,
        Meta(
            description="Wiki (database name) whose sitelinks join pages of different languages. It is asked about wikis that say "
            "themselves that their links are kept there. Empty: pages of different languages are different pages."
        ),
    ] = "wikidatawiki"
    most_wikis: Annotated[
        int, Meta(ge=1, le=1000, description="Wikis that are asked about one account; those with the most edits first.")
    ] = 40
    cache_minutes: Annotated[
        float, Meta(ge=0, description="Minutes for which what a wiki answered about an account is kept, encrypted; 0: not at all.")
    ] = 60.0
    watch_days: Annotated[Positive, Meta(description="Days after which a watch ends by itself.")] = 90


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything."""

    data_dir: Annotated[
        str, Meta(description="Folder for database, key and spool; relative to the settings file, or to the working directory.")
    ] = "tsbot-data"
    database: Annotated[
        str, Meta(description="SQLAlchemy URL: `postgresql://`, `mariadb://` or `sqlite:///`. Empty: SQLite in `data_dir`.")
    ] = ""
    key_file: Annotated[str, Meta(description="File of the master keys; made on first start, mode 600. Relative to `data_dir`.")] = (
        "master.key"
    )
    master_key: Annotated[
        str,
        Meta(
            description="The master keys themselves, newest first, instead of a file: as TSBOT_MASTER_KEY only, a settings file with "
            "them is refused. systemd's credential `tsbot-master-key` comes next, then the file."
        ),
    ] = ""
    stream: StreamSettings = msgspec.field(default_factory=StreamSettings)
    admission: AdmissionSettings = msgspec.field(default_factory=AdmissionSettings)
    wiki: WikiSettings = msgspec.field(default_factory=WikiSettings)
    detect: DetectSettings = msgspec.field(default_factory=DetectSettings)
    cases: CaseSettings = msgspec.field(default_factory=CaseSettings)
    hide: HideSettings = msgspec.field(default_factory=HideSettings)
    scores: ScoreSettings = msgspec.field(default_factory=ScoreSettings)
    report: ReportSettings = msgspec.field(default_factory=ReportSettings)
    mail: MailSettings = msgspec.field(default_factory=MailSettings)
    page: PageSettings = msgspec.field(default_factory=PageSettings)
    people: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description="User names on wikis, by operator (user name on this machine): nobody handles a case in which they are a party."),
    ] = msgspec.field(default_factory=dict)
    suitecrm: SuiteCrmSettings = msgspec.field(default_factory=SuiteCrmSettings)
    zammad: ZammadSettings = msgspec.field(default_factory=ZammadSettings)
    webhooks: Annotated[
        dict[str, WebhookSettings], Meta(description='Webhooks by name: recipients of letters (`channel = "webhook"`) and of pages.')
    ] = msgspec.field(default_factory=dict)
    oncall: OnCallSettings = msgspec.field(default_factory=OnCallSettings)
    metrics: MetricsSettings = msgspec.field(default_factory=MetricsSettings)
    console: ConsoleSettings = msgspec.field(default_factory=ConsoleSettings)
    scan: ScanSettings = msgspec.field(default_factory=ScanSettings)
    alarm: AlarmSettings = msgspec.field(default_factory=AlarmSettings)
    reception: ReceptionSettings = msgspec.field(default_factory=ReceptionSettings)
    bus: BusSettings = msgspec.field(default_factory=BusSettings)
    trace: TraceSettings = msgspec.field(default_factory=TraceSettings)

    @property
    def data_path(self) -> Path:
        """The data folder as a path."""
        return Path(self.data_dir).expanduser()

    @property
    def database_url(self) -> str:
        """The database to use, as an SQLAlchemy URL."""
        return self.database or f"sqlite:///{self.data_path / DATABASE_FILE}"

    @property
    def key_path(self) -> Path:
        """The master key's file."""
        return self.data_path / self.key_file

    @property
    def templates_path(self) -> Path | None:
        """The folder of own letters; None if there is none."""
        return self.data_path / self.report.templates if self.report.templates else None

    @property
    def spool_path(self) -> Path:
        """The folder that `.eml` files are written to."""
        return self.data_path / self.report.spool


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises ``SettingsError`` for a missing file that was asked for, broken TOML, an unknown key or a wrong value.
    """
    environ = os.environ if environ is None else environ
    asked = path or (Path(environ["TSBOT_CONFIG"]) if environ.get("TSBOT_CONFIG") else None)
    file = asked or Path("tsbot.toml")
    tree: dict[str, Any] = {}
    if asked is not None and not file.exists():
        raise SettingsError(f"The settings file {file} does not exist. Name another with --config or TSBOT_CONFIG.")
    if file.exists():
        try:
            tree = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error
        if "data_dir" in tree:
            tree["data_dir"] = str(file.parent / str(tree["data_dir"]))
    if "master_key" in tree:
        raise SettingsError(f"{file}: master_key has no place in a settings file. Use key_file, or set TSBOT_MASTER_KEY.")
    _override(tree, environ)
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"Setting refused in {file}: {error}. docs/settings.md lists every key.") from error
    _check(settings)
    return settings


def _override(tree: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Lay ``TSBOT_SECTION__KEY`` variables over the file's tree."""
    for name, raw in environ.items():
        if not name.startswith("TSBOT_") or name in ("TSBOT_CONFIG", "TSBOT_TOKEN"):
            continue
        *sections, key = name.removeprefix("TSBOT_").lower().split("__")
        node = tree
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                raise SettingsError(f"{name}: {section} is not a table.")
        node[key] = raw if _is_text([*sections, key]) else _value(raw)


def _is_text(path: list[str]) -> bool:
    """Whether a key holds text, whatever it looks like: a password may be a number."""
    info: inspect.Type = inspect.type_info(Settings)
    for name in path:
        if isinstance(info, inspect.StructType):
            info = next((field.type for field in info.fields if field.encode_name == name), inspect.AnyType())
        else:
            info = info.value_type if isinstance(info, inspect.DictType) else inspect.AnyType()
        info = info.type if isinstance(info, inspect.Metadata) else info
    return isinstance(info, inspect.StrType)


def _value(raw: str) -> Any:
    """A TOML value where the text is one (numbers, true, arrays), else the text itself."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def _address(listen: str, key: str, example: str) -> tuple[str, int]:
    """Host and port of an address to listen on."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{key} is no address with a port, such as {example}.")
    return host, int(port)


def is_origin(url: str) -> bool:
    """Whether an address is scheme, host and port, without a path."""
    return _ORIGIN.fullmatch(url) is not None


def is_loopback_url(url: str) -> bool:
    """Whether an http address is on this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and _is_loopback(parts.hostname or "")
    except ValueError:  # brackets that hold no address
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check(settings: Settings) -> None:
    """Refuse what types alone cannot."""
    known = {str(kind) for kind in Kind}
    for name, table in (
        ("report.recipients", settings.report.recipients),
        ("report.release", settings.report.release),
        ("report.deadlines", settings.report.deadlines),
        ("detect.thresholds", settings.detect.thresholds),
    ):
        for kind in table:
            if kind not in known and not (name in ("report.recipients", "report.deadlines") and kind == "default"):
                raise SettingsError(f"{name}.{kind}: no such kind; the kinds are {', '.join(sorted(known))}.")
    if settings.scores.service == "ores" and not settings.scores.url:
        raise SettingsError("scores.url: name the ORES-compatible host; there is no public one any more.")
    if settings.scores.url and not settings.scores.url.startswith(("https://", "http://")):
        raise SettingsError("scores.url is no http or https address.")
    if settings.mail.security == "none" and settings.mail.host not in ("", "127.0.0.1", "::1", "localhost"):
        raise SettingsError("mail.security = 'none' is allowed to a server on this machine only; use 'starttls' or 'tls'.")
    _ = settings.metrics.address  # refuses by itself
    settings.console.check()
    settings.reception.check(settings.console)
    settings.bus.check()
