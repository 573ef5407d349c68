"""The command's parts, put together; errors become one plain line."""

import errno
import importlib.metadata
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from maatu_client.cli.demo import demo
from maatu_client.cli.talk import talk
from maatu_client.cli.up import up
from maatu_client.models.cli import models_app
from maatu_client.service_process import ServiceFailed
from maatu_runtime.errors import ConfigurationError, InvalidRequest, MaatuError, RemoteDefect


class _Group(TyperGroup):
    """Turns the errors that a user can do something about into a line on stderr and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except (ConfigurationError, InvalidRequest) as error:
            _fail(error, 2)
        except (MaatuError, RemoteDefect, ServiceFailed) as error:
            _fail(error, 1)
        except OSError as error:
            # Where nobody reads on (`maatu … | head`), click ends quietly. What the system did not raise is a defect.
            if error.errno in (None, errno.EPIPE):
                raise
            _fail(f"{error.filename}: {error.strerror}" if error.filename is not None else str(error.strerror), 2)


def _fail(error: Exception | str, status: int) -> None:
    print(f"maatu: {error}", file=sys.stderr)
    raise typer.Exit(status) from None


app = typer.Typer(
    name="maatu",
    help="A real-time voice agent: speak, and hear the answer in your own language.",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(talk)
app.command()(demo)
app.add_typer(models_app, name="models")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"maatu {_version()}")
        raise typer.Exit


def _version() -> str:
    try:
        return importlib.metadata.version("maatu-client")
    except importlib.metadata.PackageNotFoundError:  # run from the sources, without installation
        return "(not installed)"


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass
