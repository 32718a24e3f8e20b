"""Each of its first samples in a batch is odd in another way; those made alone are fine."""

from sample import read_arguments, sample_folder, write_all


def prompt_is_a_folder(folder):
    (folder / "prompt.txt").unlink()
    (folder / "prompt.txt").mkdir()


def metadata_is_a_folder(folder):
    (folder / "metadata.json").unlink()
    (folder / "metadata.json").mkdir()


def metadata_is_no_json(folder):
    (folder / "metadata.json").write_text("{")


def metadata_is_a_list(folder):
    (folder / "metadata.json").write_text("[]")


def half_a_character(folder):
    (folder / "metadata.json").write_text('{"parameters": {"text": "\\ud800"}}')


def bottomless_metadata(folder):
    (folder / "metadata.json").write_text('{"a":' * 100_000)


def prompt_is_no_text(folder):
    (folder / "prompt.txt").write_bytes(b"\xff\xfe\xff")


WAYS = (
    prompt_is_a_folder,
    metadata_is_a_folder,
    metadata_is_no_json,
    metadata_is_a_list,
    half_a_character,
    bottomless_metadata,
    prompt_is_no_text,
)

arguments = read_arguments()
write_all(arguments)
if arguments.num_samples > len(WAYS):
    for position, spoil in enumerate(WAYS):
        spoil(sample_folder(arguments.output, position))
