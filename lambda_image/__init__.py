"""vbvr's two Lambda functions, one that works and one that submits, and what lays out their image."""
