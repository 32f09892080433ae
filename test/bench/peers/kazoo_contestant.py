"""Contends with kazoo's Lock, as contest.ts asks: see there."""
import json
import logging
import os
import sys
import threading
import time

from kazoo.client import KazooClient

logging.disable(logging.CRITICAL)
threading.stack_size(256 * 1024)
asked = json.loads(sys.argv[1])
hold = asked["holdMs"] / 1000
same_path = asked["paths"] == "same"
now = time.perf_counter


def dial():
    client = KazooClient(hosts=asked["connect"], timeout=30.0)
    client.start(timeout=60)
    return client


def percentile(ordered, fraction):
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] * 1e6 if ordered else 0


class Run:
    """One slice of time."""

    def __init__(self, locks, seconds):
        self.alone = len(locks) == 1
        self.mutex = threading.Lock()
        self.times = []
        self.granted = self.everything = self.holders = 0
        self.released = None
        cpu = time.process_time()
        self.start = self.last = now()
        self.end = self.start + seconds
        workers = [threading.Thread(target=self.contend, args=(lock,)) for lock in locks]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.times.sort()
        self.told = {
            "granted": self.granted,
            "all": self.everything,
            "seconds": self.last - self.start,
            "cpuMicros": (time.process_time() - cpu) * 1e6,
            "p50": percentile(self.times, 0.5),
            "p99": percentile(self.times, 0.99),
        }

    def contend(self, lock):
        while True:
            asking = now()
            lock.acquire()
            held = now()
            with self.mutex:
                self.everything += 1
                self.holders += 1
                if same_path and self.holders != 1:
                    print("two hold at once", file=sys.stderr)
                    os._exit(3)
                if not self.alone and held <= self.end:
                    self.granted += 1
                    self.last = held
                    since = self.released if same_path else asking
                    if since is not None:
                        self.times.append(held - since)
            if hold:
                time.sleep(hold)
            with self.mutex:
                self.released = now()
                self.holders -= 1
            lock.release()
            done = now()
            if self.alone:
                self.granted += 1
                self.last = done
                self.times.append(done - asking)
            if done >= self.end:
                return


if asked["startUp"]:
    dial().Lock(asked["path"]).acquire()
    print('{"held":true}', flush=True)
    os._exit(0)
one = dial() if asked["sessions"] == "one" else None
locks = [
    (one or dial()).Lock(asked["path"] + ("" if same_path else "-%d" % index))
    for index in range(asked["contenders"])
]
print('{"ready":true}', flush=True)
for line in sys.stdin:
    print(json.dumps(Run(locks, float(line)).told), flush=True)
os._exit(0)
