"""pywikibot's configuration for tsbot, with comments and without secrets.

Copy it to ``user-config.py`` in the folder from which the bot runs (or into $PYWIKIBOT_DIR) and make it readable by you alone:

    cp user-config.example.py user-config.py && chmod 600 user-config.py

tsbot reads wikis without an account, so none of this is needed to begin with. tsbot's own settings are in tsbot.toml
(docs/settings.md).
"""

# The wiki that scripts work on when -site is not given.
family = "wikipedia"
mylang = "en"

# Who the bot is, per family and language; "*" stands for all languages. Set wiki.account in tsbot.toml to the same name, so that
# tsbot logs in. A bot password (Special:BotPasswords) with the grants "Basic rights" and "High-volume access" is enough;
# add "Send email to other users" if reports leave by the wiki's mail.
# usernames["wikipedia"]["*"] = "ExampleBot"
# usernames["meta"]["meta"] = "ExampleBot"

# The file with bot passwords, one line per account, chmod 600, never in version control:
#     ("ExampleBot", BotPassword("tsbot", "the bot password"))
# password_file = "user-password.py"

# Or OAuth 1.0a (owner-only consumer): four tokens per host, kept in a file of their own.
# authenticate["*.wikipedia.org"] = ("consumer token", "consumer secret", "access token", "access secret")

# How wiki operators can reach you; tsbot puts wiki.contact of tsbot.toml here when it runs by itself.
user_agent_description = "tsbot; contact: you@example.org"

# Manners: no request while replicas lag behind, few retries (tsbot keeps the work and tries again itself).
read_maxlag = 5
write_maxlag = 5
max_retries = 2
retry_wait = 5
retry_max = 60
socket_timeout = 30

# Where `pwb` finds tsbot's commands in a checkout: `pwb patrol` runs bots/patrol.py. After installation they are found by
# themselves, under the names tsbot_patrol, tsbot_flag and so on.
user_script_paths = ["bots", "scripts"]

# A log in pywikibot's manner, ids and counts only: `pwb -log patrol`, or name commands here.
log = []

# A wiki of your own, with its own family file:
# family_files["mywiki"] = "families/mywiki_family.py"
