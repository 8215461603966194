"""Where things are. Precedence: flag, ``MICROGLIA_*``, config file, default; passed along, never global."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import from_json
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from microglia.policy.schema import Mode

_MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"'
_MATCHERS = re.compile(rf"{_MATCHER}(?:\s*,\s*{_MATCHER})*")


_WAYS = ("prometheus_token_file", "prometheus_token", "prometheus_user", "prometheus_aws_region")
Backend = Literal["auto", "prometheus", "thanos", "mimir", "victoriametrics", "google", "amazon", "unknown"]
"""What may answer at the address of Prometheus."""


class SettingsError(Exception):
    """A setting is wrong; the message names it, its source and the remedy."""


class Settings(BaseSettings):
    """Every value that is not policy."""

    model_config = SettingsConfigDict(env_prefix="MICROGLIA_", frozen=True, extra="forbid")

    context: str | None = Field(default=None, description="kubeconfig context; else the current one, else in-cluster")
    kubeconfig: Path | None = Field(default=None, description="kubeconfig file; else KUBECONFIG")
    prometheus: str | None = Field(default=None, description="URL; else the common Services through the API server")
    prometheus_header: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="extra headers, each 'Name: value'"
    )
    prometheus_token_file: Path | None = Field(default=None, description="bearer token, read anew for every request")
    prometheus_ca: Path | None = Field(default=None, description="CA bundle for the server's certificate")
    prometheus_cert: Path | None = Field(default=None, description="client certificate and key in one PEM file")
    prometheus_key: Path | None = Field(default=None, description="the certificate's key, where it has its own file")
    prometheus_token: SecretStr | None = Field(default=None, description="bearer token; no flag: arguments are public")
    prometheus_user: str | None = Field(default=None, description="user of basic authentication")
    prometheus_password: SecretStr | None = Field(default=None, description="its password; no flag")
    prometheus_password_file: Path | None = Field(default=None, description="its password, read anew for every request")
    prometheus_aws_region: str | None = Field(default=None, description="sign for AWS there; needs microglia[aws]")
    flavour: Backend = Field(default="auto", description="what answers; auto: it is asked")
    prometheus_queries: int = Field(default=2, ge=1, le=20, description="queries at a time")
    prometheus_samples: int = Field(
        default=5_000_000_000, ge=0, description="samples that one lap may have the server read; 0: any number"
    )
    prometheus_scope: str | None = Field(
        default=None, description='PromQL matchers that pick this cluster out of several, such as cluster="prod"'
    )
    dialect: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="files of further dialects of metrics, beside those built in"
    )
    policy: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="policy files or folders; else the cluster's, else built in"
    )
    state: Path = Field(
        default_factory=lambda: platformdirs.user_state_path("microglia"), description="journal, plans and buckets"
    )
    lease_namespace: str = Field(default="default", description="where the Lease lies that keeps two people apart")
    identities: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="user names of the agent itself, which may not approve plans"
    )

    mode: Mode = Field(default="auto", description="the most that microglia run does, whatever a policy's mode says")
    interval: float = Field(default=600.0, gt=0, description="seconds between the laps of microglia run")
    jitter: float = Field(default=0.1, ge=0, lt=1, description="share by which a pause between laps may differ")
    intervals: int = Field(default=3, ge=1, description="intervals without a sign of life until /healthz says no")
    listen: str = Field(default=":8080", description="host:port (no host: every one) of /metrics, /healthz and /readyz")
    lease_duration: float = Field(default=15.0, gt=0, description="seconds that a Lease holds without renewal")
    lease_deadline: float = Field(default=10.0, gt=0, description="seconds of failed renewals until a leader gives up")
    lease_retry: float = Field(default=2.0, gt=0, description="seconds between attempts to win or to renew a Lease")

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        """A leader gives up before another may take over."""
        if not self.lease_retry < self.lease_deadline < self.lease_duration:
            raise ValueError(
                f"lease_retry {self.lease_retry:g}, lease_deadline {self.lease_deadline:g} and lease_duration"
                f" {self.lease_duration:g} must grow in this order; write 2, 10 and 15"
            )
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        """One way to be let in, and whole."""
        ways = {name: getattr(self, name) for name in _WAYS}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two ways to be let in; leave one out")
        password = (self.prometheus_password, self.prometheus_password_file)
        if (self.prometheus_user is None) != (password == (None, None)) or None not in password:
            raise ValueError(
                "prometheus_user needs one of prometheus_password and prometheus_password_file, and they need it"
            )
        if self.prometheus_key is not None and self.prometheus_cert is None:
            raise ValueError("prometheus_key belongs to a certificate; name it in prometheus_cert")
        return self

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        """A host (may be empty) and a port."""
        host, colon, port = value.rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            raise ValueError(f'"{value}" is no address; write {host}:8080')
        return value

    @field_validator("prometheus")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        """A URL has its scheme."""
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError(f'"{value}" is no URL; write http://{value.rpartition("//")[2]}')
        return value

    @field_validator("prometheus_scope")
    @classmethod
    def _matchers(cls, value: str | None) -> str | None:
        """Matchers as they stand between the braces of a selector."""
        if value is not None and not _MATCHERS.fullmatch(value):
            raise ValueError(f"'{value}' is no list of PromQL matchers; write cluster=\"prod\"")
        return value

    @field_validator("prometheus_header", "policy", "identities", "dialect", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """A single value as it stands, or several as a JSON list: an environment variable holds only text."""
        if not isinstance(value, str | Path):
            return value
        if not str(value).startswith("["):
            return (value,)
        try:
            return from_json(str(value))
        except ValueError as error:
            raise ValueError(f"is not JSON: {error}") from error


def config_file() -> Path:
    """Where the config file is looked for."""
    return platformdirs.user_config_path("microglia") / "config.yaml"


def resolve(flags: Mapping[str, Any], config: Path) -> tuple[Settings, dict[str, str]]:
    """Settings, and the source of each value. ``flags`` with None or () were not given.

    Raises SettingsError when a source holds an unknown name or a wrong value.
    """
    given = {name: value for name, value in flags.items() if value not in (None, (), [])}
    sources: list[tuple[str, Mapping[str, Any]]] = [
        (str(config), _read(config)),
        ("environment", EnvSettingsSource(Settings)()),
        ("flag", given),
    ]
    merged: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.model_fields, "default")
    for source, values in sources:
        unknown = sorted(set(values) - set(Settings.model_fields))
        if unknown:
            raise SettingsError(f"{source}: unknown setting {unknown[0]!r}; known: {', '.join(Settings.model_fields)}")
        merged.update(values)
        origin.update({name: _label(source, name) for name in values})
    try:
        return Settings(**merged), origin
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else _of_all(first["msg"])
        raise SettingsError(f"{origin.get(name, 'settings')}: {name}: {first['msg']}") from None


def _of_all(message: str) -> str:
    """The setting that a message about several names first."""
    return next(iter(re.findall(r"\b(?:lease|prometheus)_\w+", message)), "settings")


def _label(source: str, name: str) -> str:
    dashed = name.replace("_", "-")
    return {"flag": f"--{dashed}", "environment": f"MICROGLIA_{name.upper()}"}.get(source, source)


def _read(config: Path) -> Mapping[str, Any]:
    try:
        text = config.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: cannot be read: {error}") from None
    try:
        values = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise SettingsError(f"{config}: is not YAML: {str(error).splitlines()[0]}") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{config}: write one 'name: value' per line")
    return {str(name).replace("-", "_"): value for name, value in values.items()}
