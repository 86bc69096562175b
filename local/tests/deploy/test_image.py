"""The operator's image: the same bytes for the same binary, what it names is in it, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
TAG = "registry.example.com/berth-operator:1.2.3"


def built(folder: Path, binary: bytes) -> Path:
    """The archive that the script makes of a binary."""
    folder.mkdir()
    program = folder / "program"
    program.write_bytes(binary)
    command = [sys.executable, str(ROOT / "deploy/image.py"), "--tag", TAG, "--folder", str(folder), f"arm64={program}"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "berth-operator-arm64.tar"


def content(archive: Path) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(archive) as opened:
        return {entry.name: opened.extractfile(entry).read() for entry in opened}  # type: ignore[union-attr]


def referred(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    """What a descriptor refers to, checked against its digest and size."""
    data = files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert (f"sha256:{hashlib.sha256(data).hexdigest()}", len(data)) == (descriptor["digest"], descriptor["size"])
    return data


def test_the_same_binary_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (built(tmp_path / name, b"program").read_bytes() for name in ("one", "two"))
    assert first == second
    assert built(tmp_path / "three", b"another").read_bytes() != first


def test_every_reference_leads_to_its_content(tmp_path: Path) -> None:
    files = content(built(tmp_path / "image", b"program"))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["platform"] == {"architecture": "arm64", "os": "linux"}
    manifest = json.loads(referred(files, entry))
    config = json.loads(referred(files, manifest["config"]))
    (layer,) = manifest["layers"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    with tarfile.open(fileobj=io.BytesIO(referred(files, layer))) as opened:
        (binary,) = opened.getmembers()
        assert (binary.name, binary.mode, binary.uid, binary.mtime) == ("berth-operator", 0o755, 0, 0)
    assert config["config"]["Entrypoint"] == ["/berth-operator"]
    assert len(files) == 6


def test_docker_reads_the_same_image_and_its_user(tmp_path: Path) -> None:
    files = content(built(tmp_path / "image", b"program"))
    (image,) = json.loads(files["manifest.json"])
    assert image["RepoTags"] == [TAG]
    assert image["Layers"][0] in files
    user = json.loads(files[image["Config"]])["config"]["User"]
    chart = (ROOT / "operator/chart/templates/deployment.yaml").read_text()
    assert f"runAsUser: {user.split(':')[0]}\n" in chart
