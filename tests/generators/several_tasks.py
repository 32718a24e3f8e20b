"""Spreads its samples over three task folders, two of them in folders of their own, without zeros."""

from sample import puzzle, read_arguments, write_sample

DOMAINS = ("zebra", "inner/apple", "inner/deeper/mango")

arguments = read_arguments()
for position in range(arguments.num_samples):
    path = arguments.output / f"{DOMAINS[position % 3]}_task" / f"s{position % 7}_{position // 3}"
    write_sample(path, puzzle(arguments.seed, position))
