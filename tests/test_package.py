"""The built wheel: what is in it, what is not, and that it works where it is installed; and what the repository must not hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import tsbot

ROOT = Path(__file__).parent.parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("TSBOT_", "PYTHON", "PYWIKIBOT"))}
MOST_BYTES = 10_000_000
MOST_MODEL_BYTES = 60_000_000
DATA = {
    "language packs": r"tsbot/detect/packs/en\.toml",
    "a model": r"tsbot/detect/models/(ngrams\.npy|words\.npy|encoder\.onnx|tokenizer\.json\.gz)",
    "sentences": r"tsbot/detect/sentences/en\.txt",
    "annotations": r"tsbot/detect/learn/annotations\.txt",
    "words around personal data": r"tsbot/detect/private/(cues|streets)\.toml",
    "the model's manifest": r"tsbot/detect/models/manifest\.json",
    "letters": r"tsbot/report/templates/.+",
    "messages of letters": r"tsbot/i18n/(en|qqq|ar)\.json",
    "what is read where a language lacks a message": r"tsbot/i18n/fallbacks\.toml",
    "places of help": r"tsbot/report/help\.toml",
    "the console's pages": r"tsbot/console/templates/case\.html\.j2",
    "the console's script": r"tsbot/console/static/console\.js",
    "the console's messages": r"tsbot/console/i18n/(en|qqq|de)\.json",
    "messages of evidence": r"tsbot/trace/i18n/(en|qqq|de)\.json",
    "who may do what": r"tsbot/console/matrix\.toml",
    "routing": r"tsbot/report/routing\.toml",
    "points of priorities": r"tsbot/cases/priority\.toml",
    "words of headings, templates and titles": r"tsbot/cases/places\.toml",
    "criteria for hiding": r"tsbot/hide/criteria/(default|enwiki)\.toml",
    "reasons for hiding": r"tsbot/hide/reasons\.toml",
    "migrations": r"tsbot/store/migrations/versions/\d+.*\.py",
    "the migrations' environment": r"tsbot/store/migrations/env\.py",
    "the page of the statistics": r"tsbot/cases/stats/page\.html\.j2",
    "seeds of the demo": r"tsbot/demo/seeds\.toml",
    "accounts of the demo": r"tsbot/demo/accounts\.toml",
    "the demo's Debian script": r"tsbot/demo/debian/install\.sh",
    "a mark that types are there": r"tsbot/py\.typed",
    "commands for pwb": r"tsbot/pwb/tsbot/tsbot_[a-z]+\.py",
    "the licence": r"tsbot-.+\.dist-info/licenses/LICENSE",
}


def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program with a clean environment."""
    more = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYWIKIBOT_NO_USER_CONFIG": "2"} | environment
    return subprocess.run([*map(str, words)], cwd=cwd, env=ENVIRONMENT | more, capture_output=True, text=True, timeout=120, check=False)


def pwb(folder: Path, *words: str | Path, python: str | Path = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run ``pwb`` with a folder's ``user-config.py``."""
    program = "from pywikibot.scripts.wrapper import run; run()"
    return run(python, "-c", program, *words, cwd=folder, PYWIKIBOT_DIR=str(folder))


def tracked() -> list[str]:
    """Files that git knows."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = run("git", "ls-files", "-z", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return [name for name in done.stdout.split("\0") if name]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT)
    done = run(*pip, cwd=folder)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("tsbot-*.whl")
    return file


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``python`` of a fresh environment with the wheel; what tsbot depends on is lent by the environment of the tests."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python3*/site-packages")
    # A path in a .pth file lends the packages there, and not the .pth files there: the editable tsbot stays out.
    lent = [path for path in sys.path if path.endswith("site-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n")
    return python


def test_the_wheel_has_the_version_of_which_the_changes_are_told(wheel: Path) -> None:
    assert wheel.name.startswith(f"tsbot-{tsbot.__version__}-")
    told = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert told[0] == tsbot.__version__


def test_the_wheel_holds_what_the_program_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    missing = [what for what, pattern in DATA.items() if not any(re.fullmatch(pattern, name) for name in names)]
    assert missing == []
    pwb = [name for name in names if re.fullmatch(DATA["commands for pwb"], name)]
    assert len(pwb) == len([*(ROOT / "bots").glob("*.py"), *(ROOT / "scripts").glob("*.py")])
    packs = {path.name for path in (ROOT / "tsbot" / "detect" / "packs").glob("*.toml")}
    assert packs == {Path(name).name for name in names if name.startswith("tsbot/detect/packs/")}


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    commands = [path.stem for folder in ("bots", "scripts") for path in (ROOT / folder).glob("*.py")]
    sources = set(tracked()) | {f"tsbot/pwb/tsbot/tsbot_{name}.py" for name in commands}
    sources |= {f"tsbot/console/static/vendor/{name}" for name in ("codex.css", "htmx.min.js", "LICENCES.txt")}  # made by `make console`
    strangers = [name for name in archive.namelist() if ".dist-info/" not in name and name not in sources]
    assert strangers == []
    assert [name for name in archive.namelist() if name.startswith(("tests/", "benchmarks/", "docs/"))] == []
    model = "tsbot/detect/models/"
    assert [info.filename for info in archive.infolist() if info.file_size > MOST_BYTES and not info.filename.startswith(model)] == []
    assert sum(info.file_size for info in archive.infolist() if info.filename.startswith(model)) < MOST_MODEL_BYTES


def test_the_installed_command_runs(installed: Path, tmp_path: Path) -> None:
    done = run(installed.parent / "tsbot", "doctor", "--offline", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    states = {line["check"]: line["state"] for line in map(json.loads, done.stdout.splitlines())}
    assert (states["detector"], states["schema"]) == ("ok", "ok")


def test_pywikibot_finds_the_installed_commands(installed: Path, tmp_path: Path) -> None:
    script = (
        "from importlib.metadata import entry_points; from pathlib import Path; import tsbot\n"
        "(point,) = entry_points(group='pywikibot', name='scriptspath')\n"
        "path = point.load(); assert isinstance(path, Path)\n"
        "assert (path / 'tsbot_patrol.py').is_file(), path\n"
        "print(tsbot.__file__)"
    )
    done = run(installed, "-W", "error", "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.parent.parent)
    for name, words in (("tsbot_patrol", "Read recent changes, find threats"), ("tsbot_doctor", "Check settings, key, database")):
        shown = pwb(tmp_path, name, "-help", python=installed)
        assert (shown.returncode, words in shown.stdout, "&params;" in shown.stdout) == (0, True, False), shown.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder as an operator has it: the example configuration beside ``bots`` and ``scripts``."""
    for name in ("bots", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    file = tmp_path / "user-config.py"
    file.write_bytes((ROOT / "user-config.example.py").read_bytes())
    file.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("patrol", "Read recent changes"),
        ("doctor", "Check settings, key"),
        ("flag", "Put a diff, permanent link or log entry by hand"),
        ("hide", "Say which revisions show"),
        ("purge", "Destroy the texts and names"),
        ("scan", "Look back at the history"),
        ("stats", "Count what was found"),
    ],
)
def test_pywikibot_finds_the_commands_of_a_checkout(checkout: Path, name: str, words: str) -> None:
    shown = pwb(checkout, name, "-help")
    assert (shown.returncode, words in shown.stdout, "&params;" in shown.stdout) == (0, True, False), shown.stderr


EVENT = {
    "$schema": "/mediawiki/recentchange/1.0.0",
    "meta": {"id": "event-1", "dt": "2026-01-15T10:00:00Z", "domain": "en.wikipedia.org", "stream": "mediawiki.recentchange"},
    "type": "edit",
    "namespace": 1,
    "title": "Talk:Example",
    "comment": "I will come to your office tomorrow and hurt you",
    "timestamp": 1_768_471_200,
    "user": "Example",
    "bot": False,
    "revision": {"old": 1, "new": 2},
    "server_url": "https://en.wikipedia.org",
    "server_name": "en.wikipedia.org",
    "wiki": "enwiki",
}


class Anonymous(BaseHTTPRequestHandler):
    """Answers as a wiki does that does not know us: pywikibot asks its default site who we are before any script starts."""

    def do_GET(self) -> None:
        """Who asks, and which wiki this is."""
        user = {"id": 0, "name": "127.0.0.1", "anon": True, "groups": ["*"], "rights": ["read"], "ratelimits": {}}
        general = {"wikiid": "localwiki", "generator": "MediaWiki 1.43.0", "case": "first-letter"}
        site = {"general": general | {key: {} for key in ("thumblimits", "imagelimits", "magiclinks")}, "namespaces": {}}
        body = json.dumps({"batchcomplete": True, "query": {"userinfo": user, "namespacealiases": [], **site}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """The same."""
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives it
        """Keep quiet."""


@pytest.fixture
def home(checkout: Path) -> Iterator[Path]:
    """A checkout whose default wiki is on loopback, with a recorded threat on enwiki and letters that need no release."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Anonymous)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    (checkout / "local_family.py").write_text(
        "from pywikibot import family\n"
        "class Family(family.Family):\n"
        "    name = 'local'\n"
        f"    langs = dict.fromkeys(('en', 'de'), '127.0.0.1:{server.server_port}')\n"
        "    def protocol(self, code): return 'http'\n"
    )
    with (checkout / "user-config.py").open("a") as file:
        file.write("family = 'local'\nfamily_files['local'] = 'local_family.py'\n")
    (checkout / "events.jsonl").write_text(json.dumps(EVENT) + "\n")
    (checkout / "tsbot.toml").write_text('[report]\nreporter_contact = "you@example.org"\n[report.release.violence]\n')
    yield checkout
    server.shutdown()
    server.server_close()
    thread.join()


PATROL = ("patrol", "-stream:events.jsonl", "-nofetch", "-idle:60", "-summary:summary.json")


def test_pywikibots_options_are_heeded(home: Path) -> None:
    simulated = pwb(home, *PATROL, "-simulate", "-log:patrol.log")
    assert simulated.returncode == 0, simulated.stderr
    books = json.loads((home / "summary.json").read_text())
    assert (books["received"], books["flagged"]) == (1, 1)
    assert list(home.rglob("*.eml")) == []
    logged = (home / "logs" / "patrol.log").read_text(encoding="utf-8")
    assert "patrol.stopped" in logged
    assert "hurt" not in logged
    assert pwb(home, *PATROL).returncode == 0
    assert len(list(home.rglob("*.eml"))) == 1


def test_a_patrol_of_one_wiki(home: Path) -> None:
    done = pwb(home, *PATROL, "-site:local:de")
    assert done.returncode == 0, done.stderr
    assert json.loads((home / "summary.json").read_text())["skipped"] == {"other_wiki": 1}


def test_the_doctor_of_a_checkout(home: Path) -> None:
    done = pwb(home, "doctor", "-offline")
    assert (done.returncode, "detector: version" in done.stdout + done.stderr) == (0, True)


def test_numbers_and_what_is_due(home: Path) -> None:
    assert pwb(home, *PATROL).returncode == 0
    done = pwb(home, "stats", "-by:wiki", "-json")
    assert (done.returncode, '"enwiki"' in done.stdout) == (0, True), done.stderr
    done = pwb(home, "purge", "-dry")
    assert (done.returncode, "Nothing is due." in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("patrol", "-nonsense"),
        ("doctor", "-nonsense"),
        ("flag", "-kind:rage"),
        ("flag",),
        ("hide", "-kind:rage"),
        ("hide",),
        ("purge", "-nonsense"),
        ("scan", "-wiki:enwiki", "-namespace:talk"),
        ("scan",),
        ("stats", "-since:yesterday"),
    ],
    ids=" ".join,
)
def test_wrong_options_are_refused(home: Path, words: tuple[str, ...]) -> None:
    done = pwb(home, *words)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr


def test_pywikibot_accepts_the_example_configuration(checkout: Path) -> None:
    names = ("family", "mylang", "user_script_paths", "usernames", "authenticate", "password_file")
    script = f"import json; from pywikibot import config; print(json.dumps([getattr(config, name) for name in {names}]))"
    done = run(sys.executable, "-c", script, cwd=checkout, PYWIKIBOT_DIR=str(checkout))
    assert (done.returncode, done.stderr) == (0, "")  # pywikibot complains of unknown and outdated names
    assert json.loads(done.stdout) == ["wikipedia", "en", ["bots", "scripts"], {}, {}, None]


def test_the_example_configuration_holds_no_secrets() -> None:
    text = (ROOT / "user-config.example.py").read_text(encoding="utf-8")
    compile(text, "user-config.example.py", "exec")
    assert re.findall(r"[A-Za-z0-9+/_=-]{24,}", re.sub(r"https?://\S+|\w+_\w+", "", text)) == []
    active = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in active if re.search(r"password|authenticate|usernames|token|secret", line) and " = " in line] == []


FORBIDDEN = {
    "a path of one machine": r"(^|[^.\w/])/(work|root|home/[a-z]+|Users/[A-Za-z]+)/",
    "a package index": r"extra-index-url|index-url *=|//[^ /]*(artifactory|nexus|devpi)[^ /]*/",
    "a reminder": r"\b(TO[D]O|FIX[M]E|XX[X])\b",
    "a private key": r"BEGIN [A-Z ]*PRIVATE [K]EY",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for name in tracked():
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" in content[:8000] or name == str(Path(__file__).relative_to(ROOT)):
            continue
        if name.startswith("tsbot/detect/sentences/"):  # people's plates and addresses there may read like anything
            continue
        lines = content.decode("utf-8", "replace").splitlines()
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    assert found == []
