"""Which licence a generator's files say."""

from __future__ import annotations

from pathlib import Path

READ_BYTES = 4096
PHRASES = (
    ("Attribution-NonCommercial-ShareAlike 4.0", "CC-BY-NC-SA-4.0"),
    ("Attribution-NonCommercial 4.0", "CC-BY-NC-4.0"),
    ("Attribution-ShareAlike 4.0", "CC-BY-SA-4.0"),
    ("Attribution 4.0 International", "CC-BY-4.0"),
    ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL-3.0-only"),
    ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL-3.0-only"),
    ("GNU GENERAL PUBLIC LICENSE\n                       Version 3", "GPL-3.0-only"),
    ("GNU GENERAL PUBLIC LICENSE\n                       Version 2", "GPL-2.0-only"),
    ("Apache License", "Apache-2.0"),
    ("Mozilla Public License Version 2.0", "MPL-2.0"),
    ("Neither the name of", "BSD-3-Clause"),
    ("Redistribution and use in source and binary forms", "BSD-2-Clause"),
    ("Permission is hereby granted, free of charge", "MIT"),
    ("MIT License", "MIT"),
)


def find_licence(folder: Path) -> str | None:
    """The SPDX identifier of a folder's LICENSE file; None without one, or for words nobody knows."""
    for file in sorted(folder.iterdir()):
        if file.name.upper().partition(".")[0] in {"LICENSE", "LICENCE", "COPYING"} and file.is_file():
            text = file.read_bytes()[:READ_BYTES].decode(errors="replace")
            return next((licence for phrase, licence in PHRASES if phrase in text), None)
    return None


def is_non_commercial(licence: str) -> bool:
    """Whether a licence forbids commercial use."""
    return "-NC" in licence
