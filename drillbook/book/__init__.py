"""A checkout becomes bound runbooks, and lint says what is wrong with them."""
