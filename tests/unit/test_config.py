"""Option before environment before .env before vbvr.yaml before default, and each says which it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vbvr_cli.config import AwsSettings, Options, load_settings
from vbvr_cli.errors import ConfigurationError, InvalidRequestError


def test_with_nothing_set_everything_is_a_default(tmp_path: Path) -> None:
    settings = load_settings(Options(), {}, tmp_path)

    assert (settings.home, settings.target) == (Path(".vbvr"), "local")
    assert set(settings.origins.values()) == {"default"}


@pytest.mark.parametrize("strongest", range(4))
def test_the_stronger_source_wins_and_is_named(tmp_path: Path, strongest: int) -> None:
    names = ["option", "environment", ".env", "vbvr.yaml"]
    if strongest <= 3:
        (tmp_path / "vbvr.yaml").write_text("home: vbvr.yaml\n")
    if strongest <= 2:
        (tmp_path / ".env").write_text("VBVR_HOME=.env\n")
    environment = {"VBVR_HOME": "environment"} if strongest <= 1 else {}
    options = Options(home=Path("option")) if strongest == 0 else Options()

    settings = load_settings(options, environment, tmp_path)

    assert str(settings.home) == settings.origins["home"] == names[strongest]


def test_an_empty_variable_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VBVR_HOME=fallback\n")

    assert load_settings(Options(), {"VBVR_HOME": ""}, tmp_path).home == Path("fallback")


def test_folders_of_generators_are_several(tmp_path: Path) -> None:
    settings = load_settings(Options(generators_path=os.pathsep.join(["a", "b"])), {}, tmp_path)

    assert settings.generators_paths == (Path("a"), Path("b"))


def test_another_process_finds_the_same_settings(tmp_path: Path) -> None:
    given = {"SQS_QUEUE_URL": "https://queue", "AWS_REGION": "eu-west-1", "VBVR_STACK": "second"}
    settings = load_settings(Options(home=tmp_path, generators_path="gens"), given, tmp_path)

    again = load_settings(Options(), settings.environment(), tmp_path)

    assert (again.home, again.target, again.aws) == (settings.home, settings.target, settings.aws)
    assert again.generators_paths == (Path("gens").absolute(),)


def test_a_named_queue_means_aws_unless_a_target_is_named(tmp_path: Path) -> None:
    queue = {"SQS_QUEUE_URL": "https://queue"}

    assert load_settings(Options(), queue, tmp_path).target == "aws"
    assert load_settings(Options(target="local"), queue, tmp_path).target == "local"


def test_a_deployed_stack_means_aws_unless_a_target_is_named(tmp_path: Path) -> None:
    asked = []

    def deployed(home: Path, aws: AwsSettings) -> bool:
        asked.append((home, aws.stack, aws.region))
        return True

    settings = load_settings(Options(home=tmp_path, stack="mine"), {}, tmp_path, deployed=deployed)

    assert (settings.target, settings.origins["target"]) == ("aws", "the stack mine is deployed")
    assert asked == [(tmp_path, "mine", "us-east-2")]
    assert load_settings(Options(target="local"), {}, tmp_path, deployed=deployed).target == "local"
    assert load_settings(Options(), {"VBVR_TARGET": "local"}, tmp_path, deployed=deployed).target == "local"


@pytest.mark.parametrize("option", ["stack", "profile", "region"])
@pytest.mark.parametrize("target", [None, "local"])
def test_an_option_about_aws_is_refused_where_the_target_is_another(
    tmp_path: Path, option: str, target: str | None
) -> None:
    with pytest.raises(InvalidRequestError, match=f"--{option} x would do nothing") as error:
        load_settings(Options(target=target, **{option: "x"}), {}, tmp_path)

    assert "--target aws" in str(error.value.hint)
    assert load_settings(Options(), {"VBVR_STACK": "x", "AWS_REGION": "x"}, tmp_path).target == "local"
    assert load_settings(Options(target="aws", **{option: "x"}), {}, tmp_path).target == "aws"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hoome: x\n", "Perhaps you meant home"),
        ("home: 7\n", "home is 7"),
        ("home: [\n", "cannot be read"),
        ("- home\n", "not a list of settings"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "vbvr.yaml").write_text(text)

    with pytest.raises(ConfigurationError) as error:
        load_settings(Options(), {}, tmp_path)

    assert "vbvr.yaml" in error.value.what
    assert said in f"{error.value.what} {error.value.hint}"


def test_an_unknown_target_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no target 'azure'") as error:
        load_settings(Options(), {"VBVR_TARGET": "azure"}, tmp_path)

    assert "environment" in str(error.value.why)


@pytest.mark.parametrize("line", ['VBVR_TARGET="aws', "garbage line"])
def test_a_broken_line_of_dotenv_is_refused_and_not_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"VBVR_HOME=state\n{line}\n")

    with pytest.raises(ConfigurationError, match=r"\.env cannot be read") as error:
        load_settings(Options(), {}, tmp_path)

    assert "line 2" in str(error.value.why)


def test_a_home_is_expanded_where_no_shell_has_done_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "vbvr.yaml").write_text("home: ~/state\n")

    assert load_settings(Options(), {}, tmp_path).home == tmp_path / "state"
