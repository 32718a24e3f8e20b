"""The places where vbvr can run, side by side behind the protocols of `ports`."""
