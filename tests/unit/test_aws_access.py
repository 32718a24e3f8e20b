"""Settings of AWS that cannot be right: named before anything is tried, by the setting and what mends it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import pytest
from botocore.exceptions import HTTPClientError, SSLError
from botocore.httpsession import URLLib3Session, get_cert_path
from emulators.certificates import certificate
from emulators.loopback import listening
from emulators.stack import REGION, session

from vbvr_cli.backends.aws import faults
from vbvr_cli.backends.aws.clients import Clients
from vbvr_cli.backends.aws.discovery import make_session
from vbvr_cli.config import AwsSettings
from vbvr_cli.errors import ConfigurationError, ServiceError

NOWHERE = "https://127.0.0.1:1"
SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtn",
    "AWS_SESSION_TOKEN": "FwoGZ",
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is set but credentials; a test may write the file."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "config"


@pytest.fixture
def tries() -> Iterator[list[str]]:
    """The URLs that boto3 tried. It does not wait between its tries."""
    asked: list[str] = []
    send = URLLib3Session.send

    def watched(self: URLLib3Session, request: Any) -> Any:
        asked.append(request.url)
        return send(self, request)

    with (
        mock.patch.object(URLLib3Session, "send", watched),
        mock.patch("botocore.retries.standard.ExponentialBackoff.delay_amount", return_value=0),
    ):
        yield asked


def ask(profile: str | None = None, endpoint_url: str | None = None) -> None:
    """Ask SQS for its queues, as a command with these settings does."""
    made = make_session(AwsSettings(stack="vbvr", region=REGION, profile=profile))
    with closing(Clients(made, REGION, endpoint_url=endpoint_url)) as clients:
        clients.sqs.list_queues()


def refusal(action: Callable[[], object] = ask) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        action()
    return raised.value


def everything_of(error: ConfigurationError) -> str:
    return f"{error.what} {error.why} {error.hint}"


# Endpoints


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "127.0.0.1:4566",
        "localhost:4566",
        "ftp://localhost",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://127.0.0.1:0",
        "http://[::1",
        "http://",
        "http://a host",
        " http://localhost",
    ],
)
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"])
def test_an_endpoint_that_is_none_is_named_and_not_tried(
    monkeypatch: pytest.MonkeyPatch, tries: list[str], variable: str, url: str
) -> None:
    monkeypatch.setenv(variable, url)

    error = refusal()

    assert error.what.startswith(f"{variable} is ")
    assert repr(url) in error.what
    assert variable in (error.hint or "")
    assert tries == []


def test_an_endpoint_of_the_profile_is_named_as_such(settings: Path) -> None:
    settings.write_text("[default]\nendpoint_url = ftp://localhost\n")

    assert "endpoint_url in the profile" in refusal().what


def test_a_password_in_an_endpoint_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "ftp://me:hidden@localhost")

    assert "hidden" not in everything_of(refusal())


def test_an_endpoint_that_is_ignored_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    with closing(Clients(make_session(AwsSettings("vbvr", REGION)), REGION)) as clients:
        assert clients.sqs.meta.endpoint_url == f"https://sqs.{REGION}.amazonaws.com"


@pytest.mark.parametrize("url", ["http://[::1]:4566", "https://localhost", "http://a-host.example:80/path"])
def test_a_sound_endpoint_is_used(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with closing(Clients(make_session(AwsSettings("vbvr", REGION)), REGION)) as clients:
        assert clients.sqs.meta.endpoint_url == url


# Certificates


def broken_bundle(folder: Path, kind: str) -> str:
    """The path of a bundle that is broken in this way."""
    if kind in {"", " "}:
        return kind
    file = folder / "bundle.pem"
    if kind == "folder":
        file.mkdir()
    elif kind == "half":
        file.write_text("-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC\n")
    elif kind == "key":
        certificate(folder)
        file = folder / "private.pem"
    elif kind != "missing":
        file.write_bytes({"garbage": os.urandom(500), "empty": b""}[kind])
    return str(file)


@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "half", "key", "folder", "", " "])
@pytest.mark.parametrize("setting", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle in the profile"])
def test_a_bundle_that_cannot_be_read_is_named_and_nothing_is_tried(
    monkeypatch: pytest.MonkeyPatch, settings: Path, tries: list[str], setting: str, kind: str
) -> None:
    if setting.isupper():
        monkeypatch.setenv(setting, broken_bundle(settings.parent, kind))
    else:
        settings.write_text(f"[default]\nca_bundle = {broken_bundle(settings.parent, kind)}\n")

    error = refusal(lambda: ask(endpoint_url=NOWHERE))

    assert "certificates" in error.what
    assert f"{setting} is" in error.what
    assert error.why
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"):
        assert name in (error.hint or "")
    assert tries == []


def test_a_bundle_is_of_no_interest_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/bundle.pem")
    with listening(Queues) as url, closing(Clients(session(), REGION, endpoint_url=url)) as clients:
        assert clients.sqs.list_queues()


def test_a_sound_bundle_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context, public = certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(public))
    with listening(Queues, context) as url, closing(Clients(session(), REGION, endpoint_url=url)) as clients:
        assert clients.sqs.list_queues()


@pytest.mark.parametrize("bundle", [None, get_cert_path(True)])
def test_a_certificate_that_is_not_trusted_is_said_to_be_one_after_one_try(
    monkeypatch: pytest.MonkeyPatch, tries: list[str], tmp_path: Path, bundle: str | None
) -> None:
    if bundle:
        monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    with listening(Queues, certificate(tmp_path)[0]) as url:
        error = refusal(lambda: ask(endpoint_url=url))

    assert "certificate" in error.what
    assert url in (error.why or "")
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"):
        assert name in (error.hint or "")
    assert len(tries) == 1


def test_a_certificate_of_another_host_is_said_to_be_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context, public = certificate(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(public))
    with listening(Queues, context) as url:
        error = refusal(lambda: ask(endpoint_url=url.replace("localhost", "127.0.0.1")))

    assert "certificate" in error.what
    assert "127.0.0.1" in (error.why or "")


def test_a_handshake_that_breaks_off_may_be_tried_again(tries: list[str]) -> None:
    broken = SSLError(endpoint_url=NOWHERE, error="EOF occurred in violation of protocol")
    with pytest.raises(ServiceError):
        ask(endpoint_url=NOWHERE)

    assert isinstance(faults.explain(broken, "queue"), ServiceError)
    assert len(tries) == 8


# Credentials


@pytest.mark.parametrize("extra", ["\n", "\r\n", "\x01", "\t", " ", " x", "\x7f", "é", "\u2028"])
@pytest.mark.parametrize("name", list(SECRETS))
def test_a_credential_that_can_be_none_is_named_and_none_of_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, tries: list[str], name: str, extra: str
) -> None:
    monkeypatch.setenv(name, SECRETS[name] + extra)

    error = refusal()

    assert name in error.what
    assert [other for other in SECRETS if other != name and other in error.what] == []
    assert [value for value in SECRETS.values() if value in everything_of(error)] == []
    assert tries == []


def test_a_credential_of_a_profile_is_named_by_its_key(settings: Path) -> None:
    settings.write_text(
        "[profile p]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = in the middle\n"
    )

    error = refusal(lambda: ask(profile="p"))

    assert "aws_secret_access_key of the profile" in error.what
    assert "middle" not in everything_of(error)


def test_what_python_says_of_a_header_shows_nothing_of_the_credentials() -> None:
    said = ValueError("Invalid header value b'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\\n'")

    error = faults.explain(HTTPClientError(error=said), "queue")

    assert isinstance(error, ConfigurationError)
    assert "AKIA" not in everything_of(error)


@pytest.mark.parametrize(
    ("prints", "why"),
    [
        ("echo no JSON, but wJalrXUtn", "Expecting value"),
        ("true", "Expecting value"),
        ("echo [1]", "attribute"),
        ("echo '{\"Version\": 9}'", "version"),
        ("echo '{\"Version\": 1}'", "AccessKeyId"),
        ("echo Who are you? >&2; false", "Who are you?"),
    ],
)
def test_a_program_that_prints_no_credentials_is_said_to_do_so(
    settings: Path, tmp_path: Path, prints: str, why: str
) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{prints}\n")
    program.chmod(0o700)
    settings.write_text(f"[profile p]\ncredential_process = {program} --for me\n")

    error = refusal(lambda: ask(profile="p"))

    assert "credential_process" in error.what
    assert why in (error.why or "")
    assert "wJalrXUtn" not in everything_of(error)
    assert "Run it by hand" in (error.hint or "")


@pytest.mark.parametrize("command", ["/no/such/program", "sh -c 'unbalanced"])
def test_a_program_that_cannot_be_run_is_said_to_be_one(settings: Path, command: str) -> None:
    settings.write_text(f"[profile p]\ncredential_process = {command}\n")

    assert "credential_process" in refusal(lambda: ask(profile="p")).what


def test_a_program_that_fails_when_its_credentials_expire_is_named_too(
    settings: Path, tmp_path: Path
) -> None:
    program, answer = tmp_path / "program", tmp_path / "answer"
    program.write_text(f"#!/bin/sh\ncat {answer}; echo garbage > {answer}\n")
    program.chmod(0o700)
    soon = {
        "AccessKeyId": "a",
        "SecretAccessKey": "b",
        "SessionToken": "c",
        "Expiration": "2020-01-01T00:00:00Z",
    }
    answer.write_text(json.dumps({"Version": 1, **soon}))
    settings.write_text(f"[profile p]\ncredential_process = {program}\n")

    assert "credential_process" in refusal(lambda: ask(profile="p")).what


# Other settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_REQUEST_CHECKSUM_CALCULATION", "maybe"), ("AWS_CREDENTIAL_EXPIRATION", "some day")],
)
def test_a_setting_that_boto3_cannot_use_is_no_bug_of_ours(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert value.upper() in (refusal(lambda: ask(endpoint_url=NOWHERE)).why or "").upper()


def test_a_region_that_can_be_none_is_said_to_be_one() -> None:
    with closing(Clients(session(), "no region")) as clients:
        assert "--region" in (refusal(lambda: clients.sqs).hint or "")


def test_a_file_of_settings_that_cannot_be_parsed_is_named(settings: Path) -> None:
    settings.write_text("[default\nno")

    assert str(settings) in (refusal().why or "")


class Queues(BaseHTTPRequestHandler):
    """Says that there are no queues."""

    protocol_version = "HTTP/1.1"
    answer: ClassVar[bytes] = b"{}"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
