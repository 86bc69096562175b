"""Serves the folder's repository by klaus with pushes allowed; ends when standard input closes."""

import sys
import threading

from klaus import make_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_request(self, *_):
        pass


# klaus names a repository by its folder; "unauthenticated push" is its own word for what this needs.
app = make_app([f"{sys.argv[1]}/tenants.git"], "tenants", use_smarthttp=True, disable_push=False, unauthenticated_push=True)
server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
