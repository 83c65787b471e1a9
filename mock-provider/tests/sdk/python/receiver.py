"""An HTTP server of the shop's own: webhooks come here, and browsers that were sent back."""

import http.server
import queue
import threading
import time
import urllib.parse

from shop import PATIENCE


class Arrival:
    """One request that came in."""

    def __init__(self, handler):
        self.path, _, query = handler.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("content-length") or 0))


class Receiver:
    """Listens until closed. `statuses` are given in turn, after them 200."""

    def __init__(self, statuses=()):
        self.arrivals = queue.Queue()
        statuses = iter(statuses)
        arrivals = self.arrivals

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                arrivals.put(Arrival(self))
                self.send_response(next(statuses, 200))
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = answer
            do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        # It looks every 10 ms whether it shall end.
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def next(self):
        """The next request, waited for."""
        return self.arrivals.get(timeout=PATIENCE)

    def until(self, wanted):
        """The first request from here on that `wanted` holds for."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            arrival = self.next()
            if wanted(arrival):
                return arrival
        raise TimeoutError("what was wanted did not come")

    def close(self):
        self.server.shutdown()
        self.server.server_close()
