"""What a finished run leaves for people: results, tables, reports."""
