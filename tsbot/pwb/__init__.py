"""Where pywikibot's ``pwb`` finds the commands of an installed tsbot (entry point group ``pywikibot``, name ``scriptspath``).

pwb 11.9 imports ``<last part of the path>.i18n`` once it found a script there; the folder is called ``tsbot`` so that this is
:mod:`tsbot.i18n`. A built wheel puts ``bots/`` and ``scripts/`` into it, each command under a name of its own
(``pwb tsbot_patrol``), because pywikibot has a ``patrol`` too. In a checkout name ``bots`` and ``scripts`` in
``user_script_paths``.
"""

from __future__ import annotations

from pathlib import Path

scriptspath = Path(__file__).parent / "tsbot"
