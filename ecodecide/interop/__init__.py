"""Exchange with other programs: file formats of the POMDP field, and pomdp-py. Converts at the edge."""
