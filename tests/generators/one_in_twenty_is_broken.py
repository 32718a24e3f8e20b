"""Breaks every twentieth sample of a batch, each in another way."""

from sample import read_arguments, sample_folder, write_all


def cut_image(folder):
    image = folder / "first_frame.png"
    image.write_bytes(image.read_bytes()[:-20])


def empty_prompt(folder):
    (folder / "prompt.txt").write_text(" \n")


def video_without_frames(folder):
    (folder / "ground_truth.mp4").write_bytes(b"no video")


WAYS = (cut_image, empty_prompt, video_without_frames)

arguments = read_arguments()
write_all(arguments)
for number, position in enumerate(range(3, arguments.num_samples, 20)):
    WAYS[number % len(WAYS)](sample_folder(arguments.output, position))
