"""The addresses of the page."""

INSIDE = (
    "/",
    "/live",
    "/talk",
    "/turns",
    "/turns?charts=true",
    "/transcribe",
    "/library",
    "/library?q=nothing",
    "/costs",
    "/status",
    "/settings/me",
    "/settings/people",
    "/settings/spaces",
    "/settings/keys",
    "/settings/bots",
    "/settings/bots/new",
    "/settings/webhooks",
)
OUTSIDE = ("/sign-in", "/sign-in?link=used", "/invitations/unknown")
