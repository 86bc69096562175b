#!/usr/bin/env bash
# dulwich's server reports a lost push race as "ok" and leaves the branch where it was.
#
# Seen with dulwich 1.2.21 behind its own WSGI app and git as the client. Two people push to one branch; the second one's
# git read the advertisement before the first one's push arrived, so the old id that it sends is stale. git-http-backend
# answers "ng ... failed to update ref" and git exits with 1. dulwich answers "ok", git prints "main -> main" and exits
# with 0, and the commit is not on the branch. A client must look at the branch after a push to such a server.
set -euo pipefail
folder=$(mktemp -d); server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dulwich==1.2.21
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
git init -q --bare -b main origin.git
cat >serve.py <<'PY'
from wsgiref.simple_server import WSGIRequestHandler, make_server
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, make_wsgi_chain(DictBackend({"/": Repo("origin.git")})), handler_class=Quiet)
open("port.tmp", "w").write(str(server.server_port))
import os
os.rename("port.tmp", "port")
server.serve_forever()
PY
"$folder/venv/bin/python" serve.py & server=$!
until [ -f port ]; do kill -0 "$server"; done
url=http://127.0.0.1:$(cat port)/
git init -q -b main first && git -C first remote add origin "$url"
git -C first commit -q --allow-empty -m base && git -C first push -q origin main
git clone -q "$url" second
git -C first commit -q --allow-empty -m "the first one" && git -C second commit -q --allow-empty -m "the second one"
# git runs this hook after it has read the advertisement and before it pushes: here the first one wins the race.
printf '#!/bin/sh\nexec git -C "%s/first" push -q origin main\n' "$folder" >second/.git/hooks/pre-push
chmod +x second/.git/hooks/pre-push
code=0; said=$(env -u GIT_DIR git -C second push origin main 2>&1) || code=$?
head=$(git -C origin.git log -1 --format=%s main)
echo "the second push: exit code $code"; echo "$said" | sed 's/^/  /'; echo "head of the branch: $head"
[ "$code" = 0 ] && [ "$head" = "the first one" ] || { echo "it is refused now: this finding is out of date"; exit 1; }
