"""Pictures of pages in few bytes: a page has few colours."""

from fractions import Fraction
from pathlib import Path

import av
import av.filter


def squeeze(file: Path) -> None:
    """Writes a picture again with a palette of its own, without dithering, which would cost more than it shows."""
    with av.open(str(file)) as source:
        frame = next(source.decode(video=0)).reformat(format="rgba")
    drawn = _with_palette(frame)
    encoder = av.VideoCodecContext.create("png", "w")
    encoder.width, encoder.height = drawn.width, drawn.height
    encoder.pix_fmt = "pal8"
    encoder.time_base = Fraction(1)
    encoder.options = {"compression_level": "9", "pred": "none"}
    file.write_bytes(
        b"".join(bytes(packet) for packet in [*encoder.encode(drawn), *encoder.encode(None)])
    )


def _with_palette(frame: av.VideoFrame) -> av.VideoFrame:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format="rgba", time_base=Fraction(1)
    )
    split = graph.add("split")
    palette = graph.add("palettegen", "max_colors=256:reserve_transparent=0:stats_mode=full")
    paint = graph.add("paletteuse", "dither=none")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(paint, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(paint, 0, 1)
    paint.link_to(sink)
    graph.configure()
    graph.push(frame)
    graph.push(None)
    drawn = graph.pull()
    assert isinstance(drawn, av.VideoFrame)
    return drawn
