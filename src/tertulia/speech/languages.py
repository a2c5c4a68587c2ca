"""Codes and English names of languages, as Whisper and OpenAI's audio API write them."""

_TABLE = """
af afrikaans|am amharic|ar arabic|as assamese|az azerbaijani|ba bashkir|be belarusian|bg bulgarian|bn bengali
bo tibetan|br breton|bs bosnian|ca catalan|cs czech|cy welsh|da danish|de german|el greek|en english|es spanish
et estonian|eu basque|fa persian|fi finnish|fo faroese|fr french|gl galician|gu gujarati|ha hausa|haw hawaiian
he hebrew|hi hindi|hr croatian|ht haitian creole|hu hungarian|hy armenian|id indonesian|is icelandic|it italian
ja japanese|jw javanese|ka georgian|kk kazakh|km khmer|kn kannada|ko korean|la latin|lb luxembourgish|ln lingala
lo lao|lt lithuanian|lv latvian|mg malagasy|mi maori|mk macedonian|ml malayalam|mn mongolian|mr marathi|ms malay
mt maltese|my myanmar|ne nepali|nl dutch|nn nynorsk|no norwegian|oc occitan|pa punjabi|pl polish|ps pashto
pt portuguese|ro romanian|ru russian|sa sanskrit|sd sindhi|si sinhala|sk slovak|sl slovenian|sn shona|so somali
sq albanian|sr serbian|su sundanese|sv swedish|sw swahili|ta tamil|te telugu|tg tajik|th thai|tk turkmen|tl tagalog
tr turkish|tt tatar|uk ukrainian|ur urdu|uz uzbek|vi vietnamese|yi yiddish|yo yoruba|yue cantonese|zh chinese
"""

NAMES: dict[str, str] = {
    code: name
    for code, _, name in (
        entry.partition(" ") for line in _TABLE.split("\n") for entry in line.split("|") if entry
    )
}
"""English names, in small letters, by code."""

CODES: dict[str, str] = {name: code for code, name in NAMES.items()}
"""Codes by English name."""


def code_of(language: str | None) -> str | None:
    """A code from a code or an English name; None when it is neither."""
    if not language:
        return None
    lowered = language.strip().lower().replace("_", "-")
    if lowered in CODES:
        return CODES[lowered]
    return lowered if lowered.split("-")[0] in NAMES else None


def name_of(code: str | None) -> str:
    """The English name of a code; the code itself when it has none."""
    if not code:
        return "unknown"
    return NAMES.get(code.split("-")[0].lower(), code)
