#!/usr/bin/env bash
# Checks what the README asks for. Prints one line for each thing that is missing, with what to do, and exits 1.
set -u
missing=0
need() { # need COMMAND WHAT-TO-DO
  if ! command -v "$1" >/dev/null 2>&1; then
    echo "error: $1 is missing. Next: $2" >&2
    missing=1
  fi
}
need cargo "install Rust from https://rustup.rs"
need cc "install a C compiler (Debian: apt-get install build-essential)"
need git "install git 2.30 or newer (Debian: apt-get install git)"
need python3 "install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
if command -v git >/dev/null 2>&1 && ! [ -x "$(git --exec-path)/git-http-backend" ]; then
  echo "error: git has no http-backend. Next: install the whole git (Debian: apt-get install git)" >&2
  missing=1
fi
if command -v python3 >/dev/null 2>&1; then
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "error: python3 is $(python3 -V 2>&1), older than 3.11. Next: install Python 3.11 or newer" >&2
    missing=1
  elif ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "error: python3 has no venv. Next: install it (Debian: apt-get install python3-venv)" >&2
    missing=1
  fi
fi
exit "$missing"
