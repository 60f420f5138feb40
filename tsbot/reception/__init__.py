"""Where anybody can say that somebody is harmed: reports of people, by a public page and by mail, and the answers to them.

What comes in becomes a case like any other. A person's report with what is said after it is a *hearing*.
"""
