"""Puts the operator's binary into a container image whose bytes depend on the binary, its name and its tag only.

An OCI image layout in a tar, with what `docker load` reads besides. No daemon and no registry is needed to make it, and
nothing is compressed: gzip's bytes differ between versions of zlib.
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EPOCH = "1970-01-01T00:00:00Z"
PROGRAM = "berth-operator"
NOBODY = "65532:65532"
"""The user of the chart's pods."""
SOURCE = "https://github.com/berth-dev/berth"
_OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Blob:
    """Content by its digest."""

    type: str
    data: bytes

    @property
    def hash(self) -> str:
        """SHA-256, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def path(self) -> str:
        """Where a layout has it."""
        return f"blobs/sha256/{self.hash}"

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """How other content refers to it."""
        return {"mediaType": self.type, "digest": f"sha256:{self.hash}", "size": len(self.data), **more}


def image(binary: bytes, architecture: str, tag: str) -> bytes:
    """The archive of an image that holds this one static binary."""
    layer = Blob(f"{_OCI}.layer.v1.tar", _tar({PROGRAM: binary}, 0o755))
    labels = {"org.opencontainers.image.source": SOURCE, "org.opencontainers.image.version": tag.rpartition(":")[2]}
    config = _json(
        f"{_OCI}.config.v1+json",
        {
            "architecture": architecture,
            "os": "linux",
            "created": EPOCH,
            "config": {"Entrypoint": [f"/{PROGRAM}"], "User": NOBODY, "WorkingDir": "/", "Labels": labels},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.hash}"]},
        },
    )
    manifest = _json(
        f"{_OCI}.manifest.v1+json",
        {
            "schemaVersion": 2,
            "mediaType": f"{_OCI}.manifest.v1+json",
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
        },
    )
    platform = {"architecture": architecture, "os": "linux"}
    names = {"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag.rpartition(":")[2]}
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.index.v1+json",
        "manifests": [manifest.descriptor(platform=platform, annotations=names)],
    }
    for_docker = [{"Config": config.path, "RepoTags": [tag], "Layers": [layer.path]}]
    files = {blob.path: blob.data for blob in (layer, config, manifest)}
    files["index.json"] = _text(index)
    files["manifest.json"] = _text(for_docker)
    files["oci-layout"] = _text({"imageLayoutVersion": "1.0.0"})
    return _tar(files, 0o644)


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _json(kind: str, value: Any) -> Blob:
    return Blob(kind, _text(value))


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    """A tar of files of root, without times."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def main() -> int:
    """Writes `<folder>/berth-operator-<architecture>.tar` for each binary, and prints what it weighs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tag", required=True, help="name and version: ghcr.io/berth-dev/berth-operator:0.1.0")
    arguments.add_argument("--folder", type=Path, required=True)
    arguments.add_argument("binaries", nargs="+", metavar="ARCHITECTURE=FILE", help="amd64=… or arm64=…")
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for binary in given.binaries:
        architecture, _, file = binary.partition("=")
        if not Path(file).is_file():
            print(f"error: {file} is missing. Next: run `make operator-image`", file=sys.stderr)
            return 1
        archive = image(Path(file).read_bytes(), architecture, given.tag)
        path = given.folder / f"{PROGRAM}-{architecture}.tar"
        path.write_bytes(archive)
        print(f"{path}: {len(archive) / 1e6:.1f} MB, sha256 {hashlib.sha256(archive).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
