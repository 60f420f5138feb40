"""Kinds of evidence, one small module each. Each says in its docstring what it measures, its source and its failure modes."""
