"""Options that several commands share, and how they reach a command as one value."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

WHERE = "Where to look (each also as MICROGLIA_NAME, or in the config file)"
SHOW = "How to show it"
INSTEAD = "Print something else"


class Output(StrEnum):
    """Formats of reading commands."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Where:
    """The cluster, its metrics, and the folder of journal, plans and buckets."""

    context: Annotated[str | None, typer.Option(help="kubeconfig context.", rich_help_panel=WHERE)] = None
    kubeconfig: Annotated[Path | None, typer.Option(help="kubeconfig file.", rich_help_panel=WHERE)] = None
    prometheus: Annotated[str | None, typer.Option(help="Prometheus URL.", rich_help_panel=WHERE)] = None
    prometheus_header: Annotated[
        list[str] | None, typer.Option(help="Extra header, 'Name: value'; repeatable.", rich_help_panel=WHERE)
    ] = None
    prometheus_token_file: Annotated[
        Path | None, typer.Option(help="Bearer token file, read for every request.", rich_help_panel=WHERE)
    ] = None
    prometheus_ca: Annotated[Path | None, typer.Option(help="CA bundle.", rich_help_panel=WHERE)] = None
    prometheus_cert: Annotated[
        Path | None, typer.Option(help="Client certificate, PEM, with its key.", rich_help_panel=WHERE)
    ] = None
    prometheus_key: Annotated[
        Path | None, typer.Option(help="Its key, where it has a file of its own.", rich_help_panel=WHERE)
    ] = None
    prometheus_user: Annotated[
        str | None, typer.Option(help="User of basic authentication.", rich_help_panel=WHERE)
    ] = None
    prometheus_password_file: Annotated[
        Path | None, typer.Option(help="Its password, read for every request.", rich_help_panel=WHERE)
    ] = None
    prometheus_aws_region: Annotated[
        str | None, typer.Option(help="Sign for AWS there; needs microglia[aws].", rich_help_panel=WHERE)
    ] = None
    flavour: Annotated[
        str | None,
        typer.Option(
            help="What answers: prometheus, thanos, mimir, victoriametrics, google, amazon, unknown; else it is asked.",
            rich_help_panel=WHERE,
        ),
    ] = None
    prometheus_scope: Annotated[
        str | None,
        typer.Option(
            help="Matchers that pick this cluster out of several, such as 'cluster=\"prod\"'.", rich_help_panel=WHERE
        ),
    ] = None
    dialect: Annotated[
        list[Path] | None,
        typer.Option(help="File of a further dialect of metrics; repeatable.", rich_help_panel=WHERE),
    ] = None
    state: Annotated[Path | None, typer.Option(help="Folder of journal, plans and buckets.", rich_help_panel=WHERE)] = (
        None
    )
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log to stderr.", rich_help_panel=WHERE, metavar="")
    ] = False


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy files."""

    policy: Annotated[
        list[Path] | None,
        typer.Option(
            help="Policy file or folder; repeatable. Else the cluster's, else built in.", rich_help_panel=WHERE
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A snapshot file in place of the live cluster."""

    snapshot: Annotated[
        Path | None, typer.Option("--snapshot", help="Read this snapshot file, not a cluster.", rich_help_panel=WHERE)
    ] = None


@dataclass(frozen=True, slots=True)
class Show:
    """Format and detail."""

    output: Annotated[Output, typer.Option("--output", "-o", help="Format.", rich_help_panel=SHOW)] = Output.TABLE
    everything: Annotated[bool, typer.Option("--all", metavar="", help="Show every row.", rich_help_panel=SHOW)] = False


@dataclass(frozen=True, slots=True)
class Printed:
    """What ``doctor`` prints in place of its findings."""

    rbac: Annotated[
        bool,
        typer.Option(
            "--rbac", metavar="", help="Print the ClusterRole that a rehearsal needs; it only reads.",
            rich_help_panel=INSTEAD,
        ),
    ] = False  # fmt: skip
    rbac_act: Annotated[
        bool,
        typer.Option(
            "--rbac-act", metavar="", help="Print the roles that apply and restore need beside it; they write.",
            rich_help_panel=INSTEAD,
        ),
    ] = False  # fmt: skip
    lease_namespace: Annotated[
        str | None, typer.Option(help="Where --rbac-act lets the Lease be held.", rich_help_panel=INSTEAD)
    ] = None
    rules: Annotated[
        bool,
        typer.Option(
            "--rules", metavar="", help="Print recording rules that spare Prometheus; they are used where they ran.",
            rich_help_panel=INSTEAD,
        ),
    ] = False  # fmt: skip
    metrics: Annotated[
        bool,
        typer.Option(
            "--metrics", metavar="", help="List the metric names that Prometheus has.", rich_help_panel=INSTEAD
        ),
    ] = False


def settings_in(*groups: Any) -> dict[str, Any]:
    """The options of these groups that are settings, by name."""
    return {name: value for group in groups for name, value in asdict(group).items() if name != "verbose"}


def expand(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take option groups as single arguments: each group's fields become options of the command."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    signature = inspect.signature(command)
    own = [
        parameter.replace(annotation=hints[name])
        for name, parameter in signature.parameters.items()
        if name not in groups
    ]

    @wraps(command)
    def collected(**given: Any) -> None:
        bundles = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        if any(isinstance(bundle, Where) and bundle.verbose for bundle in bundles.values()):
            from microglia.cli.logs import listen

            listen()
        command(**given, **bundles)

    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=get_type_hints(group, include_extras=True)[field.name],
        )
        for group in groups.values()
        for field in fields(group)
    ]
    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    vars(collected)["__signature__"] = signature.replace(parameters=[*keyword, *options])
    collected.__annotations__ = {parameter.name: parameter.annotation for parameter in [*keyword, *options]}
    return collected
