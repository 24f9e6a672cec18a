"""The command line: registers every command of `benchmarks/commands` and turns errors of the user into one line.

A command prints its results to standard output, and progress and errors to standard error.
"""

from __future__ import annotations

import shlex
import sys
import traceback

import typer
from typer.exceptions import TyperException

import paradigms
from benchmarks import commands, options
from benchmarks.errors import BadInput
from benchmarks.execute.signals import interruptible

INTERRUPTED = 130  # what the app returns after a KeyboardInterrupt
HELP = """Compare ways to train generative models and recognisers at equal training compute.

Results go to standard output, progress and errors to standard error.
Exit codes: 0 done, 1 a cell, table or figure failed, 2 bad usage or input, 130 interrupted.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP)


@app.callback()
def any_command(show_traceback: options.Traceback = False) -> None:
    """Document an option for --help; `main` takes it off the command line, wherever it stands there."""


for name, command in commands.found().items():
    app.command(name)(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit; an error of the user is one line on standard error and exit code 2.

    arguments: the command line; None for `sys.argv`. `--traceback`, anywhere in it, also prints where such an error
        was raised.
    """
    arguments = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    given = [argument for argument in arguments if argument != options.TRACEBACK]
    try:
        with interruptible():
            code = app(given or ["--help"], prog_name="alexnet-moment", standalone_mode=False) or 0
    except (BadInput, paradigms.UnknownParadigm, TyperException) as error:
        if options.TRACEBACK in arguments:
            traceback.print_exc()
        usage = isinstance(error, TyperException)
        message = f"{' '.join(error.format_message().split())} (see --help)" if usage else error
        print(f"error: {message}", file=sys.stderr)
        code = 2
    if code == INTERRUPTED:
        again = shlex.join(["python", "-m", "benchmarks", *arguments])
        print(f"interrupted; finished cells are kept. To resume: {again}", file=sys.stderr)
    sys.exit(code)
