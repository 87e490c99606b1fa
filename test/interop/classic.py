"""The classic protocol as a stranger would write it, with Python's own library alone: JSON behind its length, little-endian."""
import json
import math
import socket
import struct
import sys


def send(sock, message):
    body = json.dumps(message).encode()
    sock.sendall(struct.pack("<I", len(body)) + body)


def receive_exactly(sock, size):
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        if not chunk:
            return None
        data += chunk
    return data


def receive(sock):
    head = receive_exactly(sock, 4)
    if head is None:
        return None
    return json.loads(receive_exactly(sock, struct.unpack("<I", head)[0]))


def pi(n):
    return math.sqrt(8 * sum(1 / (2 * i + 1) ** 2 for i in range(n + 1)))


def client(host, port):
    """Says hello, counts to pi, asks for the impossible, and pipelines: one JSON line for each answer."""
    sock = socket.create_connection((host, int(port)), timeout=30)
    calls = [("ping", "Grüße"), ("pi", 98), ("divide", {"a": 1, "b": 4}), ("divide", [1, 0]), ("nothing", None)]
    for name, params in calls:
        send(sock, {"in": name, "params": params})
        print(json.dumps(receive(sock)), flush=True)
    # Several requests in one piece are all answered, in order.
    bodies = [json.dumps({"in": "pi", "params": n}).encode() for n in range(93, 100)]
    sock.sendall(b"".join(struct.pack("<I", len(body)) + body for body in bodies))
    for _ in bodies:
        print(json.dumps(receive(sock)), flush=True)
    sock.close()


def answer(message):
    name, params = message["in"], message["params"]
    if name == "ping":
        return {"out": "pong", "result": params}
    if name == "pi":
        return {"out": "pi_r", "result": pi(params)}
    return {"out": "error", "result": {"code": "NOT_FOUND", "message": "no " + name}}


def server():
    """Serves one connection after the other, each until its end. Prints its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        with sock:
            while True:
                message = receive(sock)
                if message is None:
                    break
                send(sock, answer(message))


if __name__ == "__main__":
    if sys.argv[1] == "client":
        client(*sys.argv[2:])
    else:
        server()
