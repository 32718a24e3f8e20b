"""What the test generators have in common: the command line, and a sample of 32x32 pixels.

Standard library only, so that a process of one takes some 30 ms.
"""

import argparse
import json
import random
import struct
import zlib
from pathlib import Path

SIZE = 32


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-samples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def png(shade):
    """A square of one colour, 0 to 0xFFFFFF."""
    row = b"\x00" + shade.to_bytes(3, "big") * SIZE

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * SIZE))
        + chunk(b"IEND", b"")
    )


def puzzle(seed, position):
    """The shade that a sample asks for: it depends on the seed and the position alone."""
    return random.Random(f"{seed}/{position}").randrange(0x1000000)


def sample_folder(output, position, domain="dot"):
    return output / f"{domain}_task" / f"{domain}_{position:04d}"


def write_sample(folder, shade, metadata=None):
    """Write a whole sample; `metadata` replaces what would be said of it."""
    folder.mkdir(parents=True)
    (folder / "first_frame.png").write_bytes(png(0))
    (folder / "final_frame.png").write_bytes(png(shade))
    (folder / "prompt.txt").write_text(f"Paint the square in #{shade:06x}.\n")
    described = {"parameters": {"shade": shade}} if metadata is None else metadata
    (folder / "metadata.json").write_text(json.dumps(described))


def write_all(arguments):
    for position in range(arguments.num_samples):
        write_sample(sample_folder(arguments.output, position), puzzle(arguments.seed, position))
