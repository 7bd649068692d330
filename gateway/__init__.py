"""The kernel of Tocsin: contracts, pure decisions, runtime, API and command line.

Imports no driver, no rule language and no simulator; `gateway.app` alone wires those in.
"""
