"""ranking: arrays in, arrays out; who comes next, and with what chance."""
