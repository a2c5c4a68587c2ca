"""What every engine was used for and what it cost, and how much may be spent."""
