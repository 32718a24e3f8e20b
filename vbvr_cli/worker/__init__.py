"""One task, from claim to complete. Imports neither Typer nor Rich: the Lambda image needs neither."""
