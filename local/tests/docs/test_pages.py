"""Every command of the README and of docs/first-hour.md runs, in order, on a local AWS of its own, and prints what the page
says. Blocks in `console` are those that run; `sh` is for what needs AWS, a cluster or hours, `text` for what is only shown.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
README, FIRST_HOUR = ROOT / "README.md", ROOT / "docs" / "first-hour.md"
FINISHED, FRESH = "605155672673", "305520715764"
"""The accounts of the README: one that is onboarded, and one that is not."""
HUB = "210987654321"
SECONDS_MAX = 600
"""How long a command may take on a loaded machine. A command that takes longer is named."""

CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "TIME"),
    (re.compile(r"\b\d{12}\b"), "ACCOUNT"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "MESSAGE"),
    (re.compile(r"\(\d+\.\d s\)"), "(SECONDS)"),
    (re.compile(r"\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{17}\b"), r"\1-ID"),
)
"""What differs from run to run."""


@dataclass
class Step:
    """A command, and what it prints."""

    line: int
    command: str
    output: list[str]


def steps(text: str) -> list[Step]:
    """The commands of the page's console blocks."""
    found: list[Step] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Step(number, line[2:], []))
        elif inside:
            found[-1].output.append(line)
    return found


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in CHANGING:
        line = pattern.sub(word, line)
    return line.rstrip()


def fits(expected: list[str], seen: list[str]) -> bool:
    """Whether a command printed what the page says. `…` is any number of lines, or the rest of one."""
    if not expected:
        return not seen
    first, rest = expected[0], expected[1:]
    if first == "…":
        return any(fits(rest, seen[skipped:]) for skipped in range(len(seen) + 1))
    if not seen:
        return False
    wanted, line = plain(first), plain(seen[0])
    matches = line.startswith(wanted[:-1]) if wanted.endswith("…") else line == wanted
    return matches and fits(rest, seen[1:])


@dataclass
class Shell:
    """One bash for the whole page."""

    process: subprocess.Popen[str]

    def run(self, command: str) -> tuple[int, list[str]]:
        """The exit code and the standard output of a command."""
        assert self.process.stdin and self.process.stdout

        def give_up(*_: object) -> None:
            raise AssertionError(f"still waiting for `{command}` after {SECONDS_MAX} s")

        signal.signal(signal.SIGALRM, give_up)
        signal.alarm(SECONDS_MAX)
        self.process.stdin.write(f'{command}\nprintf "\\nended %s\\n" "$?"\n')
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            if ended := re.fullmatch(r"ended (\d+)\n", line):
                # The line feed of the marker is no line of the command's.
                return int(ended[1]), lines[:-1] if lines and lines[-1] == "" else lines
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"bash ended in {command}")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """In a folder of its own that has the checkout's event fixtures, with the binaries of this build."""
    for folder in ("tests", "infra"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BERTH_"))}
    environment |= {
        "PATH": f"{ROOT / 'target/debug'}:{environment['PATH']}",
        "HOME": str(tmp_path),
        "BERTH_LOCAL_STATE": str(tmp_path / "state"),
        "BERTH_LOCAL_TIME_SCALE": "0.1",
    }
    process = subprocess.Popen(
        ["bash"], cwd=tmp_path, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield Shell(process)
    finally:
        signal.alarm(0)
        subprocess.run([str(ROOT / "target/debug/berth"), "local", "down"], env=environment, check=False)
        process.kill()


def follow(shell: Shell, page: Path, text: str, least: int) -> None:
    """Run every command of a page, in order."""
    found = steps(text)
    assert len(found) >= least, "the page has lost its commands"
    for step in found:
        code, seen = shell.run(step.command)
        assert code == 0, f"{page.name}:{step.line}: {step.command} ended with {code}: {seen}"
        assert fits(step.output, seen), f"{page.name}:{step.line}: {step.command} printed\n" + "\n".join(seen)


def test_every_command_of_the_first_hour_prints_what_the_page_says(shell: Shell) -> None:
    follow(shell, FIRST_HOUR, FIRST_HOUR.read_text(), 20)


def create(shell: Shell, name: str, after: str = "") -> str:
    """A new account whose id is after that one in lists: Organizations draws them by lot."""
    while True:
        code, answer = shell.run(f"berth local create-account {name} --environment dev")
        assert code == 0, answer
        if answer[0] > after:
            return answer[0]


def test_every_command_of_the_readme_prints_what_it_says(shell: Shell) -> None:
    """After `make demo`, which has onboarded an account."""
    mistake = "sed 's/startOn: \\[controlTower/startOn: [controltower/' infra/platform.example.yaml > bad.yaml"
    for command in (mistake, "berth local up --port 0 > /dev/null"):
        assert shell.run(command) == (0, [])
    text = README.read_text()
    for name, named in (("payments-dev", FINISHED), ("shop-dev", FRESH)):
        assert named in text
        account = create(shell, name, after=HUB)
        text = text.replace(named, account)
        if named == FINISHED:
            assert shell.run(f"berth onboard {account} --wait")[0] == 0
    follow(shell, README, text, 8)


def test_only_pages_whose_commands_run_have_console_blocks() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*.md")]
    assert len(pages) > 40
    assert {page for page in pages if "```console" in page.read_text()} == {README, FIRST_HOUR}


def test_what_differs_between_runs_is_no_difference_and_all_else_is() -> None:
    assert fits(["a", "…", "d 111122223333"], ["a", "b", "c", "d 444455556666"])
    assert fits(
        ["vpc-0123456789abcdef0 at 2026-01-01T00:00:00Z …"], ["vpc-00000000000000000 at 2027-01-01T00:00:00.5Z !"]
    )
    assert not fits(["a"], ["a", "b"])
    assert not fits(["a", "b"], ["a"])
    assert not fits(["…", "c"], ["a", "b"])
