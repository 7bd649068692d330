"""A plant that is not there: physics, device servers, faults and scenarios.

Nothing outside this room imports it, but the demo command.
"""
