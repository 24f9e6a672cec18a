"""The command line: registers every command of `benchmarks/commands` and turns errors of the user into one line.

A command prints its results to standard output, and progress and errors to standard error.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
import traceback
from contextlib import suppress

import typer
from typer.exceptions import TyperException

import paradigms
from benchmarks import commands, options
from benchmarks.errors import BadInput, one_line
from benchmarks.execute.signals import interruptible
from benchmarks.store.records import DamagedRecord

LONGEST = 1500  # characters of an error's line; the longest names all paradigms, data sets and presets
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


def _outside(error: OSError | DamagedRecord) -> str:
    """What happened to a file or folder during a command, in one line."""
    at = getattr(error, "filename", None)
    said = f"{at}: {error.strerror}" if at is not None and error.strerror else error
    return f"{one_line(said, LONGEST)}; the same command goes on where this one ended (--traceback shows where)"


def _usable_streams() -> None:
    """Standard streams to which anything can be printed.

    A process that was started without some of them (`>&-`) gets ones that lead nowhere; else the next file that it
    opens would take their place. What the encoding of a terminal does not have is printed as its number.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            with suppress(OSError):
                os.fstat(fd)
                continue
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # of the lowest free number, which is fd
            setattr(sys, name, open(fd, "w" if fd else "r", closefd=False))  # noqa: SIM115 (it stays open)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit; an error of the user is one line on standard error and exit code 2.

    arguments: the command line; None for `sys.argv`. `--traceback`, anywhere in it, also prints where such an error
        was raised.
    """
    _usable_streams()
    arguments = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    given = [argument for argument in arguments if argument != options.TRACEBACK]
    try:
        with interruptible():
            code = app(given or ["--help"], prog_name="alexnet-moment", standalone_mode=False) or 0
    except (BadInput, paradigms.UnknownParadigm, TyperException) as error:
        if options.TRACEBACK in arguments:
            traceback.print_exc()
        usage = isinstance(error, TyperException)
        message = f"{one_line(error.format_message(), LONGEST)} (see --help)" if usage else one_line(error, LONGEST)
        print(f"error: {message}", file=sys.stderr)
        code = 2
    except BrokenPipeError:  # whoever read the output, such as `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except (OSError, DamagedRecord) as error:  # a folder that was deleted or locked, or a record gone, during a command
        if options.TRACEBACK in arguments:
            traceback.print_exc()
        print(f"error: {_outside(error)}", file=sys.stderr)
        code = 2
    if code == INTERRUPTED:
        again = shlex.join(["python", "-m", "benchmarks", *arguments])
        print(f"interrupted; finished cells are kept. To resume: {again}", file=sys.stderr)
    sys.exit(code)
