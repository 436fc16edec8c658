"""``python -m stemniche`` is ``stemniche``."""

from stemniche.cli.main import main

if __name__ == "__main__":
    main()
