"""The stages of the pipeline on many machines: who listens, who works, and what tells one of the other (docs/many-machines.md)."""
