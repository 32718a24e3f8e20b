"""What settings that cannot be right are said to be. Nothing of a credential is ever shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from botocore import exceptions as boto

from vbvr_cli.errors import ConfigurationError

REFUSED = (
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidChecksumConfigError,
    boto.InvalidConfigError,
    boto.InvalidDefaultsMode,
    boto.InvalidEndpointConfigurationError,
    boto.InvalidIMDSEndpointError,
    boto.InvalidIMDSEndpointModeError,
    boto.InvalidProxiesConfigError,
    boto.InvalidRetryConfigurationError,
    boto.InvalidS3AddressingStyleError,
    boto.InvalidS3UsEast1RegionalEndpointConfigError,
    boto.InvalidSTSRegionalEndpointsConfigError,
)
"""What boto3 raises for settings of its own that it cannot use."""

_BUNDLES = "AWS_CA_BUNDLE, else ca_bundle in the profile, else REQUESTS_CA_BUNDLE"
_NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "doesn't match")  # OpenSSL's words, urllib3's of the host's name
_OF_TLS = (boto.SSLError, boto.ProxyConnectionError)
_NOT_SENDABLE = "Invalid header value"


def is_untrusted(error: BaseException) -> bool:
    """Whether the certificate at the other end was refused."""
    return isinstance(error, _OF_TLS) and any(words in str(error) for words in _NOT_TRUSTED)


def is_unsendable(error: BaseException) -> bool:
    """Whether no request can be made of the credentials. The words of such an error hold some of them."""
    return _NOT_SENDABLE in str(error)


def endpoint(setting: str, url: str, why: str) -> ConfigurationError:
    """An endpoint that is no URL of a server."""
    shown = re.sub(r"//[^/@]*@", "//…@", url)
    return ConfigurationError(
        f"{setting} is no URL of a server: {shown!r}.",
        why=why,
        hint=f"Set {setting} to one such as http://localhost:4566, or unset it for AWS itself.",
    )


def certificates(setting: str, file: str, why: str) -> ConfigurationError:
    """A file of certificates that cannot be used."""
    return ConfigurationError(
        f"The certificates to trust cannot be read: {setting} is {file!r}.",
        why=why,
        hint=f"Set {setting} to a PEM file of certificates, or unset it for the usual ones. "
        f"What counts is {_BUNDLES}.",
    )


def untrusted(error: BaseException) -> ConfigurationError:
    """A server whose certificate nobody vouches for that is trusted here."""
    return ConfigurationError(
        "The certificate of the server is not trusted.",
        why=str(error),
        hint="Name a PEM file with the certificate of your proxy or emulator, or with whoever signed it: "
        f"{_BUNDLES}. If one is set, check that it is the right file, and AWS_ENDPOINT_URL the right host.",
    )


def credentials(settings: Sequence[str]) -> ConfigurationError:
    """Credentials of which no request can be made."""
    return ConfigurationError(
        f"No AWS credential can be what is in {' and '.join(settings)}.",
        why="there are blanks, line ends or other characters in it that a credential never has",
        hint="Copy it again, without what is around it: a line end or a blank at its end is easily missed.",
    )


def credential_process(why: str) -> ConfigurationError:
    """A program that was to print credentials, and did not."""
    return ConfigurationError(
        "The credential_process of the AWS profile gave no credentials.",
        why=why,
        hint="Run it by hand: it must print the JSON that the AWS CLI's documentation of credential_process "
        "shows. Mend it in ~/.aws/config, or name another profile with --profile.",
    )


def refused(why: str) -> ConfigurationError:
    """A setting that boto3 cannot use."""
    return ConfigurationError(
        "A setting of AWS cannot be used.",
        why=why,
        hint="Look for it among the variables that begin with AWS_ and in ~/.aws/config; mend or unset it.",
    )
