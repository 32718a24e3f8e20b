"""Makes its samples in a pool of processes."""

import multiprocessing

from sample import puzzle, read_arguments, sample_folder, write_sample


def make(job):
    output, seed, position = job
    write_sample(sample_folder(output, position), puzzle(seed, position))


if __name__ == "__main__":
    arguments = read_arguments()
    with multiprocessing.Pool(2) as pool:
        jobs = [(arguments.output, arguments.seed, position) for position in range(arguments.num_samples)]
        pool.map(make, jobs)
