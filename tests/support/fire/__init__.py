"""Keeps a record of what everybody was told while parts of a deployment fail, and checks it afterwards."""
