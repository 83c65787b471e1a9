"""Orders authorize and then capture under one token bucket; what cannot be captured is voided, if that is allowed.

Takes the parameters as JSON on the command line, and prints a list of JSON objects, one per replication:
authorized, captured, voided, orphaned and refused calls.
"""

import json
import math
import random
import sys

import simpy


class Bucket:
    """A token bucket: full at first."""

    def __init__(self, world, rate, burst):
        self.world, self.rate, self.burst = world, rate, burst
        self.tokens, self.at = burst, 0.0

    def admits(self):
        """Takes a token, if there is one."""
        self.tokens = min(self.burst, self.tokens + (self.world.now - self.at) * self.rate)
        self.at = self.world.now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def lived(given, seed):
    """One replication."""
    draws = random.Random(seed)
    world = simpy.Environment()
    bucket = Bucket(world, given["rate"], given["burst"])
    counts = {"authorized": 0, "captured": 0, "voided": 0, "orphaned": 0, "refused": 0}

    def order(comes):
        yield world.timeout(comes)
        if not bucket.admits():
            counts["refused"] += 1
            return
        counts["authorized"] += 1
        yield world.timeout(draws.lognormvariate(math.log(given["median_s"]), given["sigma"]))
        if bucket.admits():
            counts["captured"] += 1
            return
        counts["refused"] += 1
        yield world.timeout(given["refusal_s"])
        if bucket.admits():
            counts["voided"] += 1
        else:
            counts["refused"] += 1
            counts["orphaned"] += 1

    for _ in range(given["orders"]):
        world.process(order(draws.uniform(0, given["over_s"])))
    world.run()
    return counts


def main():
    given = json.loads(sys.argv[1])
    print(json.dumps([lived(given, seed) for seed in range(given["replications"])]))


if __name__ == "__main__":
    main()
