"""Two 512-pixel frames, and arithmetic until a tenth of a second of processor time is used up."""

import random
import time
from types import SimpleNamespace

from core.base_generator import BaseGenerator
from PIL import Image, ImageDraw

SECONDS = 0.1
WRITING = 0.02


class TenthGenerator(BaseGenerator):
    def generate_task_pair(self, task_id):
        end = time.process_time() + SECONDS - WRITING
        chance = random.Random(f"{self.seed}/{task_id}")
        frames = []
        for _ in range(2):
            frame = Image.new("RGB", (512, 512), "white")
            draw = ImageDraw.Draw(frame)
            for _ in range(20):
                x, y = chance.randrange(450), chance.randrange(450)
                draw.ellipse((x, y, x + 60, y + 60), fill=(chance.randrange(256), 80, 160))
            frames.append(frame)
        while time.process_time() < end:
            sum(range(1000))
        return SimpleNamespace(
            task_id=task_id,
            first_image=frames[0],
            final_image=frames[1],
            prompt="Move every disc.",
            metadata={"parameters": {"draw": chance.random()}},
        )
