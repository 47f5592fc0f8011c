"""``task=demo``: a page on which models are asked, and on which their boxes appear."""
