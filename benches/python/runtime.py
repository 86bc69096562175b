"""The loop of a Lambda runtime in Python, on the standard library: less than what AWS's own runtime does.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
An exception's class is the error's name that Step Functions matches, as with AWS's runtime.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Handler = Callable[[dict[str, Any]], dict[str, Any]]


def serve(handler: Handler) -> None:
    """Takes one event after the other, for ever."""
    address = urlsplit(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection = http.client.HTTPConnection(address.netloc)
    base = f"{address.path}/2018-06-01/runtime/invocation"

    def call(method: str, path: str, body: bytes | None = None) -> tuple[http.client.HTTPResponse, bytes]:
        connection.request(method, f"{base}/{path}", body)
        answer = connection.getresponse()
        return answer, answer.read()

    while True:
        answer, body = call("GET", "next")
        if answer.status != 200:
            return
        request = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            outcome, path = handler(json.loads(body)), "response"
        except Exception as error:  # noqa: BLE001 - the runtime reports whatever the handler raises
            outcome, path = {"errorType": type(error).__name__, "errorMessage": str(error)}, "error"
        call("POST", f"{request}/{path}", json.dumps(outcome).encode())
