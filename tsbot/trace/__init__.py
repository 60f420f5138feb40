"""Accounts across wikis: which behave alike, on what evidence, for and against.

Everything here is arithmetic on public activity that is handed in: no network, no database, no clock. A link is a question for a
person, worded "consistent with", never an identity. docs/tracing.md says how it is measured.
"""
