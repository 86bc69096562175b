"""The one error that a person using the local AWS is meant to read."""

from __future__ import annotations


class LocalError(Exception):
    """Something that the caller can put right. The message is one line that says what happened and what to do."""
