"""What the words of a question say: what is counted, which things are named, what is claimed.

A few rules of English word order, made for questions like VSR's, TallyQA's and GQA's. They never
fail: where a question is built in another way they say nothing, and the caller says less.
"""
