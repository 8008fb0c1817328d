"""What the hot path executes and allocates, counted, and compared with what is on record.

Times differ from run to run and from machine to machine; counts do not. ``python -m benchmarks.guard``
compares, ``--update`` puts the counts on record.
"""
