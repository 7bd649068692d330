"""The ledgers and forms that the notices prescribe, filled from the tickets. Pure but for the workbook's bytes.

What the system does not know stays empty and is marked for a person to fill in; nothing is guessed.
"""
