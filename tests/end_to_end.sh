#!/usr/bin/env bash
# Runs the end-to-end test binaries, or those that are named: two at once on four cores or more, because each has a local
# AWS of its own and waits more than it works. Prints what each one said when it has ended. After one that failed it
# starts no other, and fails.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target/tests

one() {
  local log=target/tests/$1.log code=0
  cargo --locked test -p berth-tests --test "$1" >"$log" 2>&1 || code=255 # of which xargs starts no other
  cat "$log"
  return "$code"
}
export -f one

at_once=$(($(nproc) < 4 ? 1 : 2))
[ $# -gt 0 ] || set -- $(for test in tests/tests/*; do basename "$test" .rs; done)
printf '%s\n' "$@" | xargs -P "$at_once" -I{} bash -c 'one {}'
