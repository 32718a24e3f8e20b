"""The nonogram: a picture to be found from the lengths of its runs."""
