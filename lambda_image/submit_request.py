"""The event of the submit function."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lambda_image.faults import InvalidRequest, one_line
from vbvr_cli.errors import InvalidRequestError
from vbvr_cli.models import OutputFormat
from vbvr_cli.planning import DEFAULT_SAMPLES, Request

MOST_CONTINUATIONS = 100


class SubmitEvent(BaseModel):
    """What is asked for. Without generators, categories and roles: all of the image.

    `max_cost_usd`: nothing is sent if the estimate exceeds it. `describe` asks for the roster instead.
    `continued` counts the invocations that the function made of itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    generators: list[str] | None = Field(default=None, min_length=1)
    categories: list[str] = []
    roles: list[str] = []
    samples: int = Field(default=DEFAULT_SAMPLES, ge=1)
    batch_size: int | None = None
    seed: int = 0
    output_format: OutputFormat = "files"
    dedup: bool = False
    bucket: str | None = Field(default=None, min_length=1)
    append: bool = False
    replace: bool = False
    resend: bool = False
    dry_run: bool = False
    max_cost_usd: float | None = Field(default=None, gt=0)
    describe: bool = False
    continued: int = Field(default=0, ge=0, le=MOST_CONTINUATIONS)

    @classmethod
    def read(cls, event: Any) -> SubmitEvent:
        """Read an event. Raises InvalidRequest with each fault, on one line."""
        if not isinstance(event, dict):
            raise InvalidRequest(f"The event is {event!r:.80}: it must be an object such as {{}}.")
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            raise InvalidRequest(_describe(error)) from None

    @property
    def patterns(self) -> list[str]:
        """The names and globs that are meant."""
        return self.generators or ([] if self.categories or self.roles else ["all"])

    def request(self) -> Request:
        """What is asked of each generator. Raises InvalidRequest."""
        try:
            return Request(
                samples=self.samples,
                batch_size=self.batch_size,
                seed=self.seed,
                output_format=self.output_format,
                dedup=self.dedup,
                append=self.append,
                replace=self.replace,
            )
        except InvalidRequestError as error:
            raise InvalidRequest(
                one_line(error).replace("--", "").replace("batch-size", "batch_size")
            ) from None


def _describe(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False):
        field = ".".join(map(str, fault["loc"]))
        if fault["type"] == "extra_forbidden":
            faults.append(f"there is no field {field!r}; there are {', '.join(SubmitEvent.model_fields)}")
        elif fault["type"] == "too_short":
            faults.append(f"{field} is empty: leave it out to mean all")
        else:
            faults.append(f"{field}: {fault['msg']} (got {fault['input']!r:.80})")
    return f"The event is not valid: {'; '.join(faults)}."
