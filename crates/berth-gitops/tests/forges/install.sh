#!/usr/bin/env bash
# Puts git servers into target/forges, at pinned versions, for `make test-forges`. What cannot be had is said, and skipped.
#
# Debian's packages are fetched by apt into a state of its own and unpacked, not installed: the machine stays as it is.
# DEBIAN is the release whose versions are meant, wherever this runs; what JGit stands on is as new as the release has it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: install.sh FOLDER}; mkdir -p "$out"; out=$(cd "$out" && pwd)
DEBIAN=trixie
GITOLITE=3.6.12-4 JGIT=6.7.0-2
NODE_GIT_SERVER=1.0.0 GRAPHQL=16.15.0 GRAPHQL_SCHEMA=15.26.1 OPENAPI=23.0.2 DULWICH=1.2.21 KLAUS=3.0.1
GITHUB="GraphQL $GRAPHQL_SCHEMA, OpenAPI $OPENAPI"
has() { [ "$(cat "$out/$1.version" 2>/dev/null)" = "$2" ]; }
missing() { echo "SKIPPED: $1 cannot be installed here: $2" >&2; }

debian() { # debian FOLDER PACKAGE=VERSION...: unpacks packages
  local folder=$1; shift
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  local apt=$out/apt
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$folder"; : >"$apt/state/status"
  local options=(-q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$apt/state"
    -o Dir::State::status="$apt/state/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
  if [ ! -e "$apt/.updated" ]; then
    local key=/usr/share/keyrings/debian-archive-keyring.gpg mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | sort -u | head -1)
    [ -n "$mirror" ] && [ -e "$key" ] || return 1
    echo "deb [signed-by=$key] $mirror $DEBIAN main" >"$apt/sources.list"
    apt-get "${options[@]}" update >/dev/null 2>&1 || return 1
    touch "$apt/.updated"
  fi
  (cd "$apt/debs" && apt-get "${options[@]}" download "$@" >/dev/null 2>&1) || return 1
  local package
  for package in "$@"; do dpkg -x "$apt/debs/${package%%=*}_"*.deb "$folder"; done
}

if ! has gitolite "$GITOLITE"; then
  if command -v perl >/dev/null && debian "$out/gitolite" "gitolite3=$GITOLITE"; then
    # Its programs know by one path where they were installed: they were not.
    sed -i "s|'/usr/share/gitolite3'|'$out/gitolite/usr/share/gitolite3'|" "$out/gitolite/usr/bin/gitolite" \
      "$out/gitolite/usr/share/gitolite3/gitolite-shell"
    echo "$GITOLITE" >"$out/gitolite.version"
  else missing gitolite "it needs perl, apt-get and Debian's package gitolite3 $GITOLITE"; fi
fi

if ! has jgit "${JGIT%-*}"; then
  if command -v javac >/dev/null && debian "$out/jgit" "libjgit-java=$JGIT" libjetty9-java libservlet-api-java \
    libslf4j-java libjavaewah-java; then
    mkdir -p "$out/java" "$out/classes"
    for jar in jetty9-{server,servlet,http,io,util,security,util-ajax} org.eclipse.jgit org.eclipse.jgit.http.server \
      servlet-api slf4j-api slf4j-nop javaewah; do cp -L "$out/jgit/usr/share/java/$jar.jar" "$out/java/"; done
    javac -cp "$out/java/*" -d "$out/classes" "$here/servers/JGit.java"
    echo "${JGIT%-*}" >"$out/jgit.version"
  else missing JGit "it needs javac, apt-get and Debian's package libjgit-java $JGIT"; fi
fi

if ! has node-git-server "$NODE_GIT_SERVER"; then
  if command -v npm >/dev/null && mkdir -p "$out/npm" &&
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$out/npm" "node-git-server@$NODE_GIT_SERVER"; then
    echo "$NODE_GIT_SERVER" >"$out/node-git-server.version"
  else missing node-git-server "it needs npm and a registry"; fi
fi

if ! has dulwich "$DULWICH" || ! has klaus "$KLAUS"; then
  if python3 -m venv "$out/venv" &&
    "$out/venv/bin/pip" install --quiet --disable-pip-version-check "dulwich==$DULWICH" "klaus==$KLAUS"; then
    echo "$DULWICH" >"$out/dulwich.version"; echo "$KLAUS" >"$out/klaus.version"
  else missing "dulwich and klaus" "they need python3 with venv, and a registry"; fi
fi

# What GitHub publishes of its APIs; of the OpenAPI package, which unpacks to 385 MB, the one file.
if ! has github "$GITHUB"; then
  if command -v npm >/dev/null && mkdir -p "$out/github" &&
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$out/github" \
      "graphql@$GRAPHQL" "@octokit/graphql-schema@$GRAPHQL_SCHEMA" &&
    (cd "$out/github" && npm pack --silent "@octokit/openapi@$OPENAPI" >/dev/null &&
      tar -xzf "octokit-openapi-$OPENAPI.tgz" package/generated/api.github.com.json && rm "octokit-openapi-$OPENAPI.tgz"); then
    echo "$GITHUB" >"$out/github.version"
  else missing "GitHub's schemas" "they need npm and a registry"; fi
fi
