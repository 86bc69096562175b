"""Stock moto for these tests, on a port; only its own delivery from SQS to Lambda is off, because it needs docker.

The extension (`berth_local.aws`) takes it off in the same way: the pollers of the gateway do that work.
"""

import sys

from moto.server import main
from moto.sqs.models import Queue

# add_message asks for this mapping of functions to event sources, and delivers to each of them at once.
Queue.lambda_event_source_mappings = property(lambda _queue: {}, lambda _queue, _value: None)

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
