"""Experiments: arms of a scenario simulated in replicates, compared, and judged."""
