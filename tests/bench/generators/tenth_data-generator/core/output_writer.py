"""The shared writer: a folder a sample."""

import json
from pathlib import Path


class OutputWriter:
    def __init__(self, output_dir):
        self.output_dir = Path(output_dir)

    def write_task_pair(self, pair):
        folder = self.output_dir / "tenth_task" / pair.task_id
        folder.mkdir(parents=True, exist_ok=True)
        pair.first_image.save(folder / "first_frame.png")
        pair.final_image.save(folder / "final_frame.png")
        (folder / "prompt.txt").write_text(pair.prompt)
        (folder / "metadata.json").write_text(json.dumps(pair.metadata))
        return folder

    def write_dataset(self, pairs):
        for pair in pairs:
            self.write_task_pair(pair)
