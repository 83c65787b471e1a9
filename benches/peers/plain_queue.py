"""M/M/c by SimPy: a process per customer, as its manual has it. Prints the mean wait [s].

Takes the servers, the customers that come per second, those that a server serves per second, how many come in
all and the seed.
"""

import random
import sys

import simpy


def customer(world, servers, draws, per_s, waits):
    """Somebody who waits for a server and has it for a while."""
    came = world.now
    with servers.request() as server:
        yield server
        waits[0] += world.now - came
        yield world.timeout(draws.expovariate(per_s))


def source(world, servers, draws, comes_per_s, served_per_s, customers, waits):
    """Customers come independently of each other."""
    for _ in range(customers):
        yield world.timeout(draws.expovariate(comes_per_s))
        world.process(customer(world, servers, draws, served_per_s, waits))


def main():
    servers, comes_per_s, served_per_s, customers, seed = sys.argv[1:]
    world, draws, waits = simpy.Environment(), random.Random(int(seed)), [0.0]
    line = simpy.Resource(world, capacity=int(servers))
    rates = (float(comes_per_s), float(served_per_s))
    world.process(source(world, line, draws, *rates, int(customers), waits))
    world.run()
    print(waits[0] / int(customers))


if __name__ == "__main__":
    main()
