"""The tables of the ledger and of the registry of duplicates, keyed as the back end says."""

from __future__ import annotations

from aws_cdk import CfnCondition, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from vbvr_cli.backends.aws.schema import DEDUP, LEDGER, TableSchema
from vbvr_infra.keeping import unless_kept
from vbvr_infra.names import Names


class Tables(Construct):
    """Two tables, paid by request, that outlive the stack and can be set back to any second of 35 days.

    `is_new`: only then they are made; else they are those that an earlier stack has left.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, is_new: CfnCondition | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        ledger = _table(self, "Ledger", names.ledger, LEDGER)
        dedup = _table(self, "Dedup", names.dedup, DEDUP)
        self.ledger_name = unless_kept(is_new, ledger, ledger.table_name, names.ledger)
        self.dedup_name = unless_kept(is_new, dedup, dedup.table_name, names.dedup)


def _table(scope: Construct, construct_id: str, name: str, schema: TableSchema) -> dynamodb.Table:
    table = dynamodb.Table(
        scope,
        construct_id,
        table_name=name,
        partition_key=_key(schema.partition_key),
        sort_key=_key(schema.sort_key),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=RemovalPolicy.RETAIN,
    )
    for index in schema.indexes:
        table.add_global_secondary_index(
            index_name=index.name,
            partition_key=_key(index.partition_key),
            sort_key=_key(index.sort_key),
            projection_type=dynamodb.ProjectionType.ALL,
        )
    return table


def _key(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
