"""A stand-in for GitHub's API, in front of a real bare repository. README.md of `local/` says what of it is there."""
