"""`maatu up`: all five services on this machine, until Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from maatu_client.cli.output import say
from maatu_client.cli.running import run_until_signal
from maatu_client.profiles import (
    DEFAULT_PROFILE,
    SERVICES,
    Profile,
    ServiceName,
    load_profile,
    missing_requirements,
    profile_names,
)
from maatu_client.supervisor import LocalStack, Progress
from maatu_runtime.errors import ConfigurationError

BASE_PORT = 50050
BASE_METRICS_PORT = 9100
_PORT_ORDER: tuple[ServiceName, ...] = ("gateway", "stt", "translate", "agent", "tts")
ModelsDir = Annotated[Path, typer.Option(envvar="MAATU_MODELS_DIR", help="Where the models are.")]
ProfileName = Annotated[
    str,
    typer.Option(envvar="MAATU_PROFILE", help=f"Models and settings: {', '.join(profile_names())}, or a .yaml file."),
]


def up(
    profile: ProfileName = DEFAULT_PROFILE,
    host: Annotated[str, typer.Option(help="Address the gateway listens on.")] = "127.0.0.1",
    gateway_port: Annotated[
        int, typer.Option(min=1, max=65531, help="gRPC port of the gateway; the other services take the four after it.")
    ] = BASE_PORT,
    metrics_port: Annotated[
        int, typer.Option(min=1, max=65531, help="Port of the gateway's /metrics; the others take the four after it.")
    ] = BASE_METRICS_PORT,
    models_dir: ModelsDir = Path("build/models"),
    log_dir: Annotated[Path, typer.Option(file_okay=False, help="Where <service>.log files go.")] = Path("build/logs"),
) -> None:
    """Starts all five services on this machine and keeps them running until Ctrl-C."""
    console = Console()
    chosen = ready_profile(profile, models_dir)
    stack = LocalStack(
        chosen,
        models_dir,
        log_dir=log_dir,
        host=host,
        ports={name: gateway_port + offset for offset, name in enumerate(_PORT_ORDER)},
        metrics_ports={name: metrics_port + offset for offset, name in enumerate(_PORT_ORDER)},
        on_progress=lambda progress: show_progress(console, progress),
    )

    async def work() -> None:
        say(console, f"profile {chosen.name}: {' '.join(chosen.description.split())}")
        async with stack:
            address = stack.address("gateway")
            say(console, f"\nready. In another terminal:  maatu talk --server {address} --text 'What is the moon?'")
            say(console, f"or a recording:             maatu talk --server {address} question.wav")
            say(console, "Ctrl-C stops everything.")
            await stack.supervise()

    run_until_signal(work())
    say(console, "all services stopped")


def ready_profile(name: str, models_dir: Path) -> Profile:
    """Loads a profile and makes sure that all it needs is there.

    Raises:
        ConfigurationError: The profile does not exist or is wrong, or something it needs is missing; says what to do.
    """
    profile = load_profile(name)
    missing = missing_requirements(profile, models_dir)
    if not missing:
        return profile
    lines = [f"  {item.what}\n      {item.remedy}" for item in missing]
    raise ConfigurationError(
        "\n".join(
            [f"the profile {profile.name} cannot start on this machine yet. Nothing was started. Missing:", *lines]
        )
    )


def show_progress(console: Console, progress: Progress) -> None:
    """Prints a line where a service became healthy or ended by itself."""
    width = max(len(name) for name in SERVICES)
    match progress.state:
        case "serving":
            say(
                console,
                Text(f"{progress.service:<{width}}  ", style="green").append(
                    f"{progress.address:<17} healthy after {progress.seconds:.1f} s", style="default"
                ),
            )
        case "ended":
            say(console, Text(f"{progress.detail}\nstarting {progress.service} again", style="yellow"))
