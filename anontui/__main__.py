"""``python -m anontui`` is the ``anontui`` command."""

from anontui.cli import main

if __name__ == "__main__":
    main()
