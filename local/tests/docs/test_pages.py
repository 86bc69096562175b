"""Commands of the docs run, and print what the pages say.

A fenced block of commands says what it needs. `console`: it runs, and what it prints is compared. `sh run`: it runs on an
installation that has been used, and what it prints is shown nowhere. `sh aws`, `sh cluster` and `sh make` need an account, a
cluster, or the minutes of a build or of all tests; `text` is only shown.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
README, FIRST_HOUR, CLI = ROOT / "README.md", ROOT / "docs" / "first-hour.md", ROOT / "docs" / "cli.md"
RUN = [ROOT / "docs" / f"{page}.md" for page in ("installing", "operating", "disaster-recovery", "offboarding")]
"""Pages with `sh run`, in the order in which they run: on one installation, and the last one takes its account away."""
NEEDS = {"run", "aws", "cluster", "make"}
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
    (re.compile(r"(?<= )(?:\d+[dhms]){1,2}(?= |$)"), "AGE"),
    (re.compile(r"  +"), "  "),
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


def commands(text: str) -> list[tuple[int, str]]:
    """The commands of the page's `sh run` blocks, each with its line."""
    found: list[tuple[int, str]] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```sh run"
        elif inside:
            found.append((number, line))
    return found


def fences(text: str) -> set[str]:
    """What the page's fenced blocks of commands are: the words behind their three ticks."""
    words = re.findall(r"^ *```(.+)$", text, re.MULTILINE)
    return {word for word in words if word.split()[0] in ("sh", "bash", "shell", "console", "zsh")}


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
    """A shell in a folder of its own."""
    yield from shell_in(tmp_path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shell, dict[str, str]]]:
    """An installation that has been used, and what stands in place of the names that the pages use."""
    for shell in shell_in(tmp_path_factory.mktemp("desk")):
        assert shell.run('eval "$(berth local up --port 0)"')[0] == 0
        assert shell.run('cp "$BERTH_PLATFORM" platform.yaml')[0] == 0
        well, failed = create(shell, "desk-dev"), create(shell, "stuck-dev")
        assert shell.run(f"berth onboard {well} --wait")[0] == 0
        squat = (
            "boto3.client('iam').create_role(RoleName='stuck-viewer', Path='/tenant/', AssumeRolePolicyDocument='{}')"
        )
        unsquat = "boto3.client('iam').delete_role(RoleName='stuck-viewer')"
        for call in (squat, unsquat):
            act = f'eval "$(berth local env --account {failed})"; {sys.executable} -c "import boto3; {call}"'
            assert shell.run(f"({act})")[0] == 0
            if call == squat:
                assert shell.run(f"berth onboard {failed} --wait")[0] == 1
        names = {"111122223333": well, "444455556666": failed}
        event = '{"source": "berth.accounts", "detail-type": "Account Created", "detail": {"version": 1, "accountId": "no"}}'
        for _ in range(2):
            assert shell.run(f"echo '{event}' | berth local send -")[0] == 0
        letters = 'berth replay --json --kind event | grep -o \'"id":"[0-9a-f]*\' | cut -c 7-'
        while len(found := shell.run(letters)[1]) < 2:
            pass
        yield shell, names | dict(zip(("1a2b3c4d", "5e6f7a8b"), found, strict=True))


def shell_in(tmp_path: Path) -> Iterator[Shell]:
    """In a folder that has the checkout's event fixtures, with the binaries of this build."""
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
    follow(shell, README, text, 7)


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_every_command_that_a_page_says_can_run_here_runs(desk: tuple[Shell, dict[str, str]], page: Path) -> None:
    shell, names = desk
    found = commands(page.read_text())
    assert found, "the page has lost its commands"
    for line, command in found:
        for name, here in names.items():
            command = command.replace(name, here)
        code, seen = shell.run(command)
        assert code == 0, f"{page.name}:{line}: {command} ended with {code}: {seen}"


def test_every_command_of_the_page_of_the_command_line_prints_what_it_says(shell: Shell, tmp_path: Path) -> None:
    """On the desk of a person whose sign-in has run out."""
    profile = (
        "[profile hub]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Hub\nregion = us-east-1\n"
    )
    session = "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\n"
    token = '{"accessToken": "gone", "expiresAt": "2026-01-01T00:00:00Z", "region": "us-east-1"}'
    cache = tmp_path / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    (tmp_path / ".aws" / "config").write_text(profile + session)
    (cache / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(token)
    follow(shell, CLI, CLI.read_text(), 1)


def test_a_local_aws_that_runs_does_not_move_to_another_port(desk: tuple[Shell, dict[str, str]]) -> None:
    shell, _ = desk
    code, said = shell.run("berth local up --port 1 2>&1")
    assert code == 1
    assert re.match(r"error: the local AWS runs already at http://127\.0\.0\.1:\d+, not on port 1", said[0]), said
    assert said[1].startswith("Next: berth local down")


def test_what_prints_the_environment_says_who_does_not_honour_it(desk: tuple[Shell, dict[str, str]]) -> None:
    shell, _ = desk
    for command in ("up --port 0", "env"):
        code, said = shell.run(f"berth local {command} 2>&1 > /dev/null")
        assert code == 0
        assert any("AWS CLI 1 sends what it asks of SQS to AWS all the same" in line for line in said), said


def pages() -> list[Path]:
    """Every page for people."""
    found = {
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*/README.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("local/**/[A-Z]*.md"),
    }
    return sorted(page for page in found if ".venv" not in page.parts)


def test_every_block_of_commands_is_run_or_says_what_it_needs() -> None:
    assert len(pages()) > 40
    kinds = {page: fences(page.read_text()) for page in pages()}
    for page, found in kinds.items():
        unmarked = found - {"console"} - {f"sh {need}" for need in NEEDS}
        assert not unmarked, f"{page}: {unmarked}: write console, or one of sh {', sh '.join(sorted(NEEDS))}"
    assert {page for page, found in kinds.items() if "sh run" in found} == set(RUN)
    assert {page for page, found in kinds.items() if "console" in found} == {README, FIRST_HOUR, CLI}


def test_blocks_of_commands_are_found_with_what_they_need() -> None:
    page = "```sh\n$ a\n```\n  ```bash x\n```\n```text\n```\n```sh run\nb # c\nd\n```\n```sh aws\ne\n```\n"
    assert fences(page) == {"sh", "bash x", "sh run", "sh aws"}
    assert commands(page) == [(9, "b # c"), (10, "d")]


def test_what_differs_between_runs_is_no_difference_and_all_else_is() -> None:
    assert fits(["a", "…", "d 111122223333"], ["a", "b", "c", "d 444455556666"])
    assert fits(
        ["vpc-0123456789abcdef0 at 2026-01-01T00:00:00Z …"], ["vpc-00000000000000000 at 2027-01-01T00:00:00.5Z !"]
    )
    assert not fits(["a"], ["a", "b"])
    assert not fits(["a", "b"], ["a"])
    assert not fits(["…", "c"], ["a", "b"])
