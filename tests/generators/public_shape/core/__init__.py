from core.base_generator import BaseGenerator, Settings
from core.output_writer import OutputWriter
from core.task_pair import TaskPair

__all__ = ["BaseGenerator", "OutputWriter", "Settings", "TaskPair"]
