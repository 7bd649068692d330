"""What nodes compute, in two directions from one state: thousands of like nodes a tick, or one node over many ticks.

Nothing here reads a clock, skips a node or grows with time.
"""
