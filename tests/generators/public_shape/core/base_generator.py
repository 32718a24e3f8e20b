import random
from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass
class Settings:
    num_samples: int
    seed: int
    domain: str = "square"
    pixels: int = 32


class BaseGenerator(ABC):
    """Makes pairs one after the other and returns them all."""

    def __init__(self, settings):
        self.settings = settings
        random.seed(settings.seed)

    @abstractmethod
    def generate_task_pair(self, task_id):
        """One pair."""

    def generate_dataset(self):
        pairs = []
        for number in range(self.settings.num_samples):
            pairs.append(self.generate_task_pair(f"{self.settings.domain}_{number:04d}"))
        return pairs
