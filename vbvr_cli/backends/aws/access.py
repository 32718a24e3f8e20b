"""Makes boto3's clients, of settings that are looked at first: what cannot work is named, not tried."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.configprovider import ConfiguredEndpointProvider
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError
from botocore.utils import ensure_boolean, is_valid_endpoint_url, is_valid_ipv6_endpoint_url

from vbvr_cli.backends.aws import faults, misconfigured

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from botocore.credentials import Credentials

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def open_client(
    session: boto3.Session, service: str, region: str, config: Config, endpoint_url: str | None = None
) -> Any:
    """A client of a service. It gives up at once where trying again cannot help.

    `endpoint_url` is for emulators; without it the settings say where. Raises ConfigurationError for an
    endpoint, a file of certificates, credentials and other settings that cannot be right.
    """
    url = endpoint_url or _endpoint_of(session, service)
    if url and (why := _wrong_with(url)):
        raise misconfigured.endpoint(_name_of_endpoint(service, url), url, why)
    _check_certificates(session, url)
    credentials_of(session)
    with faults.explained(service):
        try:
            client = session.client(  # type: ignore[call-overload]
                service, region_name=region, endpoint_url=endpoint_url, config=config
            )
        except BotoCoreError:  # of which some are ValueErrors, too
            raise
        except ValueError as error:
            raise misconfigured.refused(str(error)) from error
    named = client.meta.service_model.service_id.hyphenize()  # as botocore's own handler, which it precedes
    client.meta.events.register_first(f"needs-retry.{named}", _stop_if_hopeless)
    return client


def credentials_of(session: boto3.Session) -> Credentials | None:
    """The credentials, None where there are none. Raises ConfigurationError for what can be none."""
    with faults.explained("AWS"):
        try:
            found = session.get_credentials()
        except BotoCoreError:
            raise
        except Exception as error:  # whatever botocore stumbles over in what a program printed
            raise _of_loading(session, error) from error
    if found and (wrong := [name for name, value in _values_of(found).items() if not _is_sendable(value)]):
        raise misconfigured.credentials(wrong)
    return found


def bundle_of(session: boto3.Session) -> str | None:
    """The file of certificates to trust that is set, None for the usual ones."""
    told = session._session.get_config_variable("ca_bundle")
    return told if told is not None else os.environ.get("REQUESTS_CA_BUNDLE")


def _endpoint_of(session: boto3.Session, service: str) -> str | None:
    """The endpoint that the environment or the profile name for a service."""
    inner = session._session
    if ensure_boolean(inner.get_config_variable("ignore_configured_endpoint_urls") or False):
        return None
    url: str | None = ConfiguredEndpointProvider(
        full_config=inner.full_config, scoped_config=inner.get_scoped_config(), client_name=service
    ).provide()
    return url


def _name_of_endpoint(service: str, url: str) -> str:
    names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    return next((name for name in names if os.environ.get(name) == url), "endpoint_url in the profile")


def _wrong_with(url: str) -> str | None:
    """Why a URL is none of a server."""
    if url != url.strip():
        return "there are blanks around it"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in {"http", "https"}:
        return "it does not begin with http:// or https://"
    if not is_valid_endpoint_url(url) and not is_valid_ipv6_endpoint_url(url):
        return "it names no host, or one that there cannot be"
    return "no server is at port 0" if port == 0 else None


def _check_certificates(session: boto3.Session, url: str | None) -> None:
    """Read what boto3 would read at every connection, and not find, every time anew."""
    bundle = bundle_of(session)
    if bundle is None or (bundle.strip() and url and url.startswith("http://")):
        return
    setting = _name_of_bundle(session)
    if not bundle.strip():
        raise misconfigured.certificates(setting, bundle, "it names no file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=bundle)
    except ssl.SSLError as error:
        raise misconfigured.certificates(setting, bundle, f"no certificate is in it: {error}") from error
    except OSError as error:
        raise misconfigured.certificates(setting, bundle, str(error)) from error


def _name_of_bundle(session: boto3.Session) -> str:
    if "AWS_CA_BUNDLE" in os.environ:
        return "AWS_CA_BUNDLE"
    in_profile = session._session.get_config_variable("ca_bundle") is not None
    return "ca_bundle in the profile" if in_profile else "REQUESTS_CA_BUNDLE"


def _values_of(credentials: Credentials) -> Mapping[str, str | None]:
    """The parts of credentials that were written down somewhere, by where that was."""
    if credentials.method == "env":
        return {name: os.environ.get(name) for name in _CREDENTIALS}
    if isinstance(credentials, RefreshableCredentials):  # to look at them may be to ask for them
        return {}
    found = (credentials.access_key, credentials.secret_key, credentials.token)
    return {f"{name.lower()} of the profile": value for name, value in zip(_CREDENTIALS, found, strict=False)}


def _is_sendable(value: str | None) -> bool:
    return not value or (value.isascii() and value.isprintable() and " " not in value)


def _of_loading(session: boto3.Session, error: Exception) -> Exception:
    """What it means that credentials could not be loaded: of what was printed, nothing is shown."""
    if program := session._session.get_scoped_config().get("credential_process"):
        return misconfigured.credential_process(f"{program.partition(' ')[0]}: {error}")
    return misconfigured.refused(str(error)) if isinstance(error, ValueError) else error


def _stop_if_hopeless(caught_exception: BaseException | None = None, **_: Any) -> bool | None:
    """Whether to try again: False where that cannot help, None where others decide."""
    error = caught_exception
    hopeless = error and (misconfigured.is_untrusted(error) or misconfigured.is_unsendable(error))
    return False if hopeless else None
