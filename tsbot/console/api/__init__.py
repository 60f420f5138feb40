"""The JSON API under ``/api/v1``: for the gadget, the command line and scripts. Ids, kinds and times; no texts, no names of strangers."""
