"""The generators that ship with vbvr, and the kit that they are written with.

A generator is a folder (`O-nonogram_data-generator`, …) run as a program of its own, as the generator
contract has it; only `vbvr_cli.starter.kit` is there to be imported.
"""
