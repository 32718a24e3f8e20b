"""python examples/generate.py --num-samples 10 --seed 0 --output samples"""

from src.nonogram import Nonogram

from vbvr_cli.starter.kit import main

if __name__ == "__main__":
    main(Nonogram)
