"""What the gateway adds to a turn, beside gateways of others on the same machine: times, CPU, memory, bytes."""
