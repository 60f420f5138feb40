"""tsbot's own settings: one typed tree, read from ``tsbot.toml`` and the environment.

A file is looked for in this order: the path given to :func:`load`, ``$TSBOT_CONFIG``, ``tsbot.toml`` in the working
directory. ``$TSBOT_<SECTION>__<KEY>`` overrides one key, for instance ``TSBOT_MAIL__HOST=mail.example.org``. Unknown keys are
refused by name. Every key is described here, and ``docs/settings.md`` is made from these descriptions
(``tsbot settings``).

pywikibot's configuration (accounts, families) stays in its own ``user-config.py``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, inspect

from tsbot.detect.finding import Kind
from tsbot.errors import SettingsError

Positive = Annotated[int, Meta(gt=0)]
Score = Annotated[int, Meta(ge=0, le=3)]
DATABASE_FILE = "tsbot.sqlite"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of ``tsbot.toml``."""


class StreamSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where events come from."""

    url: Annotated[str, Meta(description="Base address of the EventStreams service; stream names are appended.")] = (
        "https://stream.wikimedia.org/v2/stream/"
    )
    streams: Annotated[
        tuple[str, ...], Meta(description="Streams read over one connection.", min_length=1)
    ] = (
        "mediawiki.recentchange",
        "mediawiki.page_change.v1",
        "mediawiki.revision-visibility-change",
        "mediawiki.page-delete",
    )
    read_deadline: Annotated[
        float, Meta(gt=0, description="Seconds without a single byte after which the connection is given up and made anew.")
    ] = 90.0
    rewind: Annotated[
        float, Meta(ge=0, description="Seconds to go back when resuming the stream; de-duplication makes it safe.")
    ] = 60.0
    batch: Annotated[Positive, Meta(description="Most events taken in one transaction.")] = 500
    batch_wait: Annotated[float, Meta(gt=0, description="Seconds to wait for a batch to fill before what is there is taken.")] = 0.5
    queue: Annotated[Positive, Meta(description="Events held in memory between reader and pipeline before reading pauses.")] = 5000
    max_event_bytes: Annotated[
        Positive, Meta(description="Longer messages go to the dead letters without being decoded.")
    ] = 16_000_000
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
    only_wikis: Annotated[
        tuple[str, ...], Meta(description="If not empty, every other wiki is skipped (rule `other_wiki`).")
    ] = ()
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
    batch_window: Annotated[
        float, Meta(ge=0, description="Seconds an edit may wait for others of its wiki, to share a request.")
    ] = 1.0
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
    shadow_packs: Annotated[
        str, Meta(description="Folder of candidate language packs that judge along without flagging anything.")
    ] = ""


class CaseSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How flags are grouped."""

    window_hours: Annotated[
        float, Meta(gt=0, description="Flags of one author on one wiki within this time belong to one case.")
    ] = 24.0
    page_window_hours: Annotated[
        float, Meta(ge=0, description="Flags of different authors on one page within this time belong to one case.")
    ] = 1.0


class ScoreSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What outside models say of flagged revisions: one reason in a flag's priority, never a condition."""

    service: Annotated[
        Literal["", "liftwing", "ores"],
        Meta(description="Who is asked whether a flagged revision will be reverted: Wikimedia's Lift Wing or an ORES-compatible host."),
    ] = ""
    url: Annotated[
        str, Meta(description="Base address of the service: for `ores` its host; for `liftwing` what stands before the model's name.")
    ] = ""
    model: Annotated[
        str, Meta(description="Model; empty: `revertrisk-language-agnostic` of Lift Wing, `damaging` of ORES.")
    ] = ""
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


class Recipient(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets the reports of a kind."""

    to: Annotated[str, Meta(description="Mail address, or the user name for `emailuser`.")]
    channel: Annotated[
        Literal["", "spool", "smtp", "emailuser"], Meta(description="How it is reached; empty: the channel of `[report]`.")
    ] = ""
    excerpt: Annotated[bool, Meta(description="Whether letters quote the text. False: links only.")] = False
    wiki: Annotated[str, Meta(description="For `emailuser`: database name of the wiki that mails.")] = "metawiki"


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
    release: Annotated[
        dict[str, ReleaseRule],
        Meta(description="Kinds whose reports are sent without a person's release, from given scores on. Empty: a person releases each."),
    ] = msgspec.field(default_factory=dict)
    attempts: Annotated[Positive, Meta(description="Deliveries tried before a report is a dead letter that shouts.")] = 12
    follow_ups: Annotated[
        int,
        Meta(ge=0, description="Follow-up letters in a case's thread; after them at most one an hour, for a flag with scores to page."),
    ] = 10


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


class PageSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paging: waking a person for a flag of an emergency kind. Pages carry ids only."""

    specificity: Annotated[Score, Meta(description="Page from this specificity on, ...")] = 1
    plausibility: Annotated[Score, Meta(description="... and this plausibility, ...")] = 2
    imminence: Annotated[Score, Meta(description="... and this imminence.")] = 0
    mail: Annotated[tuple[str, ...], Meta(description="Mail addresses to page (an e-mail-to-SMS gateway, for instance).")] = ()
    webhooks: Annotated[tuple[str, ...], Meta(description="Addresses that get a JSON POST with ids only.")] = ()
    again_after: Annotated[
        float, Meta(ge=0, description="Seconds after which a further flag of the same case may wake the same person again.")
    ] = 3600.0
    max_age: Annotated[
        float, Meta(gt=0, description="Edits older than this many seconds are flagged and reported, but wake nobody.")
    ] = 21600.0


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
        host, _, port = self.listen.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise SettingsError("metrics.listen is no address with a port, such as 127.0.0.1:9100 or [::1]:9100.")
        if not self.public and not _is_loopback(host):
            raise SettingsError("metrics.listen: other machines can reach this address. Set metrics.public = true if they shall.")
        return host, int(port)


class Settings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything."""

    data_dir: Annotated[
        str, Meta(description="Folder for database, key and spool; relative to the settings file, or to the working directory.")
    ] = "tsbot-data"
    database: Annotated[str, Meta(description="SQLAlchemy URL; empty: SQLite in `data_dir`.")] = ""
    key_file: Annotated[
        str, Meta(description="File of the master key; made on first start, mode 600. Relative to `data_dir`.")
    ] = "master.key"
    stream: StreamSettings = msgspec.field(default_factory=StreamSettings)
    admission: AdmissionSettings = msgspec.field(default_factory=AdmissionSettings)
    wiki: WikiSettings = msgspec.field(default_factory=WikiSettings)
    detect: DetectSettings = msgspec.field(default_factory=DetectSettings)
    cases: CaseSettings = msgspec.field(default_factory=CaseSettings)
    scores: ScoreSettings = msgspec.field(default_factory=ScoreSettings)
    report: ReportSettings = msgspec.field(default_factory=ReportSettings)
    mail: MailSettings = msgspec.field(default_factory=MailSettings)
    page: PageSettings = msgspec.field(default_factory=PageSettings)
    metrics: MetricsSettings = msgspec.field(default_factory=MetricsSettings)

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
        if not name.startswith("TSBOT_") or name == "TSBOT_CONFIG":
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
        ("detect.thresholds", settings.detect.thresholds),
    ):
        for kind in table:
            if kind not in known and not (name == "report.recipients" and kind == "default"):
                raise SettingsError(f"{name}.{kind}: no such kind; the kinds are {', '.join(sorted(known))}.")
    if settings.scores.service == "ores" and not settings.scores.url:
        raise SettingsError("scores.url: name the ORES-compatible host; there is no public one any more.")
    if settings.scores.url and not settings.scores.url.startswith(("https://", "http://")):
        raise SettingsError("scores.url is no http or https address.")
    if settings.mail.security == "none" and settings.mail.host not in ("", "127.0.0.1", "::1", "localhost"):
        raise SettingsError("mail.security = 'none' is allowed to a server on this machine only; use 'starttls' or 'tls'.")
    _ = settings.metrics.address  # refuses by itself
