"""The pure state machines: alarm, interlock demand, hazard ticket.

Each is a table of legal moves, a `decide` side that turns inputs into events, and an `evolve` side that
folds events into state. They do no I/O, own no clock, and know nothing of one another.
"""
