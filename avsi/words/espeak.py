"""eSpeak NG, which the package espeakng-loader carries: a script runs beside its data, in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import AvsiError


@dataclass(frozen=True)
class Espeak:
    """eSpeak NG with its data for English.

    Attributes:
        library: the path of the shared library.
        data: the folder of all its data.
        folder: a folder of links to what English needs of it, without voices; it is gone when the context ends.
    """

    library: str
    data: Path
    folder: Path

    def run(self, script: Path, arguments: Sequence[str], given: str = "") -> bytes:
        """What ``python SCRIPT LIBRARY ARGUMENT ...`` prints when it runs in the folder.

        The script imports the standard library alone. It gives espeak-ng the path of its data as ".", since espeak-ng
        truncates paths at 160 characters.

        Args:
            given: what the script reads from its standard input.

        Raises:
            AvsiError: the script fails.
        """
        command = [sys.executable, "-I", "-S", str(script), self.library, *arguments]
        run = subprocess.run(command, cwd=self.folder, input=given.encode(), capture_output=True, check=False)
        if run.returncode != 0:
            reason = run.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {run.returncode}"]
            raise AvsiError(
                f"espeak-ng does not work here: {reason[-1]} (pip install --force-reinstall espeakng-loader)"
            )
        return run.stdout


@contextmanager
def espeak() -> Iterator[Espeak]:
    """eSpeak NG, ready to run.

    Raises:
        AvsiError: espeakng-loader is not installed, or carries nothing for this platform.
    """
    try:
        import espeakng_loader
    except ImportError:
        raise AvsiError("this needs eSpeak NG, which is not there: pip install espeakng-loader") from None
    try:
        data, library = Path(espeakng_loader.get_data_path()), espeakng_loader.get_library_path()
    except (OSError, RuntimeError) as error:
        raise AvsiError(f"espeakng-loader carries no eSpeak NG for this platform ({error})") from None
    with TemporaryDirectory() as folder:
        for file in data.iterdir():
            if file.name != "voices" and (file.name == "en_dict" or not file.name.endswith("_dict")):
                Path(folder, file.name).symlink_to(file)
        yield Espeak(library, data, Path(folder))
