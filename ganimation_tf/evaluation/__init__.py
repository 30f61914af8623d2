"""How good edits are: against truth where it is known, and by judges that did not train.

Works on arrays and on any object that can `edit` and `estimate`; see `evaluate.evaluate`.
"""
