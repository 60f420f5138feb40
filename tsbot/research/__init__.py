"""Reports for research: consented, without whoever they tell of, and with a register of who received what."""
