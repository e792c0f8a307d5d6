"""A live incident and the person who answers it: reads what a page's lines say, changes nothing."""
