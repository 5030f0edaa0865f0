"""The servers that come with the `embedded` extra, run from their wheels: no package manager, container or root needed.

`gatehouse up` keeps them under one supervisor; the tests start a pair of their own from the same modules.
"""
