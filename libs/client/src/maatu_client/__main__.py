"""`python -m maatu_client` is the `maatu` command, for where it is not installed."""

from maatu_client.cli import main

if __name__ == "__main__":
    main()
