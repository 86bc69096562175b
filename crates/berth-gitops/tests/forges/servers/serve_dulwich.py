"""Serves the folder's repositories by dulwich's own WSGI application; ends when standard input closes."""

import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


backend = DictBackend({"/tenants.git": Repo(f"{sys.argv[1]}/tenants.git")})
server = make_server("127.0.0.1", 0, make_wsgi_chain(backend), server_class=Server, handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
