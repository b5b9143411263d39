"""Run the command line with ``python -m ecodecide``."""

from ecodecide.cli import main

if __name__ == "__main__":
    main()
