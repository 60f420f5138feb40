"""Flags and cases: what people work on."""
