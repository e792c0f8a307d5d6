"""A live incident and the person who answers it: runs what a page's lines say, changes nothing by itself."""
