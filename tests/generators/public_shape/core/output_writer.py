import json
from pathlib import Path


class OutputWriter:
    """Writes pairs as the contract wants them."""

    def __init__(self, output_dir):
        self.output_dir = Path(output_dir)

    def write_task_pair(self, pair):
        folder = self.output_dir / f"{pair.domain}_task" / pair.task_id
        folder.mkdir(parents=True, exist_ok=True)
        pair.first_image.save(folder / "first_frame.png")
        pair.final_image.save(folder / "final_frame.png")
        (folder / "prompt.txt").write_text(pair.prompt)
        (folder / "metadata.json").write_text(json.dumps({"parameters": {"prompt": pair.prompt}}))
        return folder

    def write_dataset(self, pairs):
        written = []
        for pair in pairs:
            written.append(self.write_task_pair(pair))
        return written
