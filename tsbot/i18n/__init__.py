"""Message files in MediaWiki's JSON layout, one per language, and what reads them.

Letters speak the language of their recipient; the interface of the program is English.
"""
