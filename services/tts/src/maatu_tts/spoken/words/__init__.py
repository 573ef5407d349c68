"""The words of each language, one file per concern. A language that lacks an entry has that rule left out."""
