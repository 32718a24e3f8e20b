"""Its processes together take too much memory, none of them alone."""

import multiprocessing
import time

from sample import read_arguments


def hold():
    kept = bytearray(b"x") * (60 * 1024 * 1024)
    while kept:
        time.sleep(60)


if __name__ == "__main__":
    read_arguments()
    children = [multiprocessing.Process(target=hold) for _ in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
