"""Values as DynamoDB's attributes, and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UniversalAttributeValueTypeDef

Value = str | bool | int | float | Decimal | set[str] | frozenset[str]


def encode(value: Value) -> UniversalAttributeValueTypeDef:
    """One value. Numbers keep all their digits; a set must not be empty."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, (set, frozenset)):
        return {"SS": sorted(value)}
    # Written out: a number with an exponent would not be taken everywhere.
    return {"N": format(value if isinstance(value, Decimal) else Decimal(repr(value)), "f")}


def encode_all(values: Mapping[str, Value | None]) -> dict[str, UniversalAttributeValueTypeDef]:
    """Named values; those that are none are left out."""
    return {name: encode(value) for name, value in values.items() if value is not None}


def decode(attribute: AttributeValueTypeDef) -> Any:
    """One value: str, bool, int, float or a set of str."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        number = Decimal(str(value))
        return int(number) if number == number.to_integral_value() else float(number)
    return set(value) if kind == "SS" else value  # type: ignore[call-overload]


def decode_all(item: Mapping[str, AttributeValueTypeDef]) -> dict[str, Any]:
    """Named values."""
    return {name: decode(attribute) for name, attribute in item.items()}
