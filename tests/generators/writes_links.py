"""Puts a link to a file of the machine into the second sample of a batch."""

from sample import read_arguments, sample_folder, write_all

arguments = read_arguments()
write_all(arguments)
if arguments.num_samples > 1:
    (sample_folder(arguments.output, 1) / "notes.txt").symlink_to("/etc/passwd")
