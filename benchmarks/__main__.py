"""`python -m benchmarks`: the same command line as the console script `alexnet-moment`."""

from benchmarks.cli import main

if __name__ == "__main__":
    main()
