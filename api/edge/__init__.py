"""The edge: what a request meets before any route, and how much anybody may ask for.

From outside in: `api.middleware.Boundary` (id, address, headers, figures), `door` (host, allowed networks, rate of an
address), `deadline` (time to answer), `api.middleware.BodyLimit` (size and time of a body), the routes. `protocol`
watches over what comes before a request is one. Signed webhooks pass the door unasked: their signature is checked
instead, and one that was turned away would be a customer's message lost.
"""
