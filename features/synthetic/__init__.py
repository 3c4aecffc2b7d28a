"""The simulated world whose truth is known: leads, agents, calls, and the orders to compare."""
