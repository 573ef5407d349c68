"""The server's side of `kubectl port-forward`: SPDY/3.1 frames over an upgraded connection, relayed to a local port.

For each connection kubectl opens a stream for errors and then one for data; their headers are compressed and need not be read,
since the order tells which is which. Frames: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
"""

import socket
import struct
import threading
import zlib

_SYN_STREAM, _SYN_REPLY, _PING, _GOAWAY = 1, 2, 6, 7
_FIN = 1


class _Session:
    def __init__(self, connection: socket.socket, port: int) -> None:
        self._connection = connection
        self._port = port
        self._lock = threading.Lock()
        self._compressor = zlib.compressobj()
        self._sockets: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Serves frames until kubectl hangs up."""
        streams = 0
        threads: list[threading.Thread] = []
        try:
            while (head := self._read(8)) is not None:
                first, length = struct.unpack(">II", head)
                flags, size = length >> 24, length & 0xFFFFFF
                payload = self._read(size) or b""
                if not first >> 31:
                    self._data(first, flags, payload)
                elif first & 0xFFFF == _SYN_STREAM:
                    stream = struct.unpack(">I", payload[:4])[0] & 0x7FFFFFFF
                    self._reply(stream)
                    streams += 1
                    if streams % 2 == 0:
                        threads.append(self._connect(stream))
                elif first & 0xFFFF == _PING:
                    self._control(_PING, 0, payload)
                elif first & 0xFFFF == _GOAWAY:
                    break
        finally:
            for opened in self._sockets.values():
                opened.close()
            for thread in threads:
                thread.join()

    def _connect(self, stream: int) -> threading.Thread:
        opened = self._sockets[stream] = socket.create_connection(("127.0.0.1", self._port))
        thread = threading.Thread(target=self._relay, args=(stream, opened))
        thread.start()
        return thread

    def _relay(self, stream: int, opened: socket.socket) -> None:
        try:
            while piece := opened.recv(65_536):
                self._send(struct.pack(">II", stream, len(piece)) + piece)
            self._send(struct.pack(">II", stream, _FIN << 24))
        except OSError:  # one side hung up
            return

    def _data(self, stream: int, flags: int, payload: bytes) -> None:
        opened = self._sockets.get(stream)
        if opened is None:
            return
        opened.sendall(payload)
        if flags & _FIN:
            opened.shutdown(socket.SHUT_WR)

    def _reply(self, stream: int) -> None:
        headers = self._compressor.compress(struct.pack(">I", 0)) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._control(_SYN_REPLY, 0, struct.pack(">I", stream) + headers)

    def _control(self, type_: int, flags: int, payload: bytes) -> None:
        self._send(struct.pack(">HHI", 0x8003, type_, flags << 24 | len(payload)) + payload)

    def _send(self, frame: bytes) -> None:
        with self._lock:
            self._connection.sendall(frame)

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            piece = self._connection.recv(size - len(data))
            if not piece:
                return None
            data += piece
        return data


def forward(connection: socket.socket, port: int) -> None:
    """Serves one upgraded connection, until kubectl ends it.

    Args:
        connection: On which SPDY is spoken from now on.
        port: Local port that every stream leads to.
    """
    try:
        _Session(connection, port).run()
    except ConnectionError:  # kubectl was killed, as happens at the end of a forward
        return
