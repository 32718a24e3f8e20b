"""The table of permissions in the docs is that of the policies."""

from __future__ import annotations

import permissions
from vbvr_infra.permissions import PERMISSIONS


def test_the_page_has_a_line_for_each_permission_with_its_reason() -> None:
    page = permissions.PAGE.read_text()
    assert page == permissions.with_table(page), "run `make docs`, and commit what it writes"
    for one in PERMISSIONS:
        assert f"| {one.who} | `{one.action}` | {one.on} | {one.why} |" in page
        assert len(one.why) > 10
