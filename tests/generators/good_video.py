"""Makes samples with a small video."""

import av
from PIL import Image
from sample import puzzle, read_arguments, sample_folder, write_sample


def write_video(file, shade):
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mpeg4", rate=8)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for step in range(4):
            image = Image.new("RGB", (32, 32), shade * step // 3)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


arguments = read_arguments()
for position in range(arguments.num_samples):
    folder, shade = sample_folder(arguments.output, position), puzzle(arguments.seed, position)
    write_sample(folder, shade)
    write_video(folder / "ground_truth.mp4", shade)
