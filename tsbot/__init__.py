"""tsbot: a Trust & Safety bot for MediaWiki wikis.

It reads recent changes, finds threats in what people add, and files private reports. It suggests; people act.
"""

__version__ = "0.1.0"
