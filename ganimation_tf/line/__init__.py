"""The line from photographs to a served model, as steps that DVC runs.

Each step is a command of the program; nothing here trains or serves by itself.
"""
