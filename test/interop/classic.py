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


def odd_client(entry):
    """What strangers do that we would not: one JSON line for each answer. Knows the server by its entry's host and port."""
    entry = json.loads(entry)
    address = (entry["host"], entry["port"])
    # Byte by byte, and then its side is shut: the answers still come.
    sock = socket.create_connection(address, timeout=30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, params in [("pi", 98), ("ping", None)]:
        body = json.dumps({"params": params, "in": name}, indent=1).encode()
        for byte in struct.pack("<I", len(body)) + body:
            sock.send(bytes([byte]))
    sock.shutdown(socket.SHUT_WR)
    while (message := receive(sock)) is not None:
        print(json.dumps(message), flush=True)
    # Python writes NaN, which is no JSON: that call is wrong, the next one is not.
    sock = socket.create_connection(address, timeout=30)
    for name, params in [("ping", math.nan), ("ping", "still here")]:
        send(sock, {"in": name, "params": params})
        print(json.dumps(receive(sock)), flush=True)
    # A message of nearly 4 MiB, both ways.
    text = "x" * 4_000_000
    send(sock, {"in": "ping", "params": text})
    print(json.dumps(receive(sock)["result"] == text), flush=True)
    # One that is too long: a coded error, then the end.
    sock.sendall(struct.pack("<I", 5_000_000))
    print(json.dumps(receive(sock)), flush=True)
    print(json.dumps(receive(sock)), flush=True)


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
    elif sys.argv[1] == "odd-client":
        odd_client(sys.argv[2])
    else:
        server()
