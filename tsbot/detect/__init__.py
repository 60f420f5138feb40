"""Passages to findings: language packs, models, facets, scores."""
