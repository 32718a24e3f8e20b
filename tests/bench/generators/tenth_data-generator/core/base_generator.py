"""The shared base: makes all samples, then returns them."""


class BaseGenerator:
    def __init__(self, num_samples, seed):
        self.num_samples = num_samples
        self.seed = seed

    def generate_dataset(self):
        return [self.generate_task_pair(f"tenth_{index:08d}") for index in range(self.num_samples)]
