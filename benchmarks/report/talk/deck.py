"""Slides as a PowerPoint file, native and editable: titles, texts, tables, charts, speaker notes and alt texts."""

from __future__ import annotations

from pathlib import Path

from lxml import etree
from PIL import Image
from pptx import Presentation
from pptx.chart.data import XyChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches, Pt

from benchmarks.report.figures.style import theme
from benchmarks.report.languages.wrapping import bound
from benchmarks.report.talk import layout
from benchmarks.report.talk.layout import Box
from benchmarks.report.talk.parts import CellRows, Film, NativeChart, Slide, SlideFigure, Text

TITLE_ONLY = 5  # of the layouts of the default template
LATIN, MONO = "Arial", "Courier New"


class Deck:
    """A file of slides. east_asian: typeface of Chinese, Japanese and Korean letters; None for that of the viewer."""

    def __init__(self, east_asian: str | None = None):
        self.east_asian = east_asian
        self.file = Presentation()
        self.file.slide_width, self.file.slide_height = Inches(layout.WIDTH), Inches(layout.HEIGHT)

    def add(self, slide: Slide, files: dict[str, Path], source: str, notes: list[str]) -> None:
        """Add a slide. files: of its pictures and films, by name. source: where its numbers come from."""
        page = self.file.slides.add_slide(self.file.slide_layouts[TITLE_ONLY])
        page.background.fill.solid()
        page.background.fill.fore_color.rgb = _rgb(theme().paper)
        self._title(page, slide.title)
        for part, box in zip(slide.parts, layout.boxes(slide), strict=True):
            if isinstance(part, SlideFigure | Film):
                _picture(page, files[part.name], part.alt, box)
            elif isinstance(part, Text):
                self._text(page, part, box)
            elif isinstance(part, CellRows):
                self._rows(page, part, box)
            else:
                self._chart(page, part, box)
        self._write(_textbox(page, layout.FOOTER), [source], layout.SOURCE, theme().muted)
        page.notes_slide.notes_text_frame.text = "\n".join(notes)

    def save(self, path: Path) -> None:
        """Write the file."""
        self.file.save(path)

    def _title(self, page, text: str) -> None:
        shape = page.shapes.title
        shape.left, shape.top, shape.width, shape.height = map(Inches, layout.TITLE)
        size, _ = layout.fitted(text, layout.TITLE, layout.TITLES)
        frame = shape.text_frame
        frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.MIDDLE
        self._write(frame, [bound(text)], size, theme().text, bold=True)
        frame.paragraphs[0].alignment = PP_ALIGN.LEFT

    def _text(self, page, part: Text, box: Box) -> None:
        frame = _textbox(page, box)
        frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        size = layout.CODE if part.code else layout.TEXT
        self._write(frame, map(bound, part.lines), size, theme().text, font=MONO if part.code else LATIN)
        for paragraph in frame.paragraphs:
            paragraph.space_after = Pt(size * 0.7)

    def _rows(self, page, part: CellRows, box: Box) -> None:
        n, m = len(part.cells) + 1, len(part.header)
        heights = layout.row_heights(part, box)
        table = page.shapes.add_table(n, m, *map(Inches, box._replace(height=sum(heights)))).table
        for row, height in zip(table.rows, heights, strict=True):
            row.height = Inches(height)
        for column, width in zip(table.columns, layout.column_widths(part, box), strict=True):
            column.width = Inches(width)
        for row, texts in enumerate((part.header, *part.cells)):
            for column, text in enumerate(texts):
                cell = table.cell(row, column)
                cell.fill.solid()
                cell.fill.fore_color.rgb = _rgb(theme().floor if row == 0 else theme().paper)
                cell.vertical_anchor = MSO_ANCHOR.MIDDLE
                cell.margin_top = cell.margin_bottom = Inches(0.03)
                self._write(cell.text_frame, [text], layout.CELL, theme().text, bold=row == 0)

    def _chart(self, page, part: NativeChart, box: Box) -> None:
        data = XyChartData()
        for name, (_, xs, ys) in part.lines.items():
            series = data.add_series(name)
            for x, y in zip(xs, ys, strict=True):
                series.add_data_point(x, y)
        shape = page.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER_LINES, *map(Inches, box), data)
        _describe(shape, part.alt)
        chart = shape.chart
        chart.has_title, chart.has_legend = False, True
        chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.RIGHT, False
        chart.font.size, chart.font.color.rgb = Pt(layout.CELL), _rgb(theme().text)
        for series, (color, _, _) in zip(chart.plots[0].series, part.lines.values(), strict=True):
            series.smooth = False
            series.format.line.color.rgb, series.format.line.width = _rgb(color), Pt(3)
            series.marker.style, series.marker.size = XL_MARKER_STYLE.CIRCLE, 9
            series.marker.format.fill.solid()
            series.marker.format.fill.fore_color.rgb = _rgb(color)
            series.marker.format.line.color.rgb = _rgb(color)
        for axis, title, base in ((chart.category_axis, part.x_title, 2), (chart.value_axis, part.y_title, 10)):
            self._axis(axis, title, base)

    def _axis(self, axis, title: str, base: int) -> None:
        axis.has_title, axis.has_major_gridlines = True, True
        self._write(axis.axis_title.text_frame, [title], layout.CELL, theme().text)
        axis.major_gridlines.format.line.color.rgb = _rgb(theme().grid)
        axis.format.line.color.rgb = _rgb(theme().muted)
        scaling = axis._element.find(qn("c:scaling"))
        scaling.insert(0, etree.SubElement(scaling, qn("c:logBase"), val=str(base)))

    def _write(self, frame, lines, size: float, color: str, bold: bool = False, font: str = LATIN) -> None:
        """Fill a text frame, one paragraph a line."""
        frame.word_wrap = True
        for index, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if index == 0 else frame.add_paragraph()
            run = paragraph.add_run()
            run.text = line
            run.font.size, run.font.bold, run.font.name = Pt(size), bold, font
            run.font.color.rgb = _rgb(color)
            if self.east_asian:
                properties = run._r.get_or_add_rPr()
                latin = properties.find(qn("a:latin"))
                latin.addnext(etree.Element(qn("a:ea"), typeface=self.east_asian))


def _textbox(page, box: Box):
    return page.shapes.add_textbox(*map(Inches, box)).text_frame


def _picture(page, path: Path, alt: str, box: Box) -> None:
    """Place a picture in the middle of its box, as large as fits."""
    with Image.open(path) as image:
        width, height = image.size
    scale = min(box.width / width, box.height / height)
    left = box.left + (box.width - scale * width) / 2
    top = box.top + (box.height - scale * height) / 2
    _describe(page.shapes.add_picture(str(path), *map(Inches, (left, top, scale * width, scale * height))), alt)


def _describe(shape, alt: str) -> None:
    """Set the alternative text, for which the library has no property."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", alt)


def _rgb(color: str) -> RGBColor:
    return RGBColor.from_string(color.lstrip("#").upper())
