"""Run the benchmarks that are named, or all: `python -m tests.bench [NAME ...]`.

A benchmark is a module `bench_NAME` of this package with a `main()` that prints its figures.
"""

from pathlib import Path

from tests import chosen

if __name__ == "__main__":
    chosen.run("tests.bench", Path(__file__).parent, "bench_", "Run benchmarks.")
