"""What is written is said as a person would read it aloud."""

import pytest

from tertulia.bots.speaking import speakable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "# Hello **dear** _friend_", "Hello dear friend"),
        ("en", "See [the docs](https://example.org/a?b=c).", "See the docs."),
        ("en", "Look at https://www.example.org/path.", "Look at link to example dot org."),
        ("es", "Vea https://example.org", "Vea enlace a example punto org"),
        ("en", "Write to ana.lopez@example.org", "Write to ana dot lopez at example dot org"),
        ("ru", "Пишите: anna@example.org", "Пишите: anna собака example точка org"),
        ("en", "![a heron](x.png) flies", "a heron flies"),
        ("en", "- [x] milk\n- **bread**", "milk bread"),
        ("en", "1. First\n2. Second", "1, First 2, Second"),
        ("en", "> quoted\n\n---\nrest", "quoted rest"),
        ("en", "Use `pip install`", "Use pip install"),
        ("en", "Do:\n```py\nx = 1\n```", "Do: There is code in the written answer."),
        ("es", "```\nx\n```", "Hay código en la respuesta escrita."),
        ("en", "| a | b |\n|---|---|\n| 1 | 2 |", "a, b. 1, 2."),
        ("en", "Great 🎉👍🏽!", "Great!"),
        ("en", "🎉", ""),
        ("en", "***", ""),
        ("en", "snake_case_name stays", "snake_case_name stays"),
        ("en", "2 * 3 * 4", "2 * 3 * 4"),
        ("en", "It costs $1,234.50, e.g. today", "It costs 1234 dollars 50, for example today"),
        ("en", "€1", "1 euro"),
        ("es", "Cuesta 12,50 €", "Cuesta 12 euros 50"),
        ("es", "1.234 personas", "1234 personas"),
        ("ru", "Цена 21 ₽, 22 ₽ и 25 ₽", "Цена 21 рубль, 22 рубля и 25 рублей"),
        ("ru", "11%, 3%, 1%", "11 процентов, 3 процента, 1 процент"),
        ("en", "50% at 20 °C", "50 percent at 20 degrees"),
        ("en", "100 km/h for 5 min", "100 kilometres an hour for 5 minutes"),
        ("es", "1 km y 3,5 kg", "1 kilómetro y 3,5 kilos"),
        ("ru", "5 км и т.д.", "5 километров и так далее"),
        ("en", "pages 5–10, -3 degrees", "pages 5 to 10, minus 3 degrees"),
        ("en", "on 2026-03-05", "on 5 March 2026"),
        ("es", "el 2026-03-05", "el 5 de marzo de 2026"),
        (
            "es",
            "El Sr. Pérez, p. ej., y la Dra. Gil",
            "El señor Pérez, por ejemplo, y la doctora Gil",
        ),
        ("en", "Tom &amp; Jerry", "Tom and Jerry"),
        ("en", "A <b>bold</b> move[1]", "A bold move"),
        ("fr", "**Bonjour** https://example.org 5 km", "Bonjour example.org 5 km"),
        ("en", "", ""),
    ],
)
def test_a_text_is_said(language: str, written: str, said: str) -> None:
    assert speakable(written, language) == said


def test_a_very_odd_text_takes_no_time() -> None:
    for text in (
        "[" * 6_000,
        "*" * 6_000,
        "`" * 6_001,
        "<" * 6_000,
        "1," * 4_000,
        "_a" * 4_000,
    ):
        speakable(text, "en")
