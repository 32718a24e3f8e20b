"""Writes question_metadata.json, as generators once did, and the time of day."""

import datetime

from sample import puzzle, read_arguments, sample_folder, write_sample

arguments = read_arguments()
for position in range(arguments.num_samples):
    folder = sample_folder(arguments.output, position)
    now = datetime.datetime.now().isoformat()
    metadata = {
        "task_id": "mine",
        "parameters": {"shade": puzzle(arguments.seed, position)},
        "difficulty": "easy",
        "created_at": now,
        "timestamp": now,
    }
    write_sample(folder, puzzle(arguments.seed, position), metadata)
    (folder / "metadata.json").rename(folder / "question_metadata.json")
