class TaskPair:
    """One puzzle and its solution."""

    def __init__(self, task_id, domain, prompt, first_image, final_image):
        self.task_id = task_id
        self.domain = domain
        self.prompt = prompt
        self.first_image = first_image
        self.final_image = final_image
