"""Rules of English word order for questions like VSR's, TallyQA's and GQA's.

They extract what is counted and which things are named, and make a sentence of question and answer.
They never raise: of a question that no rule fits they return None or nothing.
"""
