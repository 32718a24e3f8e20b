"""`python -m vbvr_cli` is `vbvr`."""

from vbvr_cli.app import main

if __name__ == "__main__":
    main()
