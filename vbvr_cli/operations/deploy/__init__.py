"""Deploys the stack and destroys it: the one operation that knows AWS, and the CDK's command line."""
