"""The sections of the report, a file each: every one takes a comparison and returns a `Section`."""
