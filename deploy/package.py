"""Puts each function's binary into a zip whose bytes depend on the binary only, and prints what they weigh."""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import zipfile
from pathlib import Path

# The earliest time that a zip can hold. A real one would make every build another upload.
EPOCH = (1980, 1, 1, 0, 0, 0)
EXECUTABLE = 0o755 << 16
UNIX = 3


def zipped(binary: bytes) -> bytes:
    """The zip that Lambda wants: one executable called bootstrap."""
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = UNIX
    entry.external_attr = EXECUTABLE
    entry.compress_type = zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, binary, compresslevel=9)
    return out.getvalue()


def main() -> int:
    """Writes `<zips>/<function>.zip` for each function; fails if a binary is missing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--binaries", type=Path, required=True, help="where cargo-lambda left <function>/bootstrap")
    arguments.add_argument("--zips", type=Path, required=True)
    arguments.add_argument("functions", nargs="+")
    given = arguments.parse_args()
    given.zips.mkdir(parents=True, exist_ok=True)
    print(f"{'function':26}{'binary':>10}{'zip':>10}  sha256 of the zip")
    for function in sorted(given.functions):
        path = given.binaries / function / "bootstrap"
        if not path.is_file():
            print(f"error: {path} is missing. Next: run `make build`", file=sys.stderr)
            return 1
        binary = path.read_bytes()
        archive = zipped(binary)
        (given.zips / f"{function}.zip").write_bytes(archive)
        digest = hashlib.sha256(archive).hexdigest()
        print(f"{function:26}{len(binary) / 1e6:>7.1f} MB{len(archive) / 1e6:>7.1f} MB  {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
