"""chaos: workers are killed, the database restarts, clocks jump, polls come in bursts; and yet all holds."""
