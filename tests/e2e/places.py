"""The addresses of the page."""

INSIDE = (
    "/",
    "/live",
    "/transcribe",
    "/library",
    "/library?q=nothing",
    "/costs",
    "/status",
    "/settings/me",
    "/settings/people",
    "/settings/spaces",
    "/settings/keys",
    "/settings/webhooks",
)
OUTSIDE = ("/sign-in", "/sign-in?link=used", "/invitations/unknown")
