"""Tools that bring data back."""
