"""People ask a bounded line of servers, wait so long for an answer, and ask again after a back-off.

Takes the parameters as JSON on the command line, and prints a list of JSON objects, one per replication:
requests, answered, refused and timed out, and the median and 90th percentile of the waits [s].
"""

import json
import random
import sys

import simpy


def lived(given, seed):
    """One replication."""
    draws = random.Random(seed)
    world = simpy.Environment()
    servers = simpy.Resource(world, capacity=given["servers"])
    counts = {"requests": 0, "answered": 0, "refused": 0, "timed_out": 0}
    waits = []
    way = given["network_s"] / 2

    def request(answer):
        """What becomes of a request, whether or not anybody still waits for it."""
        yield world.timeout(way)
        counts["requests"] += 1
        if servers.count == given["servers"] and len(servers.queue) >= given["queue"]:
            yield world.timeout(way)
            if not answer.triggered:
                answer.succeed("refused")
            return
        with servers.request() as server:
            yield server
            yield world.timeout(draws.expovariate(1 / given["service_s"]))
        yield world.timeout(way)
        if not answer.triggered:
            answer.succeed("answered")

    def person(arrives):
        """Somebody who asks until he is answered or has asked often enough."""
        yield world.timeout(arrives)
        for attempt in range(given["attempts"] + 1):
            begun, answer = world.now, world.event()
            world.process(request(answer))
            yield answer | world.timeout(given["timeout_s"])
            if answer.triggered:
                outcome = answer.value
            else:
                outcome = "timed_out"
                # Whatever comes later is for nobody.
                answer.succeed(None)
            counts[outcome] += 1
            if outcome != "refused":
                waits.append(world.now - begun)
            if outcome == "answered":
                return
            if attempt < given["attempts"]:
                longest = given["base_s"] * given["factor"] ** attempt
                yield world.timeout(min(longest, given["cap_s"]) * draws.random())

    for _ in range(given["people"]):
        world.process(person(draws.uniform(0, given["over_s"])))
    world.run()
    waits.sort()
    at = lambda share: waits[min(len(waits) - 1, int(share * len(waits)))]
    return counts | {"p50_s": at(0.5), "p90_s": at(0.9)}


def main():
    given = json.loads(sys.argv[1])
    print(json.dumps([lived(given, seed) for seed in range(given["replications"])]))


if __name__ == "__main__":
    main()
