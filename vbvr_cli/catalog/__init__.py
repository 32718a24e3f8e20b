"""Which generators there are, where their code is, and how each is best run."""
