"""GitHub's REST and GraphQL APIs over one bare repository: what a client needs that commits and opens pull requests.

REST: https://docs.github.com/en/rest, GraphQL: https://docs.github.com/en/graphql/reference.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from berth_local.github.app import RefusedError
from berth_local.github.graphql import GraphQLError, Schema, execute
from berth_local.github.objects import Objects, StaleError

_TEXT_BYTES_MAX = 512_000
_PAGE_MAX = 100
_PULL = ("state", "url", "headRefName", "number", "isCrossRepository")
_PERSON = "octocat"
_PROTECTED = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"


class Repository:
    """A repository on GitHub: its objects, its pull requests, its protected branches."""

    def __init__(self, folder: Path, owner: str, name: str, url: str) -> None:
        self.objects = Objects(folder)
        self.owner, self.name, self._url = owner, name, url
        self.pulls: list[dict[str, Any]] = []
        self.protected: set[str] = set()

    # --- REST

    def make_ref(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /repos/{owner}/{repo}/git/refs."""
        branch = body["ref"].removeprefix("refs/heads/")
        try:
            self.objects.make_branch(branch, body["sha"])
        except StaleError as error:
            there = self.objects.head(branch) is not None
            raise RefusedError(422, "Reference already exists" if there else "Reference update failed") from error
        return self.ref(branch)

    def move_ref(self, branch: str, body: dict[str, Any]) -> dict[str, Any]:
        """PATCH /repos/{owner}/{repo}/git/refs/heads/{branch}."""
        if self.objects.head(branch) is None:
            raise RefusedError(422, "Reference does not exist")
        if not body.get("force") and not self.objects.is_ancestor(f"refs/heads/{branch}", body["sha"]):
            raise RefusedError(422, "Update is not a fast forward")
        self.objects.move_branch(branch, body["sha"])
        return self.ref(branch)

    def delete_ref(self, branch: str) -> None:
        """DELETE /repos/{owner}/{repo}/git/refs/heads/{branch}: its open pull requests are closed."""
        if self.objects.head(branch) is None:
            raise RefusedError(422, "Reference does not exist")
        self.objects.delete_branch(branch)
        for pull in self.pulls:
            if (pull["headRefName"], pull["state"], pull["isCrossRepository"]) == (branch, "OPEN", False):
                pull["state"] = "CLOSED"

    def compare(self, base: str, head: str) -> dict[str, Any]:
        """GET /repos/{owner}/{repo}/compare/{base}...{head}, any page but the first: without files."""
        ahead, behind = self.objects.count(base, head), self.objects.count(head, base)
        status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind"}
        return {
            "status": status.get((ahead > 0, behind > 0), "diverged"),
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [],
        }

    def ref(self, branch: str) -> dict[str, Any]:
        """GET /repos/{owner}/{repo}/git/ref/heads/{branch}."""
        head = self.objects.head(branch)
        if head is None:
            raise RefusedError(404, "Not Found")
        return {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": head}}

    def list_tree(self, commit: str) -> dict[str, Any]:
        """GET /repos/{owner}/{repo}/git/trees/{tree_sha}?recursive=1, never cut."""
        tree = []
        for path, entry, size in self.objects.tree(commit):
            item = {"path": path, "mode": f"{entry.mode:06o}", "type": entry.kind, "sha": entry.oid}
            tree.append(item if size is None else {**item, "size": size})
        return {"sha": commit, "tree": tree, "truncated": False}

    def list_branches(self) -> list[dict[str, Any]]:
        """GET /repos/{owner}/{repo}/branches, all in one page."""
        heads = self.objects.heads()
        return [{"name": name, "commit": {"sha": head}, "protected": name in self.protected} for name, head in heads]

    def list_pulls(self, state: str, head: str, base: str) -> list[dict[str, Any]]:
        """GET /repos/{owner}/{repo}/pulls."""
        fits = [
            pull
            for pull in self.pulls
            if state in ("all", "open" if pull["state"] == "OPEN" else "closed")
            and head in ("", f"{self.owner}:{pull['headRefName']}")
            and base in ("", pull["baseRefName"])
            and not (head and pull["isCrossRepository"])
        ]
        return [{"number": pull["number"], "html_url": pull["url"]} for pull in fits]

    def make_pull(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /repos/{owner}/{repo}/pulls."""
        head, base = body["head"], body["base"]
        if self.list_pulls("open", f"{self.owner}:{head}", base):
            raise RefusedError(422, f"A pull request already exists for {self.owner}:{head}.")
        if self.objects.head(head) is None or self.objects.is_merged(base, head):
            raise RefusedError(422, f"No commits between {base} and {head}")
        number = len(self.pulls) + 1
        url = f"{self._url}/{self.owner}/{self.name}/pull/{number}"
        pull = {"number": number, "url": url, "state": "OPEN", "headRefName": head, "baseRefName": base}
        self.pulls.append(pull | {"title": body["title"], "body": body.get("body", ""), "isCrossRepository": False})
        return {"number": number, "html_url": url}

    def fork_pulls(self, head: str, base: str, state: str, count: int) -> None:
        """Pull requests from a branch of the same name in somebody's fork."""
        for number in range(len(self.pulls) + 1, len(self.pulls) + 1 + count):
            url = f"{self._url}/{self.owner}/{self.name}/pull/{number}"
            pull = {"number": number, "url": url, "state": state, "headRefName": head, "baseRefName": base}
            self.pulls.append(pull | {"title": "From a fork", "body": "", "isCrossRepository": True})

    def _pull(self, number: int) -> dict[str, Any]:
        if not 0 < number <= len(self.pulls):
            raise RefusedError(404, "Not Found")
        return self.pulls[number - 1]

    def merge_pull(self, number: int) -> dict[str, Any]:
        """PUT /repos/{owner}/{repo}/pulls/{number}/merge."""
        pull = self._pull(number)
        if pull["state"] != "OPEN":
            raise RefusedError(405, "Pull Request is not mergeable")
        try:
            sha = self.objects.merge(pull["baseRefName"], pull["headRefName"], f"Merge pull request #{number}")
        except LookupError as error:
            raise RefusedError(405, "Pull Request has merge conflicts") from error
        pull |= {"state": "MERGED", "mergedBy": _PERSON}
        return {"sha": sha, "merged": True}

    def close_pull(self, number: int) -> dict[str, Any]:
        """PATCH /repos/{owner}/{repo}/pulls/{number} with {"state": "closed"}."""
        self._pull(number)["state"] = "CLOSED"
        return {"number": number, "state": "closed"}

    # --- GraphQL

    def graphql(self, body: dict[str, Any], permissions: dict[str, str]) -> dict[str, Any]:
        """POST /graphql."""
        return execute(self._schema(permissions), body)

    def _schema(self, permissions: dict[str, str]) -> Schema:
        def commit(oid: str) -> tuple[str, str]:
            return ("Commit", oid)

        def attribute(name: str) -> Any:
            return lambda value: value[name]

        def make_commit(_: Any, *, input: dict[str, Any]) -> tuple[str, str]:
            if permissions.get("contents") != "write":
                raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
            return ("Payload", self._commit(input))

        def pull_requests(_: Any, *, headRefName: str, baseRefName: str, last: int) -> tuple[str, Any]:
            if "pull_requests" not in permissions:
                raise GraphQLError("FORBIDDEN", "Resource not accessible by integration")
            if not 1 <= last <= _PAGE_MAX:
                raise GraphQLError("EXCESSIVE_PAGINATION", f"Requesting {last} records exceeds the `last` limit")
            fits = [p for p in self.pulls if (p["headRefName"], p["baseRefName"]) == (headRefName, baseRefName)]
            return ("Nodes", [("PullRequest", pull) for pull in fits[-last:]])

        objects = self.objects
        return {
            "Query": {"repository": self._repository},
            "Mutation": {"createCommitOnBranch": make_commit},
            "Payload": {"commit": commit},
            "Repository": {
                "ref": lambda _, qualifiedName: (
                    ("Ref", qualifiedName) if objects.head(qualifiedName.removeprefix("refs/heads/")) else None
                ),
                "object": lambda _, oid: commit(oid),
                "pullRequests": pull_requests,
            },
            "Ref": {"target": lambda name: commit(objects.head(name.removeprefix("refs/heads/")) or "")},
            "Commit": {
                "oid": lambda oid: oid,
                "message": objects.message,
                "parents": lambda oid, first: ("Nodes", [commit(parent) for parent in objects.parents(oid)[:first]]),
                "file": self._file,
            },
            "Nodes": {"nodes": lambda nodes: nodes},
            "TreeEntry": {
                "mode": lambda entry: entry.mode,
                "oid": lambda entry: entry.oid,
                "object": lambda entry: ("Blob", objects.blob(entry.oid)) if entry.kind == "blob" else ("Tree", entry),
            },
            "Tree": {},
            "Blob": {"byteSize": len, "isTruncated": lambda blob: len(blob) > _TEXT_BYTES_MAX, "text": _text},
            "PullRequest": {name: attribute(name) for name in _PULL}
            | {"mergedBy": lambda pull: ("Actor", pull["mergedBy"]) if "mergedBy" in pull else None},
            "Actor": {"login": lambda login: login},
        }

    def _repository(self, _: Any, *, owner: str, name: str) -> tuple[str, Any]:
        if (owner, name) != (self.owner, self.name):
            message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
            raise GraphQLError("NOT_FOUND", message)
        return ("Repository", None)

    def _file(self, oid: str, *, path: str) -> tuple[str, Any]:
        entry = self.objects.entry(oid, path)
        if entry is None:
            raise GraphQLError("NOT_FOUND", f"Could not resolve file for path '{path}'.")
        return ("TreeEntry", entry)

    def _commit(self, given: dict[str, Any]) -> str:
        branch = given["branch"]["branchName"].removeprefix("refs/heads/")
        if given["branch"]["repositoryNameWithOwner"] != f"{self.owner}/{self.name}" or not self.objects.head(branch):
            raise GraphQLError("NOT_FOUND", f"No branch '{branch}'")
        if branch in self.protected:
            raise GraphQLError("UNPROCESSABLE", _PROTECTED)
        changes = given.get("fileChanges") or {}
        files: dict[str, bytes | None] = {item["path"]: None for item in changes.get("deletions") or []}
        files |= {item["path"]: base64.b64decode(item["contents"]) for item in changes.get("additions") or []}
        message = f"{given['message']['headline']}\n\n{given['message'].get('body', '')}\n"
        expected = given["expectedHeadOid"]
        try:
            return self.objects.commit(branch, expected, message, files)
        except StaleError as error:
            text = f'Expected branch to point to "{expected}" but it did not.  Pull and try again.'
            raise GraphQLError("STALE_DATA", text) from error


def _text(blob: bytes) -> str | None:
    if b"\0" in blob:
        return None
    return blob[:_TEXT_BYTES_MAX].decode(errors="replace")
