"""kazoo at the other end of a pipe: one line of JSON per request and per answer.

Every party ("who") has a session and a thread of its own. Ends with its standard input.
Arguments: the connect string, the session timeout in milliseconds.
"""

import json
import logging
import os
import queue
import sys
import threading

from kazoo.client import KazooClient
from kazoo.recipe.lock import Lock

logging.disable(logging.CRITICAL)


class SharedLock(Lock):
    """A lock in one line with Curator's, go-zk's and Holdfast's. The same lines as in docs/interop.md."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-"]


class Party:
    def __init__(self, who):
        self.client = KazooClient(hosts=sys.argv[1], timeout=int(sys.argv[2]) / 1000)
        self.locks = {}
        self.requests = queue.Queue()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            self.serve_one(self.requests.get())

    def serve_one(self, request):
        try:
            answer = {"value": self.answer(request["do"], request)}
        except Exception as failure:
            answer = {"error": repr(failure)}
        say({"answer": request["id"], **answer})

    def answer(self, what, request):
        path = request.get("path")
        if what == "open":
            self.client.start(timeout=60)
            return format(self.client.client_id[0] & 0xFFFFFFFFFFFFFFFF, "x")
        if what == "close":
            self.client.stop()
            self.client.close()
            return ""
        if what == "lock":
            return self.locked(path, lambda: SharedLock(self.client, path, "kazoo"))
        if what == "lock under its own name":
            return self.locked(path, lambda: Lock(self.client, path, "kazoo"))
        if what == "lock with extra patterns":
            patterns = ["-lock-"]
            return self.locked(path, lambda: Lock(self.client, path, "kazoo", extra_lock_patterns=patterns))
        if what == "unlock":
            self.locks[path].release()
            return ""
        if what == "forget the lock":
            del self.locks[path]
            return ""
        if what == "read number":
            return self.client.get(path)[0].decode()
        if what == "write number":
            self.client.set(path, request["count"].encode())
            return ""
        raise ValueError(request)

    def locked(self, path, make):
        """One object per path, used again and again, as its users do."""
        if path not in self.locks:
            self.locks[path] = make()
        lock = self.locks[path]
        if not lock.acquire():
            raise RuntimeError("not acquired")
        return path + "/" + lock.node


speaking = threading.Lock()


def say(message):
    with speaking:
        print(json.dumps(message), flush=True)


parties = {}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["who"] not in parties:
        parties[asked["who"]] = Party(asked["who"])
    party = parties[asked["who"]]
    if asked["do"] == "close":  # does not wait: it ends what its party waits for
        threading.Thread(target=party.serve_one, args=(asked,), daemon=True).start()
    else:
        party.requests.put(asked)
os._exit(0)
