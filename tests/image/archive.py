"""An image as `docker save` writes it: its config, and the layers that are ours and not the base image's."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import IO, Any

FIRST_STEP = "apt-get install --yes --no-install-recommends tini"
"""What the Dockerfile does first upon the base image; what the history has before it is the base image's."""
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20


class _Count:
    """A file that keeps only how much was written to it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)


@dataclass(frozen=True)
class Archive:
    path: Path

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        return dict(self._json("manifest.json")[0])

    @cached_property
    def image(self) -> dict[str, Any]:
        """The image's whole config: `config`, `history`, `rootfs` and so on."""
        return dict(self._json(self._manifest["Config"]))

    @property
    def config(self) -> dict[str, Any]:
        return dict(self.image["config"])

    @property
    def environment(self) -> dict[str, str]:
        return dict(entry.split("=", 1) for entry in self.config["Env"])

    @cached_property
    def _base_steps(self) -> int:
        history = self.image["history"]
        count = len(list(takewhile(lambda step: FIRST_STEP not in step.get("created_by", ""), history)))
        assert count < len(history), f"the history does not tell where the base image ends: no {FIRST_STEP}"
        return count

    @property
    def own_steps(self) -> list[str]:
        return [step.get("created_by", "") for step in self.image["history"][self._base_steps :]]

    @property
    def own_layers(self) -> list[str]:
        base = [step for step in self.image["history"][: self._base_steps] if not step.get("empty_layer")]
        return list(self._manifest["Layers"][len(base) :])

    @cached_property
    def files(self) -> dict[str, tarfile.TarInfo]:
        """Every file and folder of our layers, by its path from the root."""
        return {
            member.name.removeprefix("./"): member for layer in self.own_layers for _, member in self._members(layer)
        }

    def compressed_size(self) -> int:
        """How many bytes of ours a node pulls."""
        return sum(self._compressed(layer) for layer in self.own_layers)

    def heads(self, suffix: str, size: int) -> dict[str, bytes]:
        """The first `size` bytes of each of our files whose name ends so."""
        found = {}
        for layer in self.own_layers:
            for tar, member in self._members(layer):
                content = tar.extractfile(member) if member.isfile() and member.name.endswith(suffix) else None
                if content:
                    found[member.name.removeprefix("./")] = content.read(size)
        return found

    def _compressed(self, layer: str) -> int:
        with tarfile.open(self.path) as archive:
            stored = self._open(archive, layer)
            if stored.read(len(GZIP_MAGIC)) == GZIP_MAGIC:
                return archive.getmember(layer).size
            stored.seek(0)
            count = _Count()
            with gzip.GzipFile(fileobj=count, mode="wb", compresslevel=6, mtime=0) as packed:  # type: ignore[call-overload]
                while chunk := stored.read(CHUNK):
                    packed.write(chunk)
            return count.size

    def _members(self, layer: str) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        with tarfile.open(self.path) as archive, tarfile.open(fileobj=self._open(archive, layer)) as tar:
            for member in tar:
                yield tar, member

    def _json(self, name: str) -> Any:
        with tarfile.open(self.path) as archive:
            return json.load(self._open(archive, name))

    @staticmethod
    def _open(archive: tarfile.TarFile, name: str) -> IO[bytes]:
        found = archive.extractfile(name)
        assert found, f"{name} is not a file of the archive"
        return found
