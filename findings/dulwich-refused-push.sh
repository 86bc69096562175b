#!/usr/bin/env bash
# dulwich's client takes a push that the server's hook refused for done: no exception, and its tracking branch moves.
#
# Seen with dulwich 1.2.21 against git's own http-backend, with a pre-receive hook that refuses. `porcelain.push` returns, writes
# "Push to ... successful." (and, after it, which ref failed), and sets refs/remotes/origin/main to a commit that the server does
# not have. So the next `git status` says that nothing is ahead of origin, and what asks "is it pushed?" of the tracking branch
# hears yes. git itself exits with 1 and leaves it. Every refusal of a ref comes in that way. Look into `ref_status` of what it
# returns, where every value must be None, and fetch before the tracking branch is believed.
set -euo pipefail
folder=$(mktemp -d); server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dulwich==1.2.21
cd "$folder"
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.com
cat >serve.py <<'PY'
import http.server, os, subprocess


class HttpBackend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        env = os.environ | {
            "GIT_PROJECT_ROOT": os.getcwd(), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "a", "REQUEST_METHOD": self.command,
            "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        made = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True).stdout
        head, _, rest = made.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in (fields | {"Content-Length": str(len(rest))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HttpBackend)
open("port.tmp", "w").write(str(server.server_port))
os.rename("port.tmp", "port")
server.serve_forever()
PY
git init -q --bare -b main origin.git
python3 serve.py & server=$!
until [ -f port ]; do kill -0 "$server"; done
for clone in git dulwich; do
  git init -q -b main "$clone"
  git -C "$clone" remote add origin "http://127.0.0.1:$(cat port)/origin.git"
done
git -C git commit -q --allow-empty -m base && git -C git push -q origin main
git -C dulwich pull -q origin main && git -C dulwich branch -q --set-upstream-to origin/main
printf '#!/bin/sh\nexit 1\n' >origin.git/hooks/pre-receive && chmod +x origin.git/hooks/pre-receive
for clone in git dulwich; do git -C "$clone" commit -q --allow-empty -m refused; done
code=0; git -C git push -q origin main 2>/dev/null || code=$?
echo "git: exit code $code, tracking branch at: $(git -C git log -1 --format=%s origin/main)"
said=$(venv/bin/python - <<'PY'
import io
from dulwich import porcelain

told = io.BytesIO()
result = porcelain.push("dulwich", "origin", b"refs/heads/main", outstream=io.BytesIO(), errstream=told)
print("no exception,", result.ref_status, b"successful" in told.getvalue() and "successful")
PY
)
tracking=$(git -C dulwich log -1 --format=%s origin/main) head=$(git -C origin.git log -1 --format=%s main)
echo "dulwich: $said, tracking branch at: $tracking"
echo "git status there: $(git -C dulwich status -sb)"
echo "the server's branch: $head"
[ "$code $tracking $head" = "1 refused base" ] || { echo "that has changed: this finding is out of date"; exit 1; }
