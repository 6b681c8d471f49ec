"""What every one of the phone's own commands is on the PATH: hands its arguments and descriptors to the phone.

Runs as `python -I -S client.py SOCKET NAME ARGUMENTS...`, so it imports as little as can be. The phone answers with one
byte, the exit status; where it goes away without one, the command was killed.
"""

import _socket
import array
import os
import sys


def main() -> int:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(sys.argv[1])
    affinity = os.environ.get("PHONE_AFFINITY", "")
    folder = os.getcwd()  # noqa: PTH109 - nothing more than this is imported
    words = "\0".join([folder, affinity, *sys.argv[2:]])
    data = os.fsencode(words)
    descriptors = array.array("i", [0, 1, 2])
    head = len(data).to_bytes(4, "little")
    connection.sendmsg([head], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
    while data:
        data = data[connection.send(data) :]
    answer = connection.recv(1)
    return answer[0] if answer else 137


if __name__ == "__main__":
    os._exit(main())
