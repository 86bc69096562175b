"""Validates the CycloneDX documents of a folder against the schema of their version, and says what is in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def problem(text: str) -> str | None:
    """Why a document is no CycloneDX, or none. An empty list of components is a problem too: it describes nothing."""
    document = json.loads(text)
    error = JsonStrictValidator(SchemaVersion.from_version(document["specVersion"])).validate_str(text)
    if error is not None:
        return str(error)
    return None if document.get("components") else "it has no components"


def main() -> int:
    """Reads every `*.cdx.json` of the folder that is named; fails for none, and for one that is not valid."""
    paths = sorted(Path(sys.argv[1]).glob("*.cdx.json"))
    wrong = [(path, why) for path in paths if (why := problem(path.read_text()))]
    for path, why in wrong:
        print(f"error: {path}: {why}", file=sys.stderr)
    components = {
        (each["name"], each["version"]) for path in paths for each in json.loads(path.read_text())["components"]
    }
    print(f"{len(paths)} SBOMs in {sys.argv[1]}, {len(components)} components in all")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
