"""Database servers and brokers on loopback, for the tests, the demo and the benchmarks."""
