"""The JSON Schema of generators.yaml, by which editors complete and check it.

python -m vbvr_cli.catalog.schema > vbvr_cli/catalog/generators.schema.json
"""

from __future__ import annotations

import json

from vbvr_cli.catalog.entries import CatalogFile


def catalog_schema() -> str:
    """The schema as it is committed."""
    return json.dumps(CatalogFile.model_json_schema(), indent=2)


if __name__ == "__main__":
    print(catalog_schema())
