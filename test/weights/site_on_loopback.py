# Copyright 2026 espnet_perception contributors
# SPDX-License-Identifier: Apache-2.0
"""A web site on this machine that misbehaves as it is told."""

from http.server import BaseHTTPRequestHandler, HTTPServer
import re
from socketserver import ThreadingMixIn
import threading
import time


class Site(ThreadingMixIn, HTTPServer):
    """
    Serves bytes from memory.

    :ivar files: path to content.
    :ivar ranges: honours Range.
    :ivar cuts: for each of the next answers: close after so many bytes of the body.
    :ivar statuses: answer the next requests with these statuses.
    :ivar redirects: path to address.
    :ivar shift: added to where an answer to Range begins.
    :ivar pause_s: seconds to wait before each block of 64 KiB.
    :ivar requests: (path, Range or None) of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Handler)
        self.files, self.redirects = {}, {}
        self.ranges, self.shift, self.pause_s = True, 0, 0.0
        self.cuts, self.statuses, self.requests = [], [], []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True,
                                       kwargs={'poll_interval': 0.02})
        self.thread.start()

    @property
    def url(self):
        """Its address."""
        return 'http://127.0.0.1:{}'.format(self.server_address[1])

    def close(self):
        """Stop serving."""
        self.shutdown()
        self.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):

    def do_GET(self):
        """Answer one request."""
        site = self.server
        site.requests.append((self.path, self.headers.get('Range')))
        if site.statuses:
            return self._status(site.statuses.pop(0))
        if self.path in site.redirects:
            return self._status(302, [('Location', site.redirects[self.path])])
        if self.path not in site.files:
            return self._status(404)
        content, begin = site.files[self.path], 0
        asked = re.match(r'bytes=(\d+)-', self.headers.get('Range') or '')
        if asked and site.ranges:
            begin = int(asked.group(1)) + site.shift
            if begin >= len(content):
                return self._status(416)
            self.send_response(206)
            self.send_header('Content-Range', 'bytes {}-{}/{}'.format(
                begin, len(content) - 1, len(content)))
        else:
            self.send_response(200)
        self.send_header('Content-Length', str(len(content) - begin))
        self.end_headers()
        return self._body(content[begin:])

    def _status(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def _body(self, content):
        cut = self.server.cuts.pop(0) if self.server.cuts else len(content)
        for begin in range(0, cut, 1 << 16):
            time.sleep(self.server.pause_s)
            try:
                self.wfile.write(content[begin:min(begin + (1 << 16), cut)])
            except OSError:
                return  # the client has gone

    def log_message(self, *_arguments):
        """Say nothing."""
