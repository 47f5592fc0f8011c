"""Tables and charts as values, and one file for each format that they are written in."""
