"""Speed measured on this machine: kernels, whole runs, memory, threads.

`cli` and the scripts in ``benchmarks/`` call it. It sees the layers below from outside and nothing
of them knows it.
"""
