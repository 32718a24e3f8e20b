"""The fixtures of tests on AWS."""

from emulators.fixtures import emulator, on_aws, warm, wire

__all__ = ["emulator", "on_aws", "warm", "wire"]
