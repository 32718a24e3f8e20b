"""The back end on AWS: SQS for messages, S3 for samples, DynamoDB for the ledger and the duplicates.

Importing this package loads nothing of boto3; its modules do, and nothing outside of it.
"""
