"""Makes each mistake of a list in a copy of the checkout, and expects tests to fail: of a function its unit tests, of a policy
those of local/tests/authorization and local/tests/policies.

    tests/mutants/run.py tests/mutants/isolation.yaml
    tests/mutants/run.py tests/mutants/policies.yaml      # Python only: two minutes

The copy shares no build with the checkout, so it takes minutes; `--dry` only looks whether each mistake can be made.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def mutated(mutant: dict[str, str], root: Path) -> tuple[str, str]:
    """The file's text, and with the mistake in it."""
    text = (root / mutant["file"]).read_text()
    after = mutant.get("after", "")
    before, mark, rest = text.partition(after) if after else ("", "", text)
    if text.count(after or mutant["find"]) != 1 or mutant["find"] not in rest:
        raise SystemExit(f"{mutant['name']}: {mutant['file']} does not hold the text once")
    return text, before + mark + rest.replace(mutant["find"], mutant["replace"], 1)


def tests_of(file: str) -> tuple[list[str], str]:
    """The command that must fail, and what it says when it ran."""
    # The proof's tests are those of the step that it was written for.
    package = "attach-transit-gateway" if file.startswith("crates/berth-isolation/") else Path(file).parts[1]
    if file.startswith(("functions/", "crates/")):
        return ["cargo", "test", "--locked", "--quiet", "--lib", "--package", package], "test result"
    python = str(ROOT / "local" / ".venv" / "bin" / "python")
    return [python, "-m", "pytest", "-x", "local/tests/authorization", "local/tests/policies"], " in "


def is_caught(mutant: dict[str, str], copy: Path) -> bool:
    """Whether tests fail with the mistake, for another reason than that it does not compile."""
    file = copy / mutant["file"]
    command, ended = tests_of(mutant["file"])
    text, wrong = mutated(mutant, copy)
    file.write_text(wrong)
    try:
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    finally:
        file.write_text(text)
    if ended not in ran.stdout:
        raise SystemExit(f"{mutant['name']}: it does not compile\n{ran.stderr}")
    return ran.returncode != 0


def main() -> int:
    """Prints a line for each mistake; fails when one is not caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--copy", type=Path, default=ROOT / "target" / "mutants")
    options = parser.parse_args()
    mutants = yaml.safe_load(options.list.read_text())
    for mutant in mutants:
        mutated(mutant, ROOT)
    if options.dry:
        print(f"{len(mutants)} can be made")
        return 0
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if (ROOT / name).is_file():
            (options.copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, options.copy / name)
    missed = [mutant["name"] for mutant in mutants if not _report(mutant, options.copy)]
    print(f"mutants {len(mutants)}, caught {len(mutants) - len(missed)}")
    return 1 if missed else 0


def _report(mutant: dict[str, str], copy: Path) -> bool:
    caught = is_caught(mutant, copy)
    print(f"{'caught' if caught else 'MISSED'}  {mutant['name']}", flush=True)
    return caught


if __name__ == "__main__":
    sys.exit(main())
