"""The data folder: one place for everything, held by one server at a time."""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any, TextIO

from tertulia.kernel.errors import StartError


class DataFolder:
    """The folder the embedded server lives in."""

    def __init__(self, path: Path, *, min_free_bytes: int = 0) -> None:
        self.path = path.expanduser().absolute()
        self._min_free_bytes = min_free_bytes
        self._claim: TextIO | None = None

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    def prepare(self) -> None:
        """Makes the folder and refuses, with the fix, one that cannot be used."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / ".writable"
            probe.write_bytes(b"x")
            probe.unlink()
        except NotADirectoryError:
            raise StartError(f"{self.path} is not a folder. Choose another with --data.") from None
        except OSError as error:
            raise StartError(
                f"{self.path} cannot be written to ({error.strerror}). "
                "Give this user the right to write there, or choose another folder with --data."
            ) from None
        self._refuse_full_disk()

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.path).free

    def _refuse_full_disk(self) -> None:
        free = self.free_bytes()
        if free < self._min_free_bytes:
            raise StartError(
                f"Only {free // 1_048_576} MiB are free on the disk of {self.path}; "
                f"{self._min_free_bytes // 1_048_576} MiB are needed. Make room, choose another folder "
                "with --data, or lower TERTULIA_MIN_FREE_DISK_BYTES."
            )

    def claim(self) -> None:
        """Holds the folder for this server. The kernel lets go when the process dies, however it dies."""
        file = (self.path / "server.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            running = self.running()
            at = f" at {running['url']} (process {running['pid']})" if running else ""
            raise StartError(
                f"Another Tertulia server is already running on {self.path}{at}. "
                "Stop it, or start this one on another folder with --data."
            ) from None
        self._claim = file

    def announce(self, **what: Any) -> None:
        """Writes down where the running server is, for the commands beside it."""
        temporary = self.path / "server.json.new"
        temporary.write_text(json.dumps({"pid": os.getpid(), **what}))
        temporary.replace(self.path / "server.json")

    def running(self) -> dict[str, Any] | None:
        """Where the running server said it is, or None when none holds the folder."""
        try:
            with (self.path / "server.lock").open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._announced()
        except FileNotFoundError:
            return None
        return None

    def _announced(self) -> dict[str, Any] | None:
        try:
            announced: dict[str, Any] = json.loads((self.path / "server.json").read_text())
        except (OSError, ValueError):
            return None
        return announced

    def release(self) -> None:
        if self._claim is None:
            return
        (self.path / "server.json").unlink(missing_ok=True)
        self._claim.close()
        self._claim = None
