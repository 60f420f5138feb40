"""A family of real wikis, their event stream, a mail sink and a scenario, on one machine."""
