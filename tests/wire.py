"""Raw bytes to a server, and what comes back."""
import socket


def exchanged(talk: socket.socket, request: bytes) -> bytes:
    """What comes back until the server closes; what it takes back by a reset is not counted."""
    answer = b""
    with talk:
        try:
            talk.sendall(request)
            while part := talk.recv(65_536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer


def status(answer: bytes) -> int:
    """0 for no answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0
