"""Message files in MediaWiki's JSON layout (``en.json``, ``qqq.json`` for what each message means, one file per language) and what
reads them. Letters speak the language of their recipient; the interface of the program is English.
"""
