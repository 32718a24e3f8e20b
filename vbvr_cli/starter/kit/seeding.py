"""Where a sample's randomness comes from."""

import hashlib
from random import Random


def sample_random(generator: str, seed: int, index: int) -> Random:
    """The source of chance of sample `index` alone, whatever else is made with `seed`.

    It is seeded with a SHA-256, so that neither the neighbouring seed nor the neighbouring sample shares
    anything with it, and no interpreter's `hash()` has a say.
    """
    digest = hashlib.sha256(f"{generator}/{seed}/{index}".encode()).digest()
    return Random(int.from_bytes(digest))
