"""What every layer stands on: errors, units, names, fingerprints, expressions.

Imports nothing of ours.
"""
