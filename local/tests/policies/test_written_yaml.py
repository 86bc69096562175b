"""A tenant's file as Berth writes it passes yamllint as it comes, and says that Berth wrote it.

The file is what `berth_crd::join` makes of an account: `crates/berth-crd/tests/joins.rs` holds the two equal.
"""

from __future__ import annotations

from pathlib import Path

from yamllint import linter
from yamllint.config import YamlLintConfig

WRITTEN = Path(__file__).resolve().parents[3] / "crates/berth-crd/tests/fixtures/joined.yaml"


def test_a_tenants_file_passes_yamllint_and_names_its_writer() -> None:
    text = WRITTEN.read_text()
    problems = linter.run(text, YamlLintConfig("extends: default"))
    assert [f"{each.line}: {each.desc}" for each in problems] == []
    assert text.startswith("# Written by Berth")


def test_yamllint_finds_what_berth_does_not_write() -> None:
    text = WRITTEN.read_text().replace("    - accountId", "  - accountId").removeprefix("# Written by Berth")
    assert list(linter.run(text, YamlLintConfig("extends: default")))
