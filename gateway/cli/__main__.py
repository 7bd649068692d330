"""`python -m gateway.cli` is `tocsin`."""

from gateway.cli.group import main

if __name__ == "__main__":
    main(prog_name="tocsin")
