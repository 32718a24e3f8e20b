"""The task in words."""

from .setting import Setting
from .thing import Thing

PROMPTS = (
    "The picture shows a closed room from above, in which {an_object} is sliding. Its faint copies show "
    "where it was one, two and three time steps ago, and the arrow ends where its centre will be after "
    "the next one. It keeps its speed, does not turn, and bounces off walls and blocks like light "
    "off a mirror. It stops {stop}. Make a video with a fixed camera that shows the {object} moving, half "
    "a second per time step, and drawing its path behind it, until it has stopped.",
    "Predict where the {object} comes to rest. The pale shapes behind it mark its positions at equal "
    "intervals, one time step apart; the arrow gives the direction and spans one step's distance. There "
    "is no friction and no gravity, and at every wall or block the angle of reflection equals the angle "
    "of incidence. The object stops {stop}. Animate the whole motion at a constant speed of two time "
    "steps per second, leaving a line along the way of its centre. The camera is static, and room and "
    "blocks do not change.",
    "The first frame shows {an_object} in motion, frozen at one instant: three fading images of its past, "
    "each one time step earlier than the next, and an arrow to its position one time step ahead. It "
    "travels in straight lines at constant speed and is reflected without loss by the walls and by any "
    "blocks in the room. Continue the motion in a video without camera movement, in which a time step "
    "lasts half a second and the path is traced. The {object} halts {stop}, and the final frame shows it "
    "there.",
    "Where will the {object} be when it stops? From one ghost image to the next it covers the same "
    "distance in the same time, one time step, and it goes on like that in the direction of the arrow, "
    "rebounding elastically from every wall and block that its edge touches. It stops {stop}. Show the "
    "motion from a fixed viewpoint, half a second for each time step, with the path of its centre drawn "
    "as a line and a dot on it for every full step, and hold on the final position.",
    "Simulate this scene: {an_object} in a walled room, moving uniformly as its three past positions and "
    "the arrow indicate. Past positions are one time step apart, and the arrow's tip is one time step "
    "ahead. On contact with a wall or a block, the component of the velocity towards it is reversed and "
    "the other is kept. The object comes to a halt {stop}. Render a video at two time steps per second "
    "with the camera at rest, let the object leave a trail, and finish with the object at its place of "
    "rest.",
    "Follow the {object}. It has been moving in a straight line, as the fading copies show, one for each "
    "of the last three time steps, and it leaves in the direction of the arrow, whose tip it reaches "
    "after one more. Walls and blocks throw it back as a cushion does a billiard ball without spin, and "
    "nothing slows it down. It stops {stop}. Produce a video with an unmoving camera in which it travels "
    "its whole path at a constant speed, half a second per time step, with the path left visible, and "
    "ends at rest.",
    "Given are the positions of {an_object} three, two and one time steps ago and now, and an arrow to "
    "the next one. Extrapolate: the object keeps moving by the same amount each time step, mirrored "
    "whenever its edge meets a wall of the room or a block, and stops {stop}. Show this as a video from a "
    "static top view, two time steps per second, with a line that marks the way of its centre. The last "
    "frame shows the object at its end position.",
)
"""Wordings with places for the `object`, such as "red star", `an_object`, and when it is to `stop`."""


def prompts(setting: Setting, thing: Thing) -> list[str]:
    """Every wording of the task for this thing in this setting."""
    if setting.steps is not None:
        stop = f"after exactly {setting.steps} time steps, counted by the circles above the room"
    else:
        stop = "the moment it touches the wall with the yellow and black stripes"
    name = f"{thing.colour} {thing.shape}"
    article = "an" if name.startswith("o") else "a"
    return [prompt.format(object=name, an_object=f"{article} {name}", stop=stop) for prompt in PROMPTS]
