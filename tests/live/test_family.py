"""The wikis, their event stream and their mail, as the rest of the live tests rely on them."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tsbot.demo.actors import ActionRefusedError
from tsbot.demo.wikis import WikiFamily
from tsbot.demo.world import World
from tsbot.errors import DemoError

pytestmark = pytest.mark.live

RC = "mediawiki.recentchange"
PAGE_CHANGE = "mediawiki.page_change.v1"
VISIBILITY = "mediawiki.revision-visibility-change"
DELETE = "mediawiki.page-delete"


@pytest.fixture
def editor(family):
    with family.actor("Maple Reader", "enwiki") as actor:
        yield actor


@pytest.fixture
def oversighter(family):
    with family.actor("Oversighter", "enwiki") as actor:
        yield actor


def change(kind, rev_id=None):
    return lambda event: event["page_change_kind"] == kind and rev_id in (None, event["revision"]["rev_id"])


def log(kind, action):
    return lambda event: event["type"] == "log" and (event["log_type"], event["log_action"]) == (kind, action)


def test_an_edit_is_one_revision_in_two_streams(family, events, editor):
    first = editor.edit("Old mill", "The mill stands by the river.", summary="a page")
    second = editor.edit("Old mill", append="\n\nIt has two floors.", summary="floors", minor=True)
    edit = events.wait_for(RC, lambda event: event["type"] == "edit")
    assert edit["meta"]["domain"] == family.wikis["enwiki"].domain
    assert edit["meta"]["uri"] == f"{family.wikis['enwiki'].url}/wiki/Old_mill" == edit["title_url"]
    assert edit["revision"] == {"old": first, "new": second}
    assert edit["notify_url"].endswith(f"?diff={second}&oldid={first}")
    assert (edit["wiki"], edit["title"], edit["user"]) == ("enwiki", "Old mill", "Maple Reader")
    assert (edit["comment"], edit["parsedcomment"], edit["minor"], edit["bot"]) == ("floors", "floors", True, False)

    page = events.wait_for(PAGE_CHANGE, change("edit", second))
    assert (page["wiki_id"], page["changelog_kind"]) == ("enwiki", "update")
    assert page["meta"]["request_id"] == edit["meta"]["request_id"]
    assert page["meta"]["domain"] == edit["meta"]["domain"]
    assert page["page"] == {"page_id": page["page"]["page_id"], "page_title": "Old_mill", "namespace_id": 0, "is_redirect": False}
    assert page["revision"]["rev_parent_id"] == first == page["prior_state"]["revision"]["rev_id"]
    assert page["revision"]["is_content_visible"] is True
    assert page["revision"]["content_slots"]["main"]["content_model"] == "wikitext"
    assert page["performer"] == page["revision"]["editor"]
    assert page["performer"]["user_text"] == "Maple Reader"
    assert set(page["performer"]) == {
        "user_text", "user_id", "groups", "is_bot", "is_system", "is_temp", "edit_count", "registration_dt", "user_central_id",
    }  # fmt: skip
    assert events.wait_for(PAGE_CHANGE, change("create", first))["changelog_kind"] == "insert"


def test_an_undone_edit_says_what_it_reverts(events, editor):
    original = editor.edit("Lamp post", "A lamp post.")
    worse = editor.edit("Lamp post", "A lamp post. A tall one.")
    undone = editor.undo("Lamp post", worse)
    revert = events.wait_for(PAGE_CHANGE, change("edit", undone))["revision"]["revert"]
    assert revert["method"] == "undo"
    assert revert["is_exact"] is True
    assert (revert["rev_reverted_oldest_id"], revert["rev_reverted_newest_id"]) == (worse, worse)
    assert revert["rev_original_id"] == original


def test_revision_deletion_is_public(events, editor, oversighter):
    hidden = editor.edit("Hedge", "First.")
    editor.edit("Hedge", "Second.")
    oversighter.hide([hidden], fields=["content", "comment"], reason="test")
    event = events.wait_for(VISIBILITY, lambda event: event["rev_id"] == hidden)
    assert event["visibility"] == {"text": False, "user": True, "comment": False}
    assert event["prior_state"]["visibility"] == {"text": True, "user": True, "comment": True}
    assert event["performer"]["user_text"] == "Oversighter"
    entry = events.wait_for(RC, log("delete", "revision"))
    assert entry["log_params"]["ids"] == [hidden]


def test_suppression_is_in_no_public_log(events, editor, oversighter):
    hidden = editor.edit("Fence", "First.")
    editor.edit("Fence", "Second.")
    oversighter.hide([hidden], fields=["content", "user"], reason="test", suppress=True)
    event = events.wait_for(VISIBILITY, lambda event: event["rev_id"] == hidden)
    assert event["visibility"] == {"text": False, "user": False, "comment": True}
    assert "performer" not in event
    editor.edit("Fence", "Third.")  # what comes after it has arrived, so the log entry would have, too
    events.wait_for(RC, lambda event: event["comment"] == "" and event["type"] == "edit" and event["length"]["new"] == 6)
    assert [event["type"] for event in events.all(RC)].count("log") == 0


def test_the_current_revision_cannot_be_hidden_and_that_is_noticed(editor, oversighter):
    current = editor.edit("Gate", "Only.")
    with pytest.raises(ActionRefusedError) as refused:
        oversighter.hide([current])
    assert refused.value.code == "revdelete-hide-current"


def test_a_sysop_may_not_suppress(family, editor):
    hidden = editor.edit("Stile", "First.")
    editor.edit("Stile", "Second.")
    with family.actor("Example Sysop", "enwiki") as sysop:
        sysop.hide([hidden])
        with pytest.raises(ActionRefusedError) as refused:
            sysop.hide([hidden], suppress=True)
    assert refused.value.code == "permissiondenied"


def test_moving_a_page(events, editor):
    editor.edit("Brook", "A brook.")
    editor.move("Brook", "Brook (Example)", "clearer")
    moved = events.wait_for(PAGE_CHANGE, change("move"))
    assert moved["page"]["page_title"] == "Brook_(Example)"
    assert moved["prior_state"]["page"]["page_title"] == "Brook"
    assert moved["created_redirect_page"]["page_title"] == "Brook"
    assert moved["comment"] == "clearer"
    entry = events.wait_for(RC, log("move", "move"))
    assert entry["log_params"]["target"] == "Brook (Example)"


def test_deleting_a_page(events, editor, oversighter):
    last = editor.edit("Pond", "A pond.")
    oversighter.delete("Pond", "test page")
    deleted = events.wait_for(DELETE, lambda event: event["page_title"] == "Pond")
    assert (deleted["database"], deleted["rev_id"], deleted["rev_count"]) == ("enwiki", last, 1)
    assert deleted["performer"]["user_text"] == "Oversighter"
    assert events.wait_for(PAGE_CHANGE, change("delete", last))["changelog_kind"] == "delete"
    assert events.wait_for(RC, log("delete", "delete"))["comment"] == "test page"


def test_blocks_and_new_accounts(events, oversighter, family):
    oversighter.create_account("Passing Cloud", "a-made-up-password", "a test account")
    oversighter.block("Passing Cloud", "test", expiry="1 day")
    assert events.wait_for(RC, log("newusers", "create2"))["title"] == "User:Passing Cloud"
    assert events.wait_for(RC, log("block", "block"))["title"] == "User:Passing Cloud"
    oversighter.create_account("Fading Cloud", "a-made-up-password")
    oversighter.block("Fading Cloud", "test", expiry="never", hide_name=True)
    with family.anonymous("203.0.113.99", "enwiki") as anybody:
        [user] = anybody.ask(action="query", list="users", ususers="Fading Cloud")["query"]["users"]
    assert user["missing"] is True
    assert len([event for event in events.all(RC) if event.get("log_type") == "block"]) == 1


def test_people_have_addresses_of_their_own(family, events):
    for ip in ("203.0.113.7", "2001:db8::7"):
        with family.anonymous(ip, "dewiki") as anonymous:
            anonymous.edit(f"Wiese {ip}", "Gras.")
    users = [events.wait_for(RC, lambda event, n=n: event["title"] == f"Wiese {n}")["user"] for n in ("203.0.113.7", "2001:db8::7")]
    assert users == ["203.0.113.7", "2001:DB8:0:0:0:0:0:7"]


def test_names_of_temporary_accounts(family, events):
    with family.actor("~2026-12345-67", "dewiki") as temporary:
        rev_id = temporary.edit("Weide", "Gras und Klee.")
    performer = events.wait_for(PAGE_CHANGE, change("create", rev_id))["performer"]
    assert (performer["user_text"], performer["is_temp"]) == ("~2026-12345-67", True)


def test_the_wiki_sends_mail(family, world):
    before = len(world.sink.messages)
    with family.actor("Maple Reader", "enwiki") as nobody, pytest.raises(ActionRefusedError) as refused:
        nobody.email("Safety Desk", "Hello", "I have no address.")
    assert refused.value.code in ("nosuchtarget", "noemail", "mailnologin", "usermaildisabled", "cantsend")
    with family.actor("TsBot", "enwiki") as bot:
        bot.email("Safety Desk", "A report", "Please look.")
    message = world.sink.wait_for(before + 1)[-1].message
    assert (message["To"], message["Subject"]) == ("Safety Desk <safety-desk@wiki.test>", "A report")
    assert "Please look." in message.get_content()


def test_pywikibot_finds_the_wikis_and_logs_in(family):
    program = """
import pywikibot
for code in ("en", "de", "meta"):
    site = pywikibot.Site(code, "tsbotdemo")
    site.login()
    print(site.dbName(), site.user(), site.has_right("sendemail"))
"""
    environment = {**os.environ, "PYWIKIBOT_DIR": str(family.pywikibot_dir)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.stdout.splitlines() == ["enwiki TsBot True", "dewiki TsBot True", "metawiki TsBot True"], result.stderr
    for path in family.pywikibot_dir.iterdir():
        if path.name.startswith("user-"):
            assert path.stat().st_mode & 0o077 == 0


def test_one_log_in_holds_on_all_wikis(family, editor):
    for wiki in family.wikis.values():
        with family.actor("Example Steward", wiki.dbname) as steward:
            answer = steward.act(action="query", meta="userinfo", uiprop="groups")["query"]["userinfo"]
        assert answer["name"] == "Example Steward"
        assert ("steward" in answer["groups"]) is (wiki.dbname == "metawiki")


def test_one_folder_is_one_family(world):
    with pytest.raises(DemoError, match="another demo is running"):
        World(world.folder).start()
    assert (world.folder / "events.jsonl").exists()


def test_a_second_family_is_fresh_and_ends_without_a_trace(tmp_path, request, family, editor):
    editor.edit("Only here", "On the first family.")
    cache = request.config.cache.mkdir("tsbot-wikis")
    with WikiFamily(tmp_path, cache=cache) as second:
        address = second.wikis["enwiki"].api
        with second.anonymous("203.0.113.50", "enwiki") as anybody:
            [page] = anybody.ask(action="query", titles="Only here")["query"]["pages"]
        assert page["missing"] is True
        assert second.accounts == family.accounts
    assert not (tmp_path / "pids").exists()
    with pytest.raises((urllib.error.URLError, ConnectionError)):  # nobody is there, or by now somebody who is no wiki
        urllib.request.urlopen(address, timeout=5)


def test_an_unknown_person_is_named(family):
    with pytest.raises(DemoError, match="no account 'Nobody'"):
        family.actor("Nobody", "enwiki")


def test_nothing_went_wrong_inside_the_wikis(family):
    """Last: MediaWiki answers an edit even where a hook failed after it, and only its log says so."""
    log_file = family.folder / "wikis" / "log" / "exceptions.log"
    assert not log_file.exists(), log_file.read_text()[:2000]
