"""All commands under one name, and how the process ends."""

import gc
import sys
from typing import Annotated

import typer

from microglia import __version__
from microglia.cli import acting, approving, deciding, demo, looking, policies, proposing, running

app = typer.Typer(
    name="microglia",
    help="Prunes an overgrown service mesh by use, and protects what is rare but load-bearing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for register in (
    looking.register,
    deciding.register,
    proposing.register,
    acting.register,
    approving.register,
    policies.register,
    running.register,
    demo.register,
):
    register(app)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print it.")] = False) -> None:
    """Look, decide and show; nothing is changed unless you say apply, restore or reopen --regrow."""
    if version:
        typer.echo(f"microglia {__version__}")
        raise typer.Exit


def main() -> None:
    """Every mistake a person can make ends in one message and an exit code, never a traceback. Raises SystemExit."""
    from microglia.cli.errors import report_mistakes

    # A command is short-lived and makes millions of small objects without cycles: searching them for some costs five
    # times the reading of a large snapshot.
    gc.disable()
    sys.exit(report_mistakes(app))


def console() -> None:
    """The console script: ``main``, and the end of the process."""
    from microglia.cli.ending import end

    try:
        main()
    except SystemExit as ended:
        end(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
