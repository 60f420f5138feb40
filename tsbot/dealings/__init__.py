"""What handlers verify before they judge: where two accounts met, and where a phrase came from. From public data, each look logged."""
