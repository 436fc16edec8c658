"""The mechanisms of the core, one file each; `engine.build` puts them in order."""
