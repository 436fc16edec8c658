"""Results in the formats of other programs; reads runs, never changes them."""
