"""How long a deployment takes: synthesis alone, looking, deploying for the first time and again, destroying.

    python tests/bench/bench_deploy.py [ROUNDS]

Each is a whole `vbvr` command, against an emulated account on this machine that checks policies. What AWS
itself takes comes on top.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from emulators.ministack import ministack
from emulators.stack import REGION
from rehearsal.scene import KEYS, PATIENCE_SECONDS, REPOSITORY, ROOT, TAG, client_of, push_image

ACCOUNT = "000000000000"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}:{TAG}"


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor, children included."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - begun, busy


def run(command: list[str | Path], folder: Path, **variables: str) -> None:
    subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    figures: dict[str, list[tuple[float, float]]] = {}

    def measure(what: str, action: Callable[[], object]) -> None:
        figures.setdefault(what, []).append(timed(action))

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with ministack(folder, AUTH="true", LAMBDA_ACCOUNT_CONCURRENCY="1000") as emulator:
            push_image(lambda service: client_of(emulator, service))
            variables = {**KEYS, "AWS_ENDPOINT_URL": emulator.url}
            synth = {
                "CDK_OUTDIR": str(folder / "out"),
                "CDK_CONTEXT_JSON": json.dumps({"imageUri": IMAGE}),
                "CDK_DEFAULT_ACCOUNT": ACCOUNT,
                "CDK_DEFAULT_REGION": REGION,
            }

            def vbvr(*arguments: str) -> Callable[[], None]:
                binary = Path(sys.executable).with_name("vbvr")
                return lambda: run([binary, *arguments], folder, **variables)

            deploy = vbvr("deploy", "--yes", "--image-uri", IMAGE)
            measure("first deploy, with npm and bootstrap", deploy)
            vbvr("destroy", "--yes")()
            for _ in range(rounds):
                measure("synth", lambda: run([sys.executable, ROOT / "infra" / "app.py"], folder, **synth))
                measure("deploy", deploy)
                measure("deploy --diff", vbvr("deploy", "--diff", "--image-uri", IMAGE))
                measure("destroy", vbvr("destroy", "--yes"))
    print("| what | seconds, median | all | of processor time |")
    print("| --- | --- | --- | --- |")
    for what, found in figures.items():
        clock = [seconds for seconds, _ in found]
        busy = median(seconds for _, seconds in found)
        print(f"| {what} | {median(clock):.1f} | {', '.join(f'{one:.1f}' for one in clock)} | {busy:.1f} |")


if __name__ == "__main__":
    main()
