# SPDX-License-Identifier: Apache-2.0
"""A door to a server that can be made to lose its answers."""

import re
import socket
import socketserver
import threading


class CuttingDoor:
    """Passes requests on to a server, each on a connection of its own.

    cut(pattern, after) makes it lose the next answer to a request whose first line the pattern is found in: the client
    gets `after` bytes of it, and the end of the connection. `requests` has the first lines of all requests.
    """

    def __init__(self, server_port):
        self.requests, self._cuts = [], []
        door = self

        class Session(socketserver.BaseRequestHandler):
            def handle(self):
                door._pass_on(self.request, server_port)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, *arguments):
                pass  # a client that has closed its end

        self._listener = Listener(("127.0.0.1", 0), Session)
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}"
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def close(self):
        self._listener.shutdown()
        self._listener.server_close()

    def cut(self, pattern, after=0):
        self._cuts.append((pattern, after))

    def is_done(self):
        """Whether all cuts have been made."""
        return not self._cuts

    def _pass_on(self, client, server_port):
        head = read_head(client)
        first_line = head.split(b"\r\n")[0].decode()
        self.requests.append(first_line)
        body = client.makefile("rb").read(length_of(head))
        with socket.create_connection(("127.0.0.1", server_port)) as server:
            # The server ends the connection after its answer.
            server.sendall(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body)
            answer = b"".join(iter(lambda: server.recv(65536), b""))
        for cut in self._cuts:
            if re.search(cut[0], first_line):
                self._cuts.remove(cut)
                answer = answer[:cut[1]]
                break
        client.sendall(answer)


def read_head(connection):
    """The head of a request, with its empty line; byte by byte, so that the body stays."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):
        head += byte
    return head


def length_of(head):
    found = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0
