"""Interventions lowered to what the engine turns: controls, drug fields, cell columns, processes.

Reads scenario and Model, writes nothing of the engine. A drug acts on its targets and on the damage
of cells; what follows from that is the Model's business.
"""
