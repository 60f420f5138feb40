"""The gadget: a script on the wiki that marks revisions, ticks boxes and reports what was hidden. docs/gadget.md is about it."""
