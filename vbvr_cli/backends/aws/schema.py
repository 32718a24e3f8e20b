"""How the two tables are keyed: plain data for whoever creates them, and for the check that they are so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vbvr_cli.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import CreateTableInputTypeDef, KeySchemaElementTypeDef


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that holds whole items; items without its partition key are not in it."""

    name: str
    partition_key: str
    sort_key: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The keys of a table, all of them strings. Tables are paid by request; no item expires."""

    partition_key: str = "pk"
    sort_key: str = "sk"
    indexes: tuple[Index, ...] = ()


DEAD_TASKS = Index("dead_tasks", partition_key="dead", sort_key="sk")
LEDGER = TableSchema(indexes=(DEAD_TASKS,))
DEDUP = TableSchema()


def create_arguments(name: str, schema: TableSchema) -> CreateTableInputTypeDef:
    """What CreateTable takes for such a table."""
    attributes = {schema.partition_key, schema.sort_key}
    for index in schema.indexes:
        attributes |= {index.partition_key, index.sort_key}
    arguments: CreateTableInputTypeDef = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": attribute, "AttributeType": "S"} for attribute in sorted(attributes)
        ],
        "KeySchema": _key_schema(schema.partition_key, schema.sort_key),
    }
    if schema.indexes:
        arguments["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "KeySchema": _key_schema(index.partition_key, index.sort_key),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in schema.indexes
        ]
    return arguments


def require_schema(client: DynamoDBClient, name: str, schema: TableSchema) -> None:
    """Raise ConfigurationError for a table that is keyed in another way."""
    table = client.describe_table(TableName=name)["Table"]
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    indexes = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    missing = [index.name for index in schema.indexes if index.name not in indexes]
    if keys != {"HASH": schema.partition_key, "RANGE": schema.sort_key} or missing:
        lacking = f"; it lacks {', '.join(missing)}" if missing else ""
        raise other_schema(name, f"its keys are {', '.join(keys.values())}{lacking}")


def other_schema(name: str, why: str) -> ConfigurationError:
    """A table that is not one of vbvr's."""
    return ConfigurationError(
        f"The table {name} is no table of this vbvr.",
        why=why,
        hint="Name the table that `vbvr deploy` made (LEDGER_TABLE_NAME, DEDUP_TABLE_NAME), or deploy again.",
    )


def _key_schema(partition_key: str, sort_key: str) -> list[KeySchemaElementTypeDef]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]
