"""The simulation core: a Model becomes a Plan, and the Plan moves a State tick by tick.

Knows cells, fields, networks and hazards as numbers; no gene, drug or cell type by name. Therapy
and the run layer hand it controls and further processes; it never imports them.
"""
