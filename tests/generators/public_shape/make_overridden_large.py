"""As overridden, with images that no machine should hold all at once."""

import argparse
import random

from core import BaseGenerator, OutputWriter, Settings, TaskPair
from PIL import Image


class Squares(BaseGenerator):
    def generate_task_pair(self, task_id):
        shade = random.randrange(0x1000000)
        size = (self.settings.pixels, self.settings.pixels)
        first, final = Image.new("RGB", size), Image.new("RGB", size, shade)
        return TaskPair(task_id, self.settings.domain, f"Paint it #{shade:06x}.", first, final)


class OrderedSquares(Squares):
    def generate_dataset(self):
        return sorted(super().generate_dataset(), key=lambda pair: pair.prompt)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--num-samples", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", default="data/questions")
    arguments = parser.parse_args()
    generator = OrderedSquares(Settings(arguments.num_samples, arguments.seed, pixels=2000))
    pairs = generator.generate_dataset()
    OutputWriter(arguments.output).write_dataset(pairs)
    print(f"{len(pairs)} samples are in {arguments.output}")


if __name__ == "__main__":
    main()
