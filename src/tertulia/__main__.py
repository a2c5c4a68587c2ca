"""`python -m tertulia` is the `tertulia` command."""

from tertulia.cli.main import main

main()
