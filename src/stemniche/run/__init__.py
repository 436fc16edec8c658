"""The composition root: simulate, resume, measures, the crash-safe store and the Run object."""
