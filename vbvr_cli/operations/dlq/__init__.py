"""The dead letters: described, kept as files, and sent again."""
