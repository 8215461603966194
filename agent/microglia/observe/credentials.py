"""Ways to be let in beside a bearer token file. What is secret is read where it is used, and never printed."""

import importlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import requests
from requests.auth import AuthBase

SERVICE: Final = "aps"
"""Amazon's name for its managed Prometheus, which is part of every signature."""
EXTRA: Final = "microglia[aws]"


class MissingExtraError(Exception):
    """A way in needs a library that is not installed; the message says how to get it."""


class Bearer(AuthBase):
    """A bearer token that came with the environment."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request`` with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Basic(AuthBase):
    """A user, and a password that is asked for at every request, so that a rotated one works."""

    def __init__(self, user: str, password: Callable[[], str]) -> None:
        self._user = user
        self._password = password

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request`` with user and password (RFC 7617, in UTF-8)."""
        pair = f"{self._user}:{self._password()}".encode()
        request.headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return request


class Signature(AuthBase):
    """AWS Signature Version 4, by botocore: its chain finds the credentials and renews those that expire.

    Raises MissingExtraError when botocore is not installed.
    """

    def __init__(self, region: str) -> None:
        try:
            self._signer = importlib.import_module("botocore.auth").SigV4Auth
            self._request = importlib.import_module("botocore.awsrequest").AWSRequest
            session = importlib.import_module("botocore.session")
        except ImportError:
            raise MissingExtraError(
                f"signing requests for AWS needs botocore, which is not installed: pip install '{EXTRA}'"
                " (in an image: docker build --build-arg REQUIREMENTS=aws), or leave prometheus_aws_region out"
            ) from None
        self._region = region
        self._session: Any = session.Session()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request`` signed with the credentials of now. Raises OSError where there are none."""
        credentials = self._session.get_credentials()
        if credentials is None:
            raise OSError(
                "no AWS credentials were found to sign with: give the pod a role (IRSA, Pod Identity), or set"
                " AWS_PROFILE"
            )
        signed = self._request(request.method, request.url, data=request.body, headers=_signed_headers(request))
        self._signer(credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def password_in(path: Path) -> Callable[[], str]:
    """Reads ``path`` anew each time."""
    return lambda: path.read_text(encoding="utf-8").strip()


def _signed_headers(request: requests.PreparedRequest) -> dict[str, str]:
    """Those that nothing on the way changes, and the tenant's own."""
    return {name: value for name, value in request.headers.items() if name.lower() in {"content-type", "x-amz-date"}}
