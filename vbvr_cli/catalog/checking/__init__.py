"""What an operator must know of a generator before paying for it, found out by running it small."""
