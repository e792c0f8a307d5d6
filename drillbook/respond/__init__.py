"""A live incident and the person who answers it: a page's lines, and no change without a yes."""
