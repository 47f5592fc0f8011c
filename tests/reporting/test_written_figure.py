from pathlib import Path

from grit.reporting.charts import Chart, Line, Panel, chart_svg
from grit.reporting.written_figure import written_markdown, written_section

TEXT = """# Figure 4: chains after <rethink>

![drawing](figure4.svg)

The judge is **rules** & says `<think>`.

| Model | a \\| b |
| --- | ---: |
| tiny\\_qwen | 0.9 [0.8, 1.0] |
| tiny_internvl | - |

- one: failed: <b>

- two: failed

The row *written* is no *model*.
"""


def test_the_files_of_a_figure_become_a_section(tmp_path: Path) -> None:
    chart = Chart("t", "n", ("a",), (Panel("p", lines=(Line((1.0, 2.0)),)),), "y")
    files = {
        "figure4.md": TEXT,
        "figure4.svg": f'<?xml version="1.0"?>\n{chart_svg(chart)}',
        "figure4.json": "{}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    section = written_section(tmp_path / "figure4")
    assert section.title == "Figure 4: chains after <rethink>"
    body = section.body
    assert body.startswith('<figure class="drawing"><svg class="chart"')
    assert "<?xml" not in body
    assert "<p>The judge is <b>rules</b> &amp; says <code>&lt;think&gt;</code>.</p>" in body
    assert '<th scope="col">a | b</th>' in body
    assert '<th scope="row">tiny_qwen</th><td>0.9 [0.8, 1.0]</td>' in body
    assert '<th scope="row">tiny_internvl</th><td>-</td>' in body
    assert '<ul class="notes"><li>one: failed: &lt;b&gt;</li><li>two: failed</li></ul>' in body
    assert "<em>written</em> is no <em>model</em>" in body
    assert "---" not in body
    assert "![" not in body
    title, text = written_markdown(tmp_path / "figure4")
    assert title == section.title
    assert text == TEXT.split("\n\n", 1)[1].replace("![drawing](figure4.svg)\n\n", "")


def test_a_figure_without_words_is_its_drawing(tmp_path: Path) -> None:
    path = tmp_path / "figure5.svg"
    path.write_text("<svg></svg>")
    section = written_section(tmp_path / "figure5")
    assert (section.title, section.body) == (
        "figure5",
        '<figure class="drawing"><svg></svg></figure>',
    )
