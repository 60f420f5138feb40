"""Column types that mean the same on SQLite, PostgreSQL and MariaDB.

SQLite and PostgreSQL have one type for binary data and one for text, of any length. MariaDB's plain ones end at 64 KB, and it indexes
none of them without being told how much of it; so it gets types of its own here.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary, Text
from sqlalchemy.dialects.mysql import LONGBLOB, LONGTEXT, VARBINARY

_MARIADB = ("mysql", "mariadb")
FINGERPRINT_BYTES = 16

# SQLite counts rows by itself only for a column that is plainly INTEGER.
BigId = BigInteger().with_variant(Integer(), "sqlite")
Fingerprint = LargeBinary().with_variant(VARBINARY(FINGERPRINT_BYTES), *_MARIADB)
"""Keyed fingerprint of a name (:meth:`tsbot.store.crypto.MasterKey.index`); can be indexed everywhere."""
Blob = LargeBinary().with_variant(LONGBLOB(), *_MARIADB)
LongText = Text().with_variant(LONGTEXT(), *_MARIADB)
