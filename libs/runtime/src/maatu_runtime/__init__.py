"""What every Maatu service needs and nothing else. Imports no model library."""
