"""The tokens of the login page: what it is given for a right password, and what each use of one opens.

The service issues and checks them; nobody else can.  Every use is decided by the account as it is then, so
a token is worth no more than a remembered login.
"""
